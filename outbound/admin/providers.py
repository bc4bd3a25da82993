"""Provider accounts: who takes the mail, whether they do, and a way to try."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from common.errors import LettershopError
from outbound.models import ProviderAccount
from outbound.services.provider_changes import probe_provider, update_provider
from outbound.services.providers import create_provider, parse_rate
from tenants.desk.admin import DeskAdmin, View, needs, tell_refusal
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site


class ProviderForm(ServiceModelForm):
    class Meta:
        model = ProviderAccount
        fields = ("name", "host", "port", "tls", "verify_tls", "username", "connections", "is_active")
        labels = {
            "host": "Server",
            "tls": "Encryption",
            "verify_tls": "Check the certificate",
            "username": "User name",
            "connections": "Connections at once",
            "is_active": "In use",
        }
        help_texts = {
            "host": "Its name, for instance smtp.example.com.",
            "port": "Usually 587 with STARTTLS, 465 with TLS from the first byte.",
            "connections": "In each worker.",
        }

    password = forms.CharField(
        required=False,
        strip=False,
        help_text="Stored encrypted and never shown. Empty: the stored one stays.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    limit = forms.CharField(
        label="Rate",
        required=False,
        help_text="The most it may be given, over all workers: 5/s, 300/min, 10000/h. Empty: as fast as it takes them.",
        widget=UnfoldAdminTextInputWidget,
    )
    field_of_refusal = {"rate": "limit"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.initial["port"] = 587
        elif self.instance.rate:
            self.initial["limit"] = shown_rate(self.instance.rate)

    def perform(self) -> models.Model:
        data = self.cleaned_data
        password, rate = data["password"], parse_rate(data["limit"])
        given = {name: data[name] for name in ("name", "host", "port", "tls", "username", "connections", "verify_tls")}
        if self.instance.pk is None:
            made = create_provider(**given, password=password, rate=rate)
            if data["is_active"]:
                return made
            return update_provider(made, **given, rate=rate, is_active=False)
        stored = ProviderAccount.objects.get(pk=self.instance.pk)
        return update_provider(stored, **given, rate=rate, is_active=data["is_active"], password=password or None)


@admin.register(ProviderAccount, site=tenant_site)
class ProviderAdmin(DeskAdmin):
    """Who takes our mail."""

    heading = "Providers"
    heading_of_one = "provider"
    form = ProviderForm
    list_display = ("name", "address", "tls", "speed", "state", "trouble")
    search_fields = ("name", "host")
    fieldsets = (
        (None, {"fields": ("name", "host", "port", "tls", "verify_tls", "username", "password")}),
        ("How much at once", {"fields": ("connections", "limit", "is_active")}),
    )
    change_form_outer_before_template = "desk/provider_state.html"
    empty_text = (
        "A provider takes your mail and brings it to the recipients: an SMTP relay of yours, or the SMTP door of a "
        "sending service. Nothing can be sent without one."
    )

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("<int:pk>/test/", "outbound_provideraccount_test", test_page),)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj and not self.has_change_permission(request, obj):
            return (
                (None, {"fields": ("name", "host", "port", "tls", "username", "connections", "speed", "is_active")}),
            )
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if self.has_change_permission(request, obj) else ("speed",)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Sent mail names its provider: one that is not wanted any more is switched off."""
        return False

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj.name} is set up. Test the connection before you send with it.")
        return redirect("admin:outbound_provideraccount_change", obj.pk)

    @display(description="Server")
    def address(self, provider: ProviderAccount) -> str:
        return f"{provider.host}:{provider.port}"

    @display(description="Rate")
    def speed(self, provider: ProviderAccount) -> str:
        return shown_rate(provider.rate) if provider.rate else "no limit"

    @display(description="State", label={"in use": "success", "down": "danger", "off": "warning"})
    def state(self, provider: ProviderAccount) -> str:
        if not provider.is_active:
            return "off"
        return "down" if provider.last_error else "in use"

    @display(description="Last error")
    def trouble(self, provider: ProviderAccount) -> str:
        if not provider.last_error:
            return "–"
        return format_html('<span class="desk-reason">{}</span>', provider.last_error)


@needs("outbound.change_provideraccount", "POST")
def test_page(request: HttpRequest, *, model_admin: ProviderAdmin, pk: int) -> HttpResponse:
    """Walk up to the point where mail would be handed over, and show every step."""
    provider = get_object_or_404(ProviderAccount, pk=pk)
    try:
        report = probe_provider(provider)
    except LettershopError as error:
        tell_refusal(request, error)
        return redirect("admin:outbound_provideraccount_change", pk)
    return model_admin.render_page(
        request, "desk/provider_test.html", title="Test of the connection", original=provider, report=report
    )


def shown_rate(rate: float) -> str:
    """Messages a second as a person writes them."""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        if abs(rate * seconds - round(rate * seconds)) < 1e-6:
            return f"{round(rate * seconds)}/{unit}"
    return f"{rate:.3g}/s"
