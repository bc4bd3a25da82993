"""Segments of API v2."""
