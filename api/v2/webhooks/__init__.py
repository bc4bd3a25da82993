"""Webhooks of API v2."""
