"""Single messages on a tenant's desk: what programs handed in, what became of it, and what can be done about it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from common.errors import LettershopError
from outbound.admin import message_actions
from outbound.admin.message_preview import preview_page
from outbound.models import Message
from outbound.submission.changing import retriable
from outbound.submission.finding import MessageFilter, MessageSummary, UnknownMessage, find_message, list_messages
from outbound.submission.ids import read_public_id
from outbound.submission.types import Door, SubmissionState
from tenants.desk.admin import Crumb, ReadOnlyAdmin, View, needs
from tenants.desk.counting import COUNT_AT_MOST
from tenants.scope import current_tenant
from tenants.sites import tenant_site

_PAGE = 50
# What a person sees as the colour of a state; all others are plain.
BADGES = {
    "sent": "good", "delivered": "good", "opened": "good", "clicked": "good", "bounced": "bad", "failed": "bad",
    "complained": "bad", "deferred": "warn", "in_doubt": "warn", "suppressed": "warn", "unsubscribed": "warn",
    "scheduled": "info", "processing": "info",
}  # fmt: skip
DOORS = {
    Door.AEGIS: "Aegis", Door.GATEWAY: "Gateway", Door.RELAY: "Relay", Door.HOSTING: "Hosting", Door.SMTP: "SMTP",
}  # fmt: skip


@admin.register(Message, site=tenant_site)
class MessageAdmin(ReadOnlyAdmin):
    """The list is read by the same calls as the API's: it is as quick, and shows the same."""

    heading = "Messages"
    heading_of_one = "message"

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("<int:pk>/preview/", "outbound_message_preview", preview_page),
            ("<int:pk>/cancel/", "outbound_message_cancel", message_actions.cancel_page),
            ("<int:pk>/retry/", "outbound_message_retry", message_actions.retry_page),
            ("<int:pk>/resend/", "outbound_message_resend", message_actions.resend_page),
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return list_page(request, model_admin=self)  # type: ignore[return-value]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        if not object_id.isdigit():
            return redirect("admin:outbound_message_changelist")
        return message_page(request, model_admin=self, pk=int(object_id))


@needs("outbound.view_message")
def list_page(request: HttpRequest, *, model_admin: MessageAdmin) -> HttpResponse:
    """A page of them, newest first, narrowed by state, door and days, or by an address; an id leads to its message."""
    asked = request.GET
    if found := _by_id(asked.get("q", "")):
        return redirect("admin:outbound_message_change", found)
    number = _number(asked.get("page", ""))
    page, fault = None, ""
    try:
        wanted = _filter(asked)
        page = list_messages(wanted, limit=_PAGE, offset=(number - 1) * _PAGE, count_at_most=COUNT_AT_MOST)
    except LettershopError as error:
        fault = str(error)
    given = {name: asked[name] for name in ("q", "who", "state", "door", "from", "to") if asked.get(name)}
    shown: HttpResponse = model_admin.render_page(
        request,
        "desk/messages.html",
        title=model_admin.list_name,
        crumbs=[Crumb(model_admin.list_name)],
        rows=[_row(one) for one in page.messages] if page else [],
        total=page.total if page else 0,
        capped=page.is_capped if page else False,
        fault=fault,
        given=given,
        states=[(state.value, state.replace("_", " ").capitalize()) for state in SubmissionState],
        doors=[(door.value, name) for door, name in DOORS.items()],
        number=number,
        first=(number - 1) * _PAGE + 1,
        last=(number - 1) * _PAGE + len(page.messages) if page else 0,
        newer=urlencode({**given, "page": number - 1}) if number > 1 else "",
        older=urlencode({**given, "page": number + 1}) if page and _more(page.total, number, page.is_capped) else "",
    )
    return shown


@needs("outbound.view_message")
def message_page(request: HttpRequest, *, model_admin: MessageAdmin, pk: int) -> HttpResponse:
    """One message: who it goes to and what became of it, its history, its content."""
    try:
        found = find_message(pk)
    except UnknownMessage as error:
        raise Http404(str(error)) from None
    states = {one.state for one in found.recipients}
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/message.html",
        title=found.subject or "Message without a subject",
        message=found,
        badge=BADGES.get(_stands(found), ""),
        door=DOORS[found.door],
        recipients=[(one, BADGES.get(one.state, "")) for one in found.recipients],
        timeline=[(entry, BADGES.get(entry.kind, "")) for entry in found.timeline],
        metadata=list(found.metadata.items()),
        may_cancel=states <= {"queued", "scheduled", "deferred"},
        may_retry=bool(states & message_actions.MAYBE_RETRIABLE) and retriable(pk, in_doubt=True) > 0,
    )
    return page


def _row(one: MessageSummary) -> tuple[MessageSummary, str, str, int]:
    """A message with its colour, its door's name, and how many get it besides the first."""
    return one, BADGES.get(_stands(one), ""), DOORS[one.door], len(one.to) + len(one.cc) + len(one.bcc) - 1


def _stands(message: MessageSummary) -> str:
    return "processing" if message.processing else str(message.state)


def _by_id(text: str) -> int | None:
    """The message of this tenant whose id, in one of its spellings, was typed."""
    try:
        name = read_public_id(text.strip())
    except UnknownMessage:
        return None
    return name.message_id if name.tenant_id == current_tenant().pk else None


def _filter(asked: QueryDict) -> MessageFilter:
    address, of_sender = asked.get("q", "").strip(), asked.get("who") == "from"
    return MessageFilter(
        state=asked.get("state", ""),
        door=asked.get("door", ""),
        created_from=_moment(asked.get("from", "")),
        created_to=_moment(asked.get("to", ""), end=True),
        sender=address if of_sender else "",
        recipient="" if of_sender else address,
    )


def _moment(text: str, *, end: bool = False) -> datetime | None:
    """The beginning of a day (UTC), or its end. What is no day narrows nothing."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        begins = datetime.combine(date.fromisoformat(text), time(), UTC)
        return begins + timedelta(days=1, microseconds=-1) if end else begins
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> int:
    return max(1, int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else 1


def _more(total: int, number: int, capped: bool) -> bool:
    return capped or total > number * _PAGE
