"""Imports of API v2."""
