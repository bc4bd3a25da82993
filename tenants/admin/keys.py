"""API keys: made once, shown once, revoked with one click."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from tenants.admin.tenants import NOT_CUSTOMERS
from tenants.desk.admin import DeskAdmin, View, needs
from tenants.desk.forms import ServiceModelForm
from tenants.models import ApiKey, Tenant
from tenants.services.changes import revoke_api_key
from tenants.services.keys import SCOPES, create_api_key
from tenants.sites import operator_site


class KeyForm(ServiceModelForm):
    class Meta:
        model = ApiKey
        fields = ("tenant", "name", "is_admin", "daily_limit")

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        initial=[scope for scope in SCOPES if scope != "admin"],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the key may do.",
    )
    field_of_refusal = {"limit": "daily_limit", "scope": "scopes"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["daily_limit"].required = False

    def perform(self) -> models.Model:
        data = self.cleaned_data
        key, self.readable = create_api_key(
            tenant=data["tenant"],
            name=data["name"],
            daily_limit=data["daily_limit"],
            scopes=data["scopes"],
            is_admin=data["is_admin"],
        )
        return key


@admin.register(ApiKey, site=operator_site)
class ApiKeyAdmin(DeskAdmin):
    """Keys of all tenants; their hashes are shown to nobody."""

    heading = "API keys"
    heading_of_one = "API key"
    has_details = False
    form = KeyForm
    list_display = ("name", "shown_prefix", "tenant", "state", "last_used_at", "created_at", "revocation")
    list_display_links = None
    list_select_related = ("tenant",)
    search_fields = ("name", "prefix", "tenant__slug")
    fields = ("tenant", "name", "scopes", "is_admin", "daily_limit")
    empty_text = "Programs send and read with a key. It is shown once, when it is made."

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "tenant":
            kwargs["queryset"] = Tenant.objects.exclude(schema_name__in=NOT_CUSTOMERS)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The key's only readable copy lives as long as this request."""
        request.readable_key = form.readable  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        page = self.render_page(
            request,
            "desk/key_made.html",
            title="Copy the key now",
            key=obj,
            readable=request.readable_key,  # type: ignore[attr-defined]
        )
        page["Cache-Control"] = "no-store"
        return page

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("<int:pk>/revoke/", "tenants_apikey_revoke", revoke_page),)

    @display(description="Key")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"ls_{key.prefix}_…"

    @display(description="State", label={"active": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "expired" if key.expires_at and key.expires_at < datetime.now(UTC) else "active"

    @display(description="")
    def revocation(self, key: ApiKey) -> str:
        if key.revoked_at:
            return ""
        return format_html(
            '<a class="desk-link desk-danger" href="{}">Revoke</a>',
            reverse("admin:tenants_apikey_revoke", args=[key.pk]),
        )


@needs("tenants.change_apikey", "GET", "POST")
def revoke_page(request: HttpRequest, *, model_admin: ApiKeyAdmin, pk: int) -> HttpResponse:
    """Ask, then revoke."""
    key = get_object_or_404(ApiKey.objects.select_related("tenant"), pk=pk)
    if request.method == "POST":
        revoke_api_key(key=key)
        messages.success(request, f"The key {key.name} opens nothing any more.")
        return redirect("admin:tenants_apikey_changelist")
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title=f"Revoke the key {key.name}",
        question=f"Should the key {key.name} of {key.tenant.name} stop working?",
        consequences=["Programs that use it are refused within a minute.", "It cannot be made to work again."],
        button="Revoke the key",
        danger=True,
        back="admin:tenants_apikey_changelist",
    )
