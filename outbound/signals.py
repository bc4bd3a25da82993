"""News for the apps above: what happened to a message."""

from django.dispatch import Signal

# kind: "finished", "paused", "failed", "cancelled" or an event's label; message_id. Sent inside the tenant.
message_event = Signal()
