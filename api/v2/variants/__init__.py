"""Variants of API v2."""
