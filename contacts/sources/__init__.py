"""Contacts from other systems: what a data source is told to be, and how it is synced page by page."""
