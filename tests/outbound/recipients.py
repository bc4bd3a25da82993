"""A message with its audience frozen and sent, made by a few statements: what the tests of recording start from."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from contacts.models import Contact
from outbound.models import Chunk, Message, ProviderAccount, Recipient
from outbound.partitions import ensure_month, first_of_month
from outbound.states import RecipientState

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


def sent_message(recipients: int, *, links: list[Any] | None = None, state: int = RecipientState.SENT) -> Message:
    """A finished message whose recipients are new contacts p0@example.com, p1@…, each with a row in `state`."""
    provider, _ = ProviderAccount.objects.get_or_create(name="relay", defaults={"host": "127.0.0.1"})
    month = first_of_month(NOON.date())
    ensure_month(month)
    message = Message.objects.create(
        name="News",
        provider=provider,
        month=month,
        content={},
        stamp={},
        total=recipients,
        state="finished",
        links=links or [],
    )
    known = Contact.objects.count()
    contacts = Contact.objects.bulk_create(
        Contact(email=f"p{known + n}@example.com", email_key=f"p{known + n}@example.com", first_name=f"Ana {n}")
        for n in range(recipients)
    )
    ids = [contact.pk for contact in contacts]
    in_doubt = state == RecipientState.IN_DOUBT
    for first in range(0, recipients, 1000):
        size = len(ids[first : first + 1000])
        Chunk.objects.create(
            message=message,
            first_position=first,
            contact_ids=ids[first : first + 1000],
            size=size,
            state="done",
            done=size,
            sent=0 if in_doubt else size,
            in_doubt=size if in_doubt else 0,
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, at) "
            "SELECT %s, %s, n - 1, id, %s, now() FROM unnest(%s::bigint[]) WITH ORDINALITY AS u(id, n)",
            [month, message.pk, state, ids],
        )
    return message


def state_of(message: Message, position: int) -> int:
    return Recipient.objects.get(month=message.month, message_id=message.pk, position=position).state


def contact_of(message: Message, position: int) -> Contact:
    chunk = Chunk.objects.filter(message=message, positions=None, first_position__lte=position).order_by(
        "-first_position"
    )[0]
    return Contact.objects.get(pk=chunk.contact_ids[position - chunk.first_position])
