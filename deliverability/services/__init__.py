"""Use cases around sending domains."""
