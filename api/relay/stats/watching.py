"""Whoever watches figures second by second: what is known of them, and what they are sent (Server-Sent Events, WHATWG HTML 9.2)."""

import json
from dataclasses import dataclass
from datetime import datetime

from api.relay.moments import moment
from outbound.submission.pulse import Pulse

# Under this name the view that admits a watcher puts a Watch into the ASGI scope of the request.
ADMITTED = "lettershop.watch"
HEARTBEAT = b": nothing to tell\n\n"
# Browsers ask again after so long when the stream ends.
OPENING = b"retry: 5000\n\n"


@dataclass(frozen=True, slots=True)
class Watch:
    """A watcher who was let in. `until`: when a token expires."""

    schema: str
    key_id: int | None
    until: datetime | None = None


def metrics_event(pulse: Pulse, *, now: datetime) -> bytes:
    """One `metrics` event."""
    data = {
        "timestamp": moment(now),
        "emails_per_second": pulse.emails,
        "queue_depth": pulse.waiting,
        "active_processors": pulse.senders,
    }
    return f"event: metrics\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
