"""From the query of a list of messages to the filter that the core knows."""

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiParameter

from api.relay.moments import last_moment, read_moment
from common.errors import InvalidInput
from outbound.submission.details import MessageFilter
from outbound.submission.types import SubmissionState as State

_STATES: dict[str, tuple[State, ...]] = {
    "all": (),
    "queued": (State.QUEUED, State.SCHEDULED, State.DEFERRED),
    "processing": (State.QUEUED, State.DEFERRED),
    "sent": (State.SENT, State.DELIVERED),
    "failed": (State.FAILED, State.BOUNCED),
    "cancelled": (State.CANCELLED,),
    "in_doubt": (State.IN_DOUBT,),
    # Narrower than the reference's words.
    "scheduled": (State.SCHEDULED,),
    "deferred": (State.DEFERRED,),
    "delivered": (State.DELIVERED,),
    "bounced": (State.BOUNCED,),
}
_IN_HAND = {"queued": False, "processing": True}

FILTERS = [
    OpenApiParameter("status", str, enum=list(_STATES), description="all when left out"),
    OpenApiParameter("from", str, description="the sender's address"),
    OpenApiParameter("to", str, description="the address of a recipient, of cc and bcc too"),
    OpenApiParameter("date_from", str, description="ISO 8601: taken then or later"),
    OpenApiParameter("date_to", str, description="ISO 8601: taken then or before; a day alone means its end"),
]


def wanted_messages(query: Mapping[str, str]) -> MessageFilter:
    """Raises InvalidInput with the parameter's name."""
    status = query.get("status", "").lower() or "all"
    if status not in _STATES:
        raise InvalidInput("There is no such status.", field="status", hint=f"There are: {', '.join(_STATES)}.")
    return MessageFilter(
        states=_STATES[status],
        processing=_IN_HAND.get(status),
        sender=query.get("from", ""),
        recipient=query.get("to", ""),
        created_from=read_moment(query.get("date_from"), field="date_from"),
        created_to=last_moment(query.get("date_to", ""), field="date_to"),
    )
