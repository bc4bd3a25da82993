"""The operators' desk: tenants, their hosts and plans, and keys."""

from tenants.admin import keys, tenants

__all__ = ["keys", "tenants"]
