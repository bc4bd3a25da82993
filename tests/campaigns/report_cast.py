"""A campaign in the middle of its life, with one recipient in every state; the engine's tables are filled as it does."""

from django.db import connection
from django.utils import timezone

from campaigns.models import CampaignPart
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from outbound.events import record_events
from outbound.recording import Hit
from outbound.states import EventKind

PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
# Positions 0 to 15: the states of those that have a row; 16 to 19 are queued.
STATES = [3, 3, 3, 3, 3, 3, 3, 3, 2, 5, 6, 7, 8, 9, 10, 1]


def send(campaign):
    """Plan it and return its first message."""
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    return CampaignPart.objects.select_related("message").filter(campaign=campaign).order_by("pk").first().message


def give_outcomes(message):
    """Outcomes for the first sixteen of twenty; the last of them waits in a chunk of a second attempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, attempts, code, reason, at, next_at)"
            " SELECT %s, %s, n - 1, c.contact_ids[n], s, 1, CASE WHEN s IN (3, 8, 9) THEN NULL ELSE 550 END,"
            "  CASE s WHEN 3 THEN NULL ELSE 'because of ' || s END, now(), CASE WHEN s = 2 THEN now() END"
            " FROM unnest(%s::int[]) WITH ORDINALITY AS t(s, n), outbound_chunk c WHERE c.message_id = %s",
            [message.month, message.pk, STATES, message.pk],
        )
        cursor.execute(
            "UPDATE outbound_chunk SET done = 16, sent = 8, deferred = 2, bounced = 2, failed = 1, cancelled = 1,"
            " suppressed = 1, in_doubt = 1 WHERE message_id = %s",
            [message.pk],
        )
        cursor.execute(
            "INSERT INTO outbound_chunk (message_id, attempt, first_position, positions, contact_ids, size, state, owner,"
            " fence, watermark, handing_fence, done, sent, deferred, bounced, failed, suppressed, in_doubt, cancelled)"
            " SELECT message_id, 2, 0, '{15}', contact_ids[16:16], 1, 'open', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
            " FROM outbound_chunk WHERE message_id = %s",
            [message.pk],
        )


def give_events(message):
    """Opens by 0 to 3 (0 twice), clicks by 0 and 1, 2 leaves, 3 complains, 4 bounces later, 5 is confirmed."""
    at = timezone.now().replace(minute=30)
    hits = [
        (EventKind.OPEN, 0, None), (EventKind.OPEN, 0, None), (EventKind.OPEN, 1, None), (EventKind.OPEN, 2, None),
        (EventKind.OPEN, 3, None), (EventKind.CLICK, 0, 0), (EventKind.CLICK, 0, 0), (EventKind.CLICK, 1, 0),
        (EventKind.UNSUBSCRIBE, 2, None), (EventKind.COMPLAINT, 3, None), (EventKind.BOUNCE_HARD, 4, None),
        (EventKind.DELIVERY, 5, None),
    ]  # fmt: skip
    recorded = record_events([Hit(kind, message.pk, position, at, link, agent=PERSON) for kind, position, link in hits])
    assert recorded.recorded == len(hits)
