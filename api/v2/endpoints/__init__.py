"""Outgoing webhooks of API v2."""
