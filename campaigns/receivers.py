"""What campaigns hear of the engine."""

from django.dispatch import receiver

from campaigns.services.planning import settle_campaign_of
from outbound.signals import message_event

_MATTERS = frozenset({"finished", "paused", "failed", "cancelled"})


@receiver(message_event)
def follow_message(kind: str, message_id: int, **_: object) -> None:
    """A campaign is sent when all its messages are; it is paused when one of them is."""
    if kind in _MATTERS:
        settle_campaign_of(message_id)
