"""The messages of a campaign: made, with their audience frozen, and set going."""

from dataclasses import asdict
from typing import Any

from psycopg import sql

from campaigns.models import Campaign
from campaigns.services.checking import sending_provider
from common.errors import InvalidInput
from outbound.compiler import Content
from outbound.models import Message
from outbound.services import freeze_audience, plan_message, start_message
from outbound.stamping import Sender, compile_for, make_stamp


def make_message(campaign: Campaign, content: Content, query: sql.Composed, params: dict[str, Any]) -> Message:
    """A message that waits to be started, to those whom the query selects. Raises InvalidInput when that is nobody."""
    sender = Sender(
        from_address=campaign.from_address,
        from_name=campaign.from_name,
        reply_to=campaign.reply_to,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
    )
    message = plan_message(
        origin=f"campaign:{campaign.pk}",
        name=campaign.name,
        provider=sending_provider(campaign),
        content=content,
        stamp=make_stamp(sender),
        links=(),
    )
    if freeze_audience(message, query, params) == 0:
        raise InvalidInput("Nobody is in the audience any more.", field="audience")
    return message


def start_part(message: Message) -> None:
    """Begin to send a message in the content it has now. Raises Conflict when it was begun before."""
    # Compiled as it will be sent: the numbers in the mail and the link table are of one compilation.
    message.links = [asdict(link) for link in compile_for(message).links]
    message.save(update_fields=["content", "links"])
    start_message(message)
