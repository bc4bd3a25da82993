"""Tags of API v2."""
