"""Endpoints on the desk: made and changed by use cases, tried, paused, resumed, given another secret, replayed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from api.callbacks.admin import actions
from api.callbacks.endpoints import EndpointDraft, create_endpoint, delete_endpoint, update_endpoint
from api.callbacks.kinds import ALL, Kind
from api.callbacks.models import Endpoint
from common.errors import LettershopError
from tenants.desk.admin import DeskAdmin, View, needs, tell_refusal
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site

_WORDS = [(ALL, "Everything"), *((str(kind), str(kind).replace("_", " ").capitalize()) for kind in Kind)]


class EndpointForm(ServiceModelForm):
    class Meta:
        model = Endpoint
        fields = ("url", "description", "format")
        labels = {"url": "URL"}
        help_texts = {"url": "http or https, on a public address.", "description": "What it is for."}
        widgets = {"url": UnfoldAdminTextInputWidget}

    chosen = forms.MultipleChoiceField(
        label="What it hears of", choices=_WORDS, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    field_of_refusal = {"kinds": "chosen"}
    secret = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["chosen"] = self.instance.kinds if self.instance.pk else [ALL]

    def perform(self) -> models.Model:
        data = self.cleaned_data
        draft = EndpointDraft(data["url"], data["chosen"], data["format"], data["description"])
        if self.instance.pk is not None:
            return update_endpoint(self.instance.pk, draft)
        endpoint, self.secret = create_endpoint(draft)
        return endpoint


@admin.register(Endpoint, site=tenant_site)
class EndpointAdmin(DeskAdmin):
    """Who is told."""

    heading = "Webhooks"
    heading_of_one = "endpoint"
    counted = "endpoints"
    form = EndpointForm
    fields = ("url", "description", "format", "chosen")
    list_display = ("label", "format", "hears_of", "standing", "trouble")
    search_fields = ("url", "description")
    actions = None
    change_form_outer_before_template = "callbacks/endpoint_state.html"
    empty_text = (
        "An endpoint is a URL of yours that hears what becomes of your messages: sent, bounced, opened, and so on. "
        "Every call is signed."
    )

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("<int:pk>/test/", "callbacks_endpoint_test", actions.test_page),
            ("<int:pk>/pause/", "callbacks_endpoint_pause", actions.pause_page),
            ("<int:pk>/resume/", "callbacks_endpoint_resume", actions.resume_page),
            ("<int:pk>/rotate/", "callbacks_endpoint_rotate", actions.rotate_page),
            ("<int:pk>/replay/", "callbacks_endpoint_replay", actions.replay_page),
            ("<int:pk>/remove/", "callbacks_endpoint_remove", remove_page),
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            return ("url", "description", "format", "hears_of")
        return super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if self.has_change_permission(request, obj) else ("hears_of",)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Endpoints are removed on a page of their own, so that senders stop to write news down for them."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The secret's only readable copy lives as long as this request."""
        request.readable_secret = form.secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return actions.show_secret(request, self, obj, request.readable_secret)  # type: ignore[attr-defined]

    @display(description="Endpoint")
    def label(self, endpoint: Endpoint) -> str:
        if not endpoint.description:
            return endpoint.url
        return format_html('{}<br><span class="desk-quiet desk-small">{}</span>', endpoint.description, endpoint.url)

    @display(description="Hears of")
    def hears_of(self, endpoint: Endpoint) -> str:
        words = dict(_WORDS)
        return ", ".join(words.get(kind, kind) for kind in endpoint.kinds)

    @display(description="State", label={"active": "success", "failing": "warning", "paused": "danger"})
    def standing(self, endpoint: Endpoint) -> str:
        if endpoint.state == Endpoint.State.PAUSED:
            return "paused"
        return "failing" if endpoint.failures else "active"

    @display(description="Trouble")
    def trouble(self, endpoint: Endpoint) -> str:
        told = endpoint.pause_reason or endpoint.last_error
        return format_html('<span class="desk-reason">{}</span>', told) if told else "–"


@needs("callbacks.delete_endpoint", "GET", "POST")
def remove_page(request: HttpRequest, *, model_admin: EndpointAdmin, pk: int) -> HttpResponse:
    """Ask, then remove."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        try:
            delete_endpoint(pk)
            messages.success(request, f"{endpoint} is told nothing any more.")
        except LettershopError as error:
            tell_refusal(request, error)
        return redirect("admin:callbacks_endpoint_changelist")
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Delete the endpoint",
        original=endpoint,
        question=f"Should {endpoint.url} be told nothing any more?",
        consequences=["What waits for it is not sent.", "The log of what it was told goes with it."],
        button="Delete the endpoint",
        danger=True,
        back_url=model_admin.url_of(endpoint),
    )
