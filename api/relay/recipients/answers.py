"""Recipients as the relay answers them, field by field."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from api.relay.moments import moment
from api.relay.recipients.reading import REFERENCES
from contacts.models import Contact
from outbound.contact_engagement import ContactBounces, ContactEngagement


def recipient_item(
    contact: Contact, *, workspace_id: str, slugs: Mapping[int, str], bounces: ContactBounces
) -> dict[str, Any]:
    """A recipient as a list shows it."""
    return {
        "id": contact.pk,
        "email": contact.email,
        "workspace_id": workspace_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "status": contact.status.upper(),
        "bounce_count": bounces.count,
        "created_at": moment(contact.created_at),
        "updated_at": moment(contact.updated_at),
        "metadata": _metadata(contact, slugs),
    }


def recipient_detail(
    contact: Contact,
    *,
    workspace_id: str,
    slugs: Mapping[int, str],
    bounces: ContactBounces,
    engagement: ContactEngagement,
    opted_out_at: datetime | None,
) -> dict[str, Any]:
    """All of a recipient."""
    return {
        "id": contact.pk,
        "email": contact.email,
        "workspace_id": workspace_id,
        "user_id": contact.attributes.get("user_id"),
        "campaign_id": contact.attributes.get("campaign_id"),
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "status": contact.status.upper(),
        "opt_in_date": moment(contact.consent_at),
        "opt_out_date": moment(opted_out_at),
        "bounce_count": bounces.count,
        "last_bounce_date": moment(bounces.last_at),
        "bounce_type": ("hard" if bounces.is_hard else "soft") if bounces.count else None,
        "engagement": {
            "total_received": engagement.received,
            "total_opened": engagement.opened,
            "total_clicked": engagement.clicked,
            "last_open_date": moment(engagement.last_open_at),
            "last_click_date": moment(engagement.last_click_at),
        },
        "metadata": _metadata(contact, slugs),
        "created_at": moment(contact.created_at),
        "updated_at": moment(contact.updated_at),
    }


def added(contact: Contact) -> dict[str, Any]:
    """One that was added."""
    return {
        "id": contact.pk,
        "email": contact.email,
        "status": contact.status.upper(),
        "created_at": moment(contact.created_at),
    }


def changed(contact: Contact) -> dict[str, Any]:
    """One that was changed."""
    return {
        "id": contact.pk,
        "email": contact.email,
        "first_name": contact.first_name,
        "status": contact.status.upper(),
        "updated_at": moment(contact.updated_at),
    }


def tag_numbers(contacts: Iterable[Contact]) -> set[int]:
    """Of all their tags."""
    return {tag for contact in contacts for tag in contact.tags}


def _metadata(contact: Contact, slugs: Mapping[int, str]) -> dict[str, Any]:
    """The source that a client named, else the one that the contact came from; tags, and what else is kept of them."""
    own = {name: value for name, value in contact.attributes.items() if name not in REFERENCES}
    source = own.pop("source", None) or (contact.source.name if contact.source else None)
    tags = [slugs[tag] for tag in contact.tags if tag in slugs]
    return {"source": source, "tags": tags, **own}
