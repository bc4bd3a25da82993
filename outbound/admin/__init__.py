"""Messages and providers on a tenant's desk; what waits and what is wrong on the operators'."""

from outbound.admin import messages, operations, overview, providers, queue

__all__ = ["messages", "operations", "overview", "providers", "queue"]
