"""Keys of API v2."""
