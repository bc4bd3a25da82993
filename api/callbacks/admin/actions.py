"""What a person can do with an endpoint beside changing it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from api.callbacks.endpoints import pause_endpoint, resume_endpoint, rotate_secret
from api.callbacks.models import Endpoint
from api.callbacks.resending import replay
from api.callbacks.trying import prepare_trial, try_endpoint
from common.errors import LettershopError
from tenants.desk.admin import DeskAdmin, needs, tell_refusal
from tenants.desk.forms import ServiceForm

_CHANGE = "callbacks.change_endpoint"
_PAGE_OF_ONE = "admin:callbacks_endpoint_change"


class ReplayForm(ServiceForm):
    """From when to when, in UTC."""

    since = forms.SplitDateTimeField(label="From", widget=UnfoldAdminSplitDateTimeWidget)
    until = forms.SplitDateTimeField(
        label="Before", required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="Empty: until now. UTC."
    )


@needs(_CHANGE, "POST")
def test_page(request: HttpRequest, *, model_admin: DeskAdmin, pk: int) -> HttpResponse:
    """Send a test, and show what came of it."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    try:
        delivery = try_endpoint(prepare_trial(pk))
    except LettershopError as error:
        tell_refusal(request, error)
        return redirect(_PAGE_OF_ONE, pk)
    return model_admin.render_page(
        request, "callbacks/endpoint_test.html", title="Test", original=endpoint, delivery=delivery
    )


@needs(_CHANGE, "POST")
def pause_page(request: HttpRequest, *, model_admin: DeskAdmin, pk: int) -> HttpResponse:
    """What waits is kept."""
    endpoint = pause_endpoint(get_object_or_404(Endpoint, pk=pk).pk)
    messages.success(request, f"{endpoint} is paused. What waits for it is kept.")
    return redirect(_PAGE_OF_ONE, pk)


@needs(_CHANGE, "POST")
def resume_page(request: HttpRequest, *, model_admin: DeskAdmin, pk: int) -> HttpResponse:
    """What waits is sent at once."""
    endpoint = resume_endpoint(get_object_or_404(Endpoint, pk=pk).pk)
    messages.success(request, f"{endpoint} is told again, first what waited for it.")
    return redirect(_PAGE_OF_ONE, pk)


@needs(_CHANGE, "GET", "POST")
def rotate_page(request: HttpRequest, *, model_admin: DeskAdmin, pk: int) -> HttpResponse:
    """Ask, then show the new secret once."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        endpoint, secret = rotate_secret(pk)
        return show_secret(request, model_admin, endpoint, secret)
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Replace the secret",
        original=endpoint,
        question=f"Should calls to {endpoint.url} be signed with another secret?",
        consequences=[
            "For a day, webhook-signature holds a signature by each of the two.",
            "X-Aegis-Signature is made with the new one from now on.",
        ],
        button="Make another secret",
        back_url=model_admin.url_of(endpoint),
    )


@needs(_CHANGE, "GET", "POST")
def replay_page(request: HttpRequest, *, model_admin: DeskAdmin, pk: int) -> HttpResponse:
    """Everything of a stretch of time again."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form = ReplayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            count = replay(pk, since=form.cleaned_data["since"], until=form.cleaned_data["until"])
        except LettershopError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"{count} notices are sent again.")
            return redirect(_PAGE_OF_ONE, pk)
    return model_admin.render_page(
        request, "callbacks/endpoint_replay.html", title="Send again", original=endpoint, form=form
    )


def show_secret(request: HttpRequest, model_admin: DeskAdmin, endpoint: Endpoint, secret: str) -> HttpResponse:
    """The only time it is shown."""
    page = model_admin.render_page(
        request, "callbacks/endpoint_secret.html", title="Copy the secret now", original=endpoint, readable=secret
    )
    page["Cache-Control"] = "no-store"
    return page
