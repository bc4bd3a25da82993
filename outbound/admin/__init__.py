"""Providers on a tenant's desk; what waits and what is wrong on the operators'."""

from outbound.admin import operations, overview, providers

__all__ = ["operations", "overview", "providers"]
