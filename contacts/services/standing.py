"""Whether one contact is mailed, changed by a word: the suppression list and the status change together."""

from django.db import transaction

from common.errors import Conflict
from contacts.models import Contact, ContactStatus, SuppressionReason
from contacts.services.suppressing import suppress

_REASONS: dict[str, str] = {
    ContactStatus.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBED,
    ContactStatus.SUPPRESSED: SuppressionReason.MANUAL,
    ContactStatus.BOUNCED: SuppressionReason.HARD_BOUNCE,
    ContactStatus.COMPLAINED: SuppressionReason.COMPLAINT,
}


def change_status(*, contact: Contact, status: str, origin: str) -> None:
    """Bring the contact to `status`; `contact` then holds what it became.

    What forbids mail goes on the suppression list, and never weakens what stands there already. Between active and
    unconfirmed it changes freely. Raises Conflict where a suppressed contact would be mailed again: its entries on
    the list must be removed, so that nobody does it by the way.
    """
    if status == contact.status:
        return
    if status in _REASONS:
        with transaction.atomic():
            suppress(reason=_REASONS[status], origin=origin, contact_ids=[contact.pk])
            contact.refresh_from_db()
        return
    if contact.status in _REASONS:
        raise Conflict(
            f"This contact is {contact.status}; it is not mailed again by a change of its status.",
            field="status",
            hint="Remove its entry from the suppression list.",
        )
    contact.status = status
    contact.save(update_fields=["status", "updated_at"])
