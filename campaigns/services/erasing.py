"""Erasing a person (GDPR, article 17): the contact, and what the engine keeps that could lead to him."""

from dataclasses import dataclass

from django.db import transaction

from common.database import connection
from contacts.models import Contact
from contacts.services.contacts import erase_contact

# Rows stay, because they are counted; what stands in them about the person goes. Providers like to repeat the
# address in their replies.
_SCRUB = (
    """
    UPDATE outbound_event e SET ip = NULL, agent = NULL, detail = NULL FROM outbound_recipient r
    WHERE r.contact_id = %(contact)s AND e.month = r.month AND e.message_id = r.message_id AND e.position = r.position
    """,
    """
    UPDATE outbound_attempt a SET reason = NULL FROM outbound_recipient r
    WHERE r.contact_id = %(contact)s AND a.month = r.month AND a.message_id = r.message_id AND a.position = r.position
    """,
    "UPDATE outbound_recipient SET reason = NULL WHERE contact_id = %(contact)s AND reason IS NOT NULL",
)


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What was removed: rows that imports refused, and rows of the engine that were scrubbed."""

    contact_id: int
    rejected_rows: int
    scrubbed_rows: int


def erase_person(*, contact: Contact) -> ErasedPerson:
    """Remove the contact and scrub its mail's records: addresses of machines, programs, replies. Counts stay right.

    Its entries on the suppression list stay, so that nobody writes to it when it comes in again. Reads all
    recipients of the tenant once: seconds where there are many millions.
    """
    scrubbed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _SCRUB:
            cursor.execute(statement, {"contact": contact.pk})
            scrubbed += int(cursor.rowcount)
        erased = erase_contact(contact=contact)
    return ErasedPerson(erased.contact_id, erased.rejected_rows, scrubbed)
