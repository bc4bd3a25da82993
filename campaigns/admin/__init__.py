"""Campaigns and templates on a tenant's desk."""

from campaigns.admin import campaigns, templates

__all__ = ["campaigns", "templates"]
