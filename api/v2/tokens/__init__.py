"""Tokens of API v2."""
