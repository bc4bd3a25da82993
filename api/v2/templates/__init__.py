"""Templates of API v2."""
