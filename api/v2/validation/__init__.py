"""Validation of API v2."""
