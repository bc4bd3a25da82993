"""Campaigns in figures."""
