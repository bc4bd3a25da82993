"""Campaigns of API v2."""
