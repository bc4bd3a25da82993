"""Many contacts in one call: made, changed, tagged."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.contacts.filters import filter_of
from api.v2.contacts.serializers import BulkAnswer, BulkBody, ChangedAnswer, TaggingBody
from api.v2.contacts.views import TAGS, source_of
from api.v2.documentation import errors
from api.v2.views import V2View
from contacts.models import Contact
from contacts.services.bulk import upsert_contacts
from contacts.services.bulk_tagging import contacts_named, put_tags, take_tags
from contacts.services.searching import find_contacts

_OUTCOMES = ("created", "updated", "unchanged", "duplicate", "invalid")
_TAGGING = [
    OpenApiExample("By address", {"emails": ["ana@example.com"], "tags": ["vip"]}, request_only=True),
    OpenApiExample("By filter", {"filter": {"language": "fr"}, "tags": ["vip"]}, request_only=True),
]


class BulkView(V2View):
    """Up to 10,000 contacts, made or changed."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}
    largest_body = 20 * 1024 * 1024

    @extend_schema(
        operation_id="contacts_bulk",
        summary="Make or change many contacts",
        description=(
            "Works as an import does, in one transaction: addresses that are known are changed (`update`) or only get the "
            "tags (`add`), all others are made; tags and attributes that are not there yet are made too. A row that "
            "cannot be taken is told as invalid and stops no other. The body is up to 20 MiB."
        ),
        tags=TAGS,
        request=BulkBody,
        responses={200: BulkAnswer, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Two contacts",
                {
                    "mode": "update",
                    "tags": ["spring_fair"],
                    "contacts": [
                        {"email": "ana@example.com", "first_name": "Ana", "attributes": {"city": "Lyon"}},
                        {"email": "bo@example.com", "language": "de", "tags": ["vip"]},
                    ],
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        values = self.checked(BulkBody)
        results = upsert_contacts(
            rows=values["contacts"], mode=values["mode"], tags=values.get("tags", ()), source=source_of(values)
        )
        counts = Counter(result.status for result in results)
        return Response(
            {
                "tenant_id": self.tenant.pk,
                **{outcome: counts[outcome] for outcome in _OUTCOMES},
                "results": [asdict(result) for result in results],
            }
        )


class TaggingView(V2View):
    """Tags put on many contacts."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}
    change: Callable[..., int] = staticmethod(put_tags)

    @extend_schema(
        operation_id="contacts_tag",
        summary="Tag many contacts",
        description="By ids or addresses (up to 10,000; those that are not there are passed over), or by a filter.",
        tags=TAGS,
        request=TaggingBody,
        responses={200: ChangedAnswer, **errors(body=True)},
        examples=_TAGGING,
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        return self.changed()

    def changed(self) -> Response:
        """Do it and say how many."""
        values = self.checked(TaggingBody)
        return Response({"changed": self.change(contacts=_chosen(values), tags=values["tags"])})


class UntaggingView(TaggingView):
    """Tags taken off many contacts."""

    change = staticmethod(take_tags)

    @extend_schema(
        operation_id="contacts_untag",
        summary="Take tags off many contacts",
        description="By ids or addresses (up to 10,000; those that are not there are passed over), or by a filter.",
        tags=TAGS,
        request=TaggingBody,
        responses={200: ChangedAnswer, **errors(body=True)},
        examples=_TAGGING,
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        return self.changed()


def _chosen(values: dict[str, Any]) -> "QuerySet[Contact]":
    if "filter" in values:
        return find_contacts(filter_of(values["filter"]))
    return contacts_named(ids=values.get("contact_ids", ()), emails=values.get("emails", ()))
