"""Contacts: made, listed, changed, erased."""

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.contacts.filters import FILTERS, answer_or_not, filter_of_query
from api.v2.contacts.rendering import contact_bodies
from api.v2.contacts.serializers import ContactBody, ContactChanges, ContactPage, ErasedAnswer, NewContact
from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.views import V2View
from campaigns.services.erasing import erase_person
from common.errors import InvalidInput, NotFound
from contacts.models import Contact, DataSource, Suppression, SuppressionReason
from contacts.services.contacts import Consent, create_contact, update_contact
from contacts.services.details import ContactDetails
from contacts.services.searching import count_contacts, newest_contacts
from contacts.services.suppressing import suppress

TAGS = ["Contacts"]
_DETAILS = ("email", "first_name", "last_name", "language", "timezone", "country", "attributes")
_EXAMPLE = {
    "email": "ana@example.com",
    "first_name": "Ana",
    "last_name": "Lee",
    "language": "fr",
    "timezone": "Europe/Paris",
    "country": "FR",
    "attributes": {"city": "Lyon", "orders": 3},
    "consent": {"ip": "198.51.100.7", "note": "newsletter form"},
}
PAGING = [
    OpenApiParameter("limit", int, description="1 to 500; 50 when left out"),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before"),
]


class ContactsView(V2View):
    """The collection."""

    scopes: ClassVar[dict[str, str]] = {"POST": "contacts"}

    @extend_schema(
        operation_id="contacts_create",
        summary="Make a contact",
        description="Tags must exist; attributes that do not are made. 409 when the address has a contact already.",
        tags=TAGS,
        request=NewContact,
        responses={201: ContactBody, **errors(409, body=True)},
        examples=[OpenApiExample("A contact", _EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(NewContact)
        contact = create_contact(
            details=_details(values),
            confirmed=values.get("status") != "unconfirmed",
            source=source_of(values),
            consent=_consent(values),
        )
        return Response(contact_bodies([contact], self.tenant.pk)[0], status=201)


class ContactListView(V2View):
    """The list."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @extend_schema(
        operation_id="contacts_list",
        summary="List contacts",
        description="The newest first. `?count=true` adds how many there are in all.",
        tags=TAGS,
        parameters=[*FILTERS, *PAGING, OpenApiParameter("count", bool, description="tell `total` too")],
        responses={200: ContactPage, **errors()},
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        limit, cursor = limit_of(request), cursor_of(request)
        wanted = filter_of_query(request)
        page, following = page_of(newest_contacts(wanted, before=cursor, limit=limit + 1), limit=limit)
        body: dict[str, Any] = {"items": contact_bodies(page, self.tenant.pk), "next_cursor": following}
        if answer_or_not(request, "count"):
            body["total"] = count_contacts(wanted)
        return Response(body)


class ContactView(V2View):
    """One contact."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "contacts", "DELETE": "contacts"}

    @extend_schema(
        operation_id="contacts_get",
        summary="Get a contact",
        tags=TAGS,
        responses={200: ContactBody, **errors()},
    )
    def get(self, request: Request, tenant_id: int, contact_id: int) -> Response:
        return Response(contact_bodies([_contact(contact_id)], self.tenant.pk)[0])

    @extend_schema(
        operation_id="contacts_update",
        summary="Change a contact",
        description=(
            "What is left out stays. `tags` replace the contact's tags, `attributes` are added, null removes one. A status "
            "that forbids mail goes on the suppression list; 409 for one that would take a contact off it, and for an "
            "address that another contact has."
        ),
        tags=TAGS,
        request=ContactChanges,
        responses={200: ContactBody, **errors(409, body=True)},
        examples=[
            OpenApiExample("Some fields", {"first_name": "Anna", "attributes": {"city": None}}, request_only=True)
        ],
    )
    def put(self, request: Request, tenant_id: int, contact_id: int) -> Response:
        contact = _contact(contact_id)
        values = self.checked(ContactChanges)
        changed = update_contact(
            contact=contact,
            details=_details(values),
            status=values.get("status"),
            source=source_of(values),
            consent=_consent(values),
        )
        return Response(contact_bodies([changed], self.tenant.pk)[0])

    @extend_schema(
        operation_id="contacts_erase",
        summary="Erase a person",
        description=(
            "Article 17 GDPR: the contact and its attributes go, its address goes from refused rows of imports, and what "
            "its mail left behind about machines and programs is scrubbed; figures of campaigns stay right. Entries on "
            "the suppression list stay, lest it be written to when it comes in again; `suppress=true` makes one."
        ),
        tags=TAGS,
        parameters=[OpenApiParameter("suppress", bool, description="keep the address from ever being mailed again")],
        responses={200: ErasedAnswer, **errors()},
    )
    def delete(self, request: Request, tenant_id: int, contact_id: int) -> Response:
        contact = _contact(contact_id)
        with transaction.atomic():
            if answer_or_not(request, "suppress"):
                suppress(reason=SuppressionReason.MANUAL, origin="erasure", contact_ids=[contact.pk])
            erased = erase_person(contact=contact)
        return Response(
            {
                "contact_id": erased.contact_id,
                "suppressed": Suppression.objects.filter(email_key=contact.email_key).exists(),
                "rejected_rows": erased.rejected_rows,
                "scrubbed_rows": erased.scrubbed_rows,
            }
        )


def source_of(values: dict[str, Any]) -> DataSource | None:
    """The data source that a body names. Raises InvalidInput for one that is not there."""
    wanted = values.get("source_id")
    if wanted is None:
        return None
    source = DataSource.objects.filter(pk=wanted).first()
    if source is None:
        raise InvalidInput(f"There is no data source {wanted}.", field="source_id")
    return source


def _contact(contact_id: int) -> Contact:
    contact = Contact.objects.filter(pk=contact_id).first()
    if contact is None:
        raise NotFound(f"There is no contact {contact_id}.")
    return contact


def _details(values: dict[str, Any]) -> ContactDetails:
    tags = tuple(values["tags"]) if "tags" in values else None
    return ContactDetails(**{name: values.get(name) for name in _DETAILS}, tags=tags)


def _consent(values: dict[str, Any]) -> Consent | None:
    given = values.get("consent")
    if given is None:
        return None
    return Consent(at=given.get("at"), ip=given.get("ip"), note=given.get("note", ""))
