"""What can be done with a single message: each asks first, since mail cannot be called back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from common.errors import LettershopError
from outbound.models import Message
from outbound.submission.changing import cancel_submission, resend_submission, retry_submission
from outbound.submission.finding import MessageDetail, UnknownMessage, find_message
from outbound.submission.types import Submitter
from tenants.desk.admin import needs, tell_refusal

# Only with one of these is it worth asking whether anybody can be sent it again.
MAYBE_RETRIABLE = frozenset({"failed", "suppressed", "bounced", "in_doubt"})


@needs("outbound.change_message", "GET", "POST")
def cancel_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then never send it."""
    found = _found(pk)
    if request.method == "POST":
        return _do(request, pk, lambda: cancel_submission(pk), "It is cancelled. Nobody gets it.")
    return _ask(
        request,
        model_admin,
        found,
        title="Cancel",
        question=f"Never send “{found.subject}”?",
        consequences=[f"{_people(len(found.recipients))} not get it.", "It can be sent anew later, as a new message."],
        button="Cancel the message",
        danger=True,
    )


@needs("outbound.change_message", "GET", "POST")
def retry_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then try again with those who did not get it."""
    found = _found(pk)
    in_doubt = any(one.state == "in_doubt" for one in found.recipients)
    if request.method == "POST":
        return _do(request, pk, lambda: retry_submission(pk, in_doubt=in_doubt), "It waits for its next try.")
    consequences = [
        "Who got it does not get it again; nor does anybody whose address is dead or suppressed.",
        "Its tries begin anew, and so does their deadline.",
    ]
    if in_doubt:
        consequences.insert(0, "Of some nobody knows whether they got it: they may get it twice.")
    return _ask(
        request,
        model_admin,
        found,
        title="Try again",
        question=f"Try again to send “{found.subject}”?",
        consequences=consequences,
        button="Try again",
    )


@needs("outbound.change_message", "GET", "POST")
def resend_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then send the same content to the same people as a new message, and show that."""
    found = _found(pk)
    if request.method == "POST":
        try:
            again = resend_submission(pk, submitter=Submitter())
        except LettershopError as error:
            tell_refusal(request, error)
            return redirect("admin:outbound_message_change", pk)
        messages.success(request, "This is the new message. It is on its way.")
        return redirect("admin:outbound_message_change", again.message_id)
    return _ask(
        request,
        model_admin,
        found,
        title="Send again",
        question=f"Send “{found.subject}” once more, as a new message?",
        consequences=[
            f"{_people(len(found.recipients))} get it, whether they got it before or not.",
            "It counts against the day's limit.",
        ],
        button="Send again",
    )


def _people(count: int) -> str:
    return "One person will" if count == 1 else f"{count} people will"


def _found(pk: int) -> MessageDetail:
    try:
        return find_message(pk)
    except UnknownMessage as error:
        raise Http404(str(error)) from None


def _do(request: HttpRequest, pk: int, use_case: Callable[[], None], said: str) -> HttpResponse:
    try:
        use_case()
        messages.success(request, said)
    except LettershopError as error:
        tell_refusal(request, error)
    return redirect("admin:outbound_message_change", pk)


def _ask(request: HttpRequest, model_admin: Any, found: MessageDetail, **asked: Any) -> HttpResponse:
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/confirm.html",
        original=Message(pk=found.message_id, name=found.subject[:200]),
        back_url=reverse("admin:outbound_message_change", args=[found.message_id]),
        **asked,
    )
    return page
