"""Single contacts: made, changed, erased."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from common.addresses import parse_address
from common.database import connection
from common.errors import Conflict, InvalidInput
from contacts.models import Contact, ContactStatus, DataSource, Suppression
from contacts.services.details import (
    ContactDetails,
    checked_language,
    checked_line,
    checked_timezone,
    merged_attributes,
)
from contacts.services.standing import change_status
from contacts.targeting import tag_ids

# The status that an address on the suppression list gives its contact; the strongest reason decides.
_STATUS_OF_REASON = (
    ("complaint", ContactStatus.COMPLAINED),
    ("hard_bounce", ContactStatus.BOUNCED),
    ("manual", ContactStatus.SUPPRESSED),
    ("unsubscribed", ContactStatus.UNSUBSCRIBED),
)


@dataclass(frozen=True, slots=True)
class Consent:
    """That the person agreed to get mail: when (None: now), from where, and to what."""

    at: datetime | None = None
    ip: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase_contact` removed."""

    contact_id: int
    rejected_rows: int


def create_contact(
    *,
    details: ContactDetails,
    confirmed: bool = True,
    source: DataSource | None = None,
    consent: Consent | None = None,
) -> Contact:
    """Make a contact. One whose address is on the suppression list is made, and is not mailed.

    Not `confirmed`: it is not mailed until it confirms. Raises InvalidAddress, InvalidInput (unknown tag, wrong
    type of an attribute), and Conflict when the address has a contact.
    """
    contact = Contact(source=source)
    if details.email is None:
        raise InvalidInput("A contact needs an address.", field="email")
    with transaction.atomic():
        _write(contact, details)
        _write_consent(contact, consent)
        contact.status = _listed_status(contact.email_key) or (
            ContactStatus.ACTIVE if confirmed else ContactStatus.UNCONFIRMED
        )
        _save(contact)
    return contact


def update_contact(
    *,
    contact: Contact,
    details: ContactDetails,
    status: str | None = None,
    source: DataSource | None = None,
    consent: Consent | None = None,
) -> Contact:
    """Change what `details` says something about. Raises what `create_contact` does.

    A `status` is reached as `change_status` says. A new address that is on the suppression list brings its
    status along.
    """
    with transaction.atomic():
        held = Contact.objects.select_for_update().filter(pk=contact.pk).first()
        if held is None:
            raise Conflict("This contact was removed meanwhile.")
        key_before = held.email_key
        _write(held, details)
        _write_consent(held, consent)
        held.source = source or held.source
        if held.email_key != key_before:
            held.status = _listed_status(held.email_key) or held.status
        _save(held)
        if status is not None:
            change_status(contact=held, status=status, origin="api")
    return held


def erase_contact(*, contact: Contact) -> Erased:
    """Remove the contact, and its address from the rows that imports refused.

    Its entries on the suppression list stay, so that it is not written to when it comes in again. What the engine
    keeps of its mail is scrubbed by campaigns.services.erasing, which calls this.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_importreject WHERE EXISTS ("
            " SELECT 1 FROM unnest(cells) AS cell WHERE strpos(lower(cell), %s) > 0)",
            [contact.email_key],
        )
        rejected = int(cursor.rowcount)
        pk = contact.pk
        Contact.objects.filter(pk=pk).delete()
    return Erased(contact_id=pk, rejected_rows=rejected)


def _write(contact: Contact, details: ContactDetails) -> None:
    if details.email is not None:
        address = parse_address(details.email)
        contact.email, contact.email_key = address.text, address.key
        contact.needs_smtputf8 = address.needs_smtputf8
    for name in ("first_name", "last_name", "country"):
        value = getattr(details, name)
        if value is not None:
            setattr(contact, name, checked_line(name, value))
    if details.language is not None:
        contact.language = checked_language(details.language)
    if details.timezone is not None:
        contact.timezone = checked_timezone(details.timezone)
    if details.tags is not None:
        contact.tags = tag_ids("tags", details.tags)
    if details.attributes is not None:
        contact.attributes = merged_attributes(details.attributes, contact.attributes)


def _write_consent(contact: Contact, consent: Consent | None) -> None:
    if consent:
        contact.consent_at = consent.at or timezone.now()
        contact.consent_ip, contact.consent_note = consent.ip, consent.note


def _listed_status(email_key: str) -> ContactStatus | None:
    reasons = set(Suppression.objects.filter(email_key=email_key).values_list("reason", flat=True))
    return next((status for reason, status in _STATUS_OF_REASON if reason in reasons), None)


def _save(contact: Contact) -> None:
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError as error:
        raise Conflict(f"There is a contact {contact.email} already.", field="email") from error
