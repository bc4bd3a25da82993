"""Contacts as API v2 answers them, field by field."""

from collections.abc import Mapping, Sequence
from typing import Any

from contacts.models import Contact, Tag


def contact_bodies(contacts: Sequence[Contact], tenant_id: int) -> list[dict[str, Any]]:
    """As ContactBody says; the tags of all of them are looked up at once."""
    wanted = {tag for contact in contacts for tag in contact.tags}
    slugs = dict(Tag.objects.filter(pk__in=wanted).values_list("id", "slug")) if wanted else {}
    return [contact_body(contact, tenant_id, slugs) for contact in contacts]


def contact_body(contact: Contact, tenant_id: int, slugs: Mapping[int, str]) -> dict[str, Any]:
    """As ContactBody says; `slugs` are those of its tags by id."""
    return {
        "id": contact.pk,
        "tenant_id": tenant_id,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "language": contact.language,
        "timezone": contact.timezone,
        "country": contact.country,
        "status": contact.status,
        "tags": [slugs[tag] for tag in contact.tags if tag in slugs],
        "attributes": contact.attributes,
        "source_id": contact.source_id,
        "consent": {"at": contact.consent_at, "ip": contact.consent_ip, "note": contact.consent_note},
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }
