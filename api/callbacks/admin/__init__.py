"""Webhooks on a tenant's desk: endpoints, and what each was told."""

from api.callbacks.admin import deliveries, endpoints

__all__ = ["deliveries", "endpoints"]
