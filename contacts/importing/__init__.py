"""Contacts from files: what a file holds (pure modules), and how it gets into the database (pipeline)."""
