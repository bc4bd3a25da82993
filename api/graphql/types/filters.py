"""What lists can be narrowed to. The conditions are API v2's, checked as there."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.graphql.paging import number_of
from api.v2.contacts.filters import filter_of
from api.v2.contacts.serializers import FilterBody
from contacts.services.searching import ContactFilter


@strawberry.input(name="ContactFilter", description="Everything that is said must hold.")
class ContactConditions:
    q: str | None = strawberry.field(default=None, description="beginning of an address, a first or a last name")
    status: str | None = None
    tag: list[str] | None = strawberry.field(default=None, description="all of these slugs")
    tag_any: list[str] | None = strawberry.field(default=None, description="one of these slugs")
    exclude_tag: list[str] | None = strawberry.field(default=None, description="none of these slugs")
    language: str | None = strawberry.field(default=None, description="fr means fr-ca too")
    country: str | None = None
    source_id: strawberry.ID | None = None
    created_after: datetime | None = strawberry.field(default=None, description="with its zone")
    created_before: datetime | None = None
    updated_after: datetime | None = None
    attribute: JSON | None = strawberry.field(default=None, description="attributes that must be equal, by key")


def contact_filter(asked: ContactConditions | None) -> ContactFilter:
    """Raises ValidationError and InvalidInput with the condition's name."""
    given: dict[str, Any] = {name: value for name, value in asdict(asked).items() if value is not None} if asked else {}
    if "source_id" in given:
        given["source_id"] = number_of(given["source_id"], name="source_id")
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}
    form = FilterBody(data=told)
    form.is_valid(raise_exception=True)
    return filter_of(form.validated_data)
