"""Recipients: the contacts of a workspace."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.base import RelayView
from api.relay.documentation import PAGE, WORKSPACE, Done, errors
from api.relay.paging import asked_page, paging_headers
from api.relay.recipients.answers import added, changed, recipient_detail, recipient_item, tag_numbers
from api.relay.recipients.reading import Recipient, read_recipient, status_word
from api.relay.recipients.serializers import (
    AddedAnswer,
    ChangedAnswer,
    NewRecipient,
    RecipientAnswer,
    RecipientChanges,
    RecipientListAnswer,
)
from common.addresses import InvalidAddress, parse_address
from common.errors import LettershopError, NotFound
from contacts.models import Contact, ContactStatus, Suppression, SuppressionReason, Tag
from contacts.services.contacts import Consent, create_contact, erase_contact, update_contact
from contacts.services.details import ContactDetails
from contacts.services.searching import ContactFilter, count_contacts, find_contacts
from contacts.services.tag_words import tags_of_words
from outbound.contact_engagement import ContactBounces, bounces_of_contacts, engagement_of

TAGS = ["Relay: recipients"]
# What the services call a field, and what it is called here.
_FIELDS = {"tags": "metadata.tags", "attributes": "metadata"}


class RecipientNotFound(NotFound):
    """No contact of this workspace has the address."""

    code = "recipient_not_found"


class RecipientsBase(RelayView):
    """Names of fields in errors."""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, LettershopError) and exc.field in _FIELDS:
            exc.field = _FIELDS[exc.field]
        return super().handle_exception(exc)


class RecipientsView(RecipientsBase):
    """All of them."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "contacts"}

    @extend_schema(
        operation_id="relay_recipients_list",
        summary="List recipients",
        description="The newest first.",
        tags=TAGS,
        parameters=[
            OpenApiParameter("status", str, enum=[value.upper() for value in ContactStatus.values]),
            *PAGE,
            WORKSPACE,
        ],
        responses={200: RecipientListAnswer, **errors()},
    )
    def get(self, request: Request) -> Response:
        asked = asked_page(request.query_params)
        status = request.query_params.get("status", "")
        wanted = ContactFilter(status=status_word(status) if status else "")
        total = count_contacts(wanted)
        found = find_contacts(wanted).select_related("source").order_by("-pk")
        page = list(found[asked.offset : asked.offset + asked.limit])
        bounces, slugs = bounces_of_contacts(contact.pk for contact in page), _slugs(page)
        shown = [
            recipient_item(
                contact,
                workspace_id=self.tenant.workspace_id,
                slugs=slugs,
                bounces=bounces.get(contact.pk, ContactBounces()),
            )
            for contact in page
        ]
        pagination = {"total": total, "limit": asked.limit, "offset": asked.offset}
        headers = paging_headers(asked, total=total, path=request.path, query=request.query_params)
        return Response({"success": True, "data": {"recipients": shown, "pagination": pagination}}, headers=headers)

    @extend_schema(
        operation_id="relay_recipients_add",
        summary="Add a recipient",
        description="409 when the address is there already. One on the suppression list is added and not mailed.",
        tags=TAGS,
        request=NewRecipient,
        responses={201: AddedAnswer, **errors(409, body=True)},
        examples=[
            OpenApiExample(
                "A recipient",
                {
                    "email": "new.user@example.com",
                    "first_name": "New",
                    "last_name": "User",
                    "opt_in": True,
                    "metadata": {"source": "api", "tags": ["newsletter"]},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        given = read_recipient(request.data, is_new=True)
        with transaction.atomic():
            contact = create_contact(
                details=_details(given),
                confirmed=given.opt_in is not False,
                consent=Consent(note="relay API") if given.opt_in else None,
            )
        return Response({"success": True, "data": added(contact)}, status=201)


class RecipientView(RecipientsBase):
    """One of them, by address."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "PUT": "contacts", "DELETE": "contacts"}

    @extend_schema(
        operation_id="relay_recipients_get",
        summary="Get a recipient",
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={200: RecipientAnswer, **errors()},
    )
    def get(self, request: Request, email: str) -> Response:
        contact = _contact(email)
        opted_out = Suppression.objects.filter(email_key=contact.email_key, reason=SuppressionReason.UNSUBSCRIBED)
        data = recipient_detail(
            contact,
            workspace_id=self.tenant.workspace_id,
            slugs=_slugs([contact]),
            bounces=bounces_of_contacts([contact.pk]).get(contact.pk, ContactBounces()),
            engagement=engagement_of(contact_id=contact.pk, email_key=contact.email_key),
            opted_out_at=opted_out.values_list("created_at", flat=True).first(),
        )
        return Response({"success": True, "data": data})

    @extend_schema(
        operation_id="relay_recipients_update",
        summary="Change a recipient",
        tags=TAGS,
        parameters=[WORKSPACE],
        request=RecipientChanges,
        responses={200: ChangedAnswer, **errors(409, body=True)},
        examples=[
            OpenApiExample(
                "Some fields",
                {
                    "first_name": "Jonathan",
                    "metadata": {"tags": ["newsletter", "premium"], "preferences": {"frequency": "daily"}},
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request, email: str) -> Response:
        contact = _contact(email)
        given = read_recipient(request.data, is_new=False)
        with transaction.atomic():
            contact = update_contact(contact=contact, details=_details(given), status=given.status)
        return Response({"success": True, "data": changed(contact)})

    @extend_schema(
        operation_id="relay_recipients_remove",
        summary="Remove a recipient",
        description="Its entries on the suppression list stay, so that it is not mailed when it is added again.",
        tags=TAGS,
        parameters=[WORKSPACE],
        responses={200: Done, **errors()},
    )
    def delete(self, request: Request, email: str) -> Response:
        erase_contact(contact=_contact(email))
        return Response({"success": True, "message": "Recipient removed successfully"})


def _contact(email: str) -> Contact:
    try:
        key = parse_address(email).key
    except InvalidAddress as error:
        raise InvalidAddress(error.fault, field="email") from None
    contact = Contact.objects.select_related("source").filter(email_key=key).first()
    if contact is None:
        raise RecipientNotFound("There is no such recipient.", field="email")
    return contact


def _slugs(contacts: Iterable[Contact]) -> dict[int, str]:
    wanted = tag_numbers(contacts)
    return dict(Tag.objects.filter(pk__in=wanted).values_list("id", "slug")) if wanted else {}


def _details(given: Recipient) -> ContactDetails:
    """With its tags made where they are not there yet."""
    return given.details if given.tags is None else replace(given.details, tags=tags_of_words(given.tags))
