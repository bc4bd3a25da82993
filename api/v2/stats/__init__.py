"""Stats of API v2."""
