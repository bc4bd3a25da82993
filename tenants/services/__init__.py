"""Use cases around tenants."""
