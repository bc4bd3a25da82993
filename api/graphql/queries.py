"""What can be asked for. Every list is a page; what is not there is null."""

from typing import Any, TypeVar, cast

import strawberry
import strawberry_django
from django.db.models import QuerySet

from api.graphql.paging import number_of, pages
from api.graphql.scalars import Count
from api.graphql.types.campaigns import Campaign, Segment, Template
from api.graphql.types.contacts import Contact, DataSource, Tag
from api.graphql.types.filters import ContactConditions, contact_filter
from api.graphql.types.reports import CampaignReport, report_shown
from api.graphql.types.statistics import Statistics, statistics_shown
from api.graphql.types.suppressions import Suppression
from campaigns import models as campaigns
from campaigns.reports import campaign_report
from common.addresses import parse_address
from common.errors import InvalidInput
from contacts import models as contacts
from contacts.services.searching import count_contacts, find_contacts
from contacts.services.suppressing import find_suppressions

Shown = TypeVar("Shown")
_LONGEST_TEXT = 200


@strawberry.type
class Query:
    @pages(Campaign)
    def campaigns(self, status: str | None = None) -> list[Any]:
        return _newest(campaigns.Campaign.objects.filter(**_status(status)))

    @strawberry_django.field
    def campaign(self, id: strawberry.ID) -> Campaign | None:
        return _one(Campaign, campaigns.Campaign.objects.filter(pk=number_of(id)))

    @strawberry.field(description="Figures, rates, links and events by the hour, as they are now.")
    def campaign_report(self, id: strawberry.ID) -> CampaignReport | None:
        found = campaigns.Campaign.objects.filter(pk=number_of(id)).first()
        return None if found is None else report_shown(campaign_report(campaign=found))

    @pages(Contact)
    def contacts(self, filter: ContactConditions | None = None) -> list[Any]:
        return _newest(find_contacts(contact_filter(filter)))

    @strawberry.field(description="How many contacts there are, exactly.")
    def contact_count(self, filter: ContactConditions | None = None) -> Count:
        return Count(count_contacts(contact_filter(filter)))

    @strawberry_django.field(description="By its id or by its address.")
    def contact(self, id: strawberry.ID | None = None, email: str | None = None) -> Contact | None:
        if (id is None) == (email is None):
            raise InvalidInput("Say which contact, by its id or by its address.", field="id")
        known = {"pk": number_of(id)} if id is not None else {"email_key": _address(email or "")}
        return _one(Contact, contacts.Contact.objects.filter(**known))

    @pages(Tag, description="In the order in which they were made.")
    def tags(self) -> list[Any]:
        return _rows(contacts.Tag.objects.order_by("pk"))

    @strawberry_django.field
    def tag(self, id: strawberry.ID) -> Tag | None:
        return _one(Tag, contacts.Tag.objects.filter(pk=number_of(id)))

    @pages(Template, description="An empty language or category finds the versions for any.")
    def templates(self, name: str | None = None, language: str | None = None, category: str | None = None) -> list[Any]:
        asked = {"name": name, "language": language, "category": category}
        return _newest(campaigns.Template.objects.filter(**_texts(asked)))

    @strawberry_django.field
    def template(self, id: strawberry.ID) -> Template | None:
        return _one(Template, campaigns.Template.objects.filter(pk=number_of(id)))

    @pages(Segment)
    def segments(self) -> list[Any]:
        return _newest(contacts.Segment.objects.all())

    @strawberry_django.field
    def segment(self, id: strawberry.ID) -> Segment | None:
        return _one(Segment, contacts.Segment.objects.filter(pk=number_of(id)))

    @pages(Suppression, description="`q`: the beginning of an address.")
    def suppressions(self, reason: str | None = None, q: str | None = None) -> list[Any]:
        return _newest(find_suppressions(reason=reason or "", beginning=q or ""))

    @strawberry_django.field
    def suppression(self, id: strawberry.ID) -> Suppression | None:
        return _one(Suppression, contacts.Suppression.objects.filter(pk=number_of(id)))

    @pages(DataSource)
    def data_sources(self) -> list[Any]:
        return _newest(contacts.DataSource.objects.all())

    @strawberry_django.field
    def data_source(self, id: strawberry.ID) -> DataSource | None:
        return _one(DataSource, contacts.DataSource.objects.filter(pk=number_of(id)))

    @strawberry.field(description="The tenant at a glance.")
    def statistics(self) -> Statistics:
        return statistics_shown()


def _newest(found: "QuerySet[Any]") -> list[Any]:
    return _rows(found.order_by("-pk"))


def _rows(found: "QuerySet[Any]") -> list[Any]:
    """The page reads them, with the columns that were asked for."""
    return cast("list[Any]", found)


def _one(shown: type[Shown], found: "QuerySet[Any]") -> Shown | None:
    """The field reads the first of them, with the columns that were asked for."""
    return cast("Shown | None", found.order_by("pk"))


def _status(status: str | None) -> dict[str, str]:
    if status is None:
        return {}
    if status not in campaigns.Campaign.State.values:
        known = ", ".join(campaigns.Campaign.State.values)
        raise InvalidInput(f"There is no status {status[:40]!r}.", field="status", hint=f"There are: {known}.")
    return {"state": status}


def _texts(asked: dict[str, str | None]) -> dict[str, str]:
    """Those that are said. Raises InvalidInput for what no column could hold."""
    said = {name: text for name, text in asked.items() if text is not None}
    for name, text in said.items():
        if not text.isprintable() or len(text) > _LONGEST_TEXT:
            raise InvalidInput("Nothing is called so.", field=name)
    return said


def _address(email: str) -> str:
    """The key under which its contact is kept. Raises InvalidInput."""
    try:
        return parse_address(email).key
    except InvalidInput as error:
        error.field = "email"
        raise
