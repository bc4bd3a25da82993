"""Suppressions of API v2."""
