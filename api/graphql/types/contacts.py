"""Contacts, their tags and where they come from."""

from datetime import datetime
from typing import Any

import strawberry
import strawberry_django
from strawberry.scalars import JSON

from api.graphql.scalars import Count
from contacts import models


@strawberry_django.type(models.Tag, description="A word put on contacts; campaigns are aimed by it.")
class Tag:
    id: strawberry.ID
    slug: str
    name: str
    description: str
    created_at: datetime

    @strawberry_django.field(only=["id"], description="contacts of any status that have it, exactly")
    def contact_count(self, info: strawberry.Info) -> Count:
        return Count(info.context.tag_counts.get(_key(self), 0))


@strawberry_django.type(models.DataSource, description="Where contacts come from. Its configuration is not shown here.")
class DataSource:
    id: strawberry.ID
    name: str
    type: str = strawberry_django.field(description="scraper-pro, backlink-engine, csv or manual")
    is_active: bool
    last_sync_at: datetime | None
    last_error: str
    created_at: datetime
    updated_at: datetime

    @strawberry_django.field(only=["id"], description="contacts that came from it")
    def contact_count(self, info: strawberry.Info) -> Count:
        return Count(info.context.source_counts.of(_key(self)) or 0)


@strawberry.type(description="That the person agreed to get mail: when, from which IP address, to what.")
class Consent:
    at: datetime | None
    ip: str | None
    note: str


@strawberry_django.type(models.Contact, description="A person or mailbox.")
class Contact:
    id: strawberry.ID
    email: str
    first_name: str
    last_name: str
    language: str = strawberry_django.field(description="BCP 47, lower case: fr, pt-br")
    timezone: str
    country: str
    status: str = strawberry_django.field(
        description="active, unconfirmed, unsubscribed, bounced, complained or suppressed"
    )
    attributes: JSON = strawberry_django.field(description="the tenant's own fields, by key")
    source: DataSource | None
    created_at: datetime
    updated_at: datetime

    @strawberry_django.field(only=["tags"])
    def tags(self, info: strawberry.Info) -> list[Tag]:
        contact: Any = self
        info.context.tags.announce(contact.tags)
        return [tag for one in contact.tags if (tag := info.context.tags.of(one)) is not None]

    @strawberry_django.field(only=["consent_at", "consent_ip", "consent_note"])
    def consent(self) -> Consent:
        contact: Any = self
        return Consent(at=contact.consent_at, ip=contact.consent_ip, note=contact.consent_note)


def _key(row: object) -> int:
    """Rows are Django's, whatever their annotations say."""
    key: int = row.pk  # type: ignore[attr-defined]
    return key
