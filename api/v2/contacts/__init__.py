"""Contacts of API v2."""
