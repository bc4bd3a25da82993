"""The suppression list: who is not written to, why, and since when."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from common.addresses import InvalidAddress, parse_address
from contacts.models import Suppression, SuppressionReason
from contacts.services.suppressing import suppress, unsuppress
from tenants.desk.admin import DeskAdmin, View, needs
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site

REASON_COLOURS = {"unsubscribed": "warning", "hard_bounce": "danger", "complaint": "danger", "manual": "info"}
# What somebody should know before they let mail go out again.
_WARNINGS = {
    SuppressionReason.UNSUBSCRIBED: "This person asked not to get marketing. Write again only if they asked for that.",
    SuppressionReason.COMPLAINT: "This person marked a mail of yours as spam. Writing again harms your reputation.",
    SuppressionReason.HARD_BOUNCE: "The address did not exist when it was last mailed. Mailing dead addresses harms your reputation.",
}


class SuppressionForm(ServiceModelForm):
    class Meta:
        model = Suppression
        fields = ("reason", "note")

    addresses = forms.CharField(help_text="One address a line.", widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}))
    field_of_refusal = {"email": "addresses"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("reason", SuppressionReason.MANUAL)

    def clean_addresses(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]
        for number, line in enumerate(lines, 1):
            try:
                parse_address(line)
            except InvalidAddress as error:
                raise forms.ValidationError(f"Line {number}: {error}") from error
        if not lines:
            raise forms.ValidationError("Write at least one address.")
        return lines

    def perform(self) -> models.Model:
        data = self.cleaned_data
        suppress(addresses=data["addresses"], reason=data["reason"], origin="entered at the desk", note=data["note"])
        key = parse_address(data["addresses"][0]).key
        return Suppression.objects.get(email_key=key, reason=data["reason"])


@admin.register(Suppression, site=tenant_site)
class SuppressionAdmin(DeskAdmin):
    """Who is not written to."""

    heading = "Suppression list"
    heading_of_one = "entry"
    counted = "entries"
    has_details = False
    add_label = "Add addresses"
    form = SuppressionForm
    fields = ("addresses", "reason", "note")
    list_display = ("email", "reason_label", "note", "origin", "created_at", "lifting")
    list_display_links = None
    list_filter = ("reason",)
    search_fields = ("email_key",)
    search_help_text = "Beginning of an address"
    ordering = ("-id",)
    actions = None
    empty_text = (
        "Addresses on this list get no campaign. People who unsubscribe or complain and addresses that bounce "
        "come here by themselves."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        term = search_term.strip().lower()
        return (queryset.filter(email_key__startswith=term) if term else queryset), False

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("<int:pk>/lift/", "contacts_suppression_lift", lift_page),)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Entries are lifted, which also sets the contact's status right."""
        return False

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, "These addresses get no campaign from now on.")
        return redirect("admin:contacts_suppression_changelist")

    @display(description="Reason", ordering="reason", label=REASON_COLOURS)
    def reason_label(self, entry: Suppression) -> tuple[str, str]:
        return entry.reason, SuppressionReason(entry.reason).label.partition(":")[0]

    @display(description="")
    def lifting(self, entry: Suppression) -> str:
        url = reverse("admin:contacts_suppression_lift", args=[entry.pk])
        return format_html('<a class="desk-link" href="{}">Remove</a>', url)


@needs("contacts.change_suppression", "GET", "POST")
def lift_page(request: HttpRequest, *, model_admin: SuppressionAdmin, pk: int) -> HttpResponse:
    """Ask, with what the reason means, then take the entry off the list."""
    entry = get_object_or_404(Suppression, pk=pk)
    if request.method == "POST":
        unsuppress(addresses=[entry.email_key], reasons=[entry.reason])
        messages.success(request, f"{entry.email} is off the list for this reason.")
        return redirect("admin:contacts_suppression_changelist")
    warning = _WARNINGS.get(SuppressionReason(entry.reason))
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title=f"Remove {entry.email}",
        question=f"Should {entry.email} be mailed again?",
        consequences=[
            *([warning] if warning else []),
            "If it stands on the list for another reason too, it stays suppressed for that one.",
        ],
        button="Remove from the list",
        danger=True,
        back="admin:contacts_suppression_changelist",
    )
