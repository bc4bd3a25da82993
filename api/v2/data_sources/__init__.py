"""Data sources of API v2."""
