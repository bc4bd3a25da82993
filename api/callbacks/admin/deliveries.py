"""The log on the desk: what was told to whom, what came of it, and once more."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from api.callbacks.claiming import message_name
from api.callbacks.models import Delivery
from api.callbacks.resending import resend_deliveries, resend_delivery
from common.errors import LettershopError, NotFound
from outbound.submission.ids import read_public_id
from tenants.desk.admin import ReadOnlyAdmin, View, needs, tell_refusal
from tenants.scope import current_tenant
from tenants.sites import tenant_site

_CHANGE = "callbacks.change_delivery"


@admin.register(Delivery, site=tenant_site)
class DeliveryAdmin(ReadOnlyAdmin):
    """What endpoints were told, the latest first."""

    heading = "Webhook calls"
    heading_of_one = "call"
    counted = "calls"
    list_display = ("what", "endpoint", "message", "standing", "tries", "result", "last_try_at", "again")
    list_display_links = None
    list_filter = ("state", "endpoint", "kind")
    list_select_related = ("endpoint",)
    search_fields = ("message_id",)
    search_help_text = "The id of a message: msg_…"
    ordering = ("-id",)
    actions = ("send_again",)
    empty_text = "What your endpoints are told stands here for 30 days."

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Delivery]", search_term: str
    ) -> tuple["QuerySet[Delivery]", bool]:
        if not search_term.strip():
            return queryset, False
        try:
            name = read_public_id(search_term.strip())
        except NotFound:
            return queryset.none(), False
        own = name.tenant_id == current_tenant().pk
        return (queryset.filter(message_id=name.message_id) if own else queryset.none()), False

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("<int:pk>/again/", "callbacks_delivery_again", again_page),)

    def get_actions(self, request: HttpRequest) -> Any:
        return super().get_actions(request) if request.user.has_perm(_CHANGE) else {}

    @action(description="Send again")
    def send_again(self, request: HttpRequest, queryset: "QuerySet[Delivery]") -> None:
        count = resend_deliveries(list(queryset.values_list("pk", flat=True)))
        messages.success(request, f"{count} calls are made again.")

    @display(description="Kind")
    def what(self, delivery: Delivery) -> str:
        return delivery.kind.replace("_", " ")

    @display(description="Message")
    def message(self, delivery: Delivery) -> str:
        if delivery.message_id is None:
            return "–"
        return format_html('<span class="text-xs">{}</span>', message_name(delivery.message_id))

    @display(
        description="State",
        ordering="state",
        label={"delivered": "success", "waiting": "info", "trying": "warning", "given up": "danger"},
    )
    def standing(self, delivery: Delivery) -> str:
        if delivery.state == Delivery.State.WAITING:
            return "trying" if delivery.tries else "waiting"
        return delivery.state.replace("_", " ")

    @display(description="Result")
    def result(self, delivery: Delivery) -> str:
        told = delivery.last_error or (f"{delivery.last_status} in {delivery.duration_ms} ms" if delivery.tries else "")
        if not told:
            return "–"
        return format_html('<span class="desk-reason" title="{}">{}</span>', delivery.answer, told)

    @display(description="")
    def again(self, delivery: Delivery) -> str:
        if delivery.message_id is None:
            return ""
        return format_html(
            '<a class="desk-link" href="{}">Send again</a>',
            reverse("admin:callbacks_delivery_again", args=[delivery.pk]),
        )


@needs(_CHANGE, "GET", "POST")
def again_page(request: HttpRequest, *, model_admin: DeliveryAdmin, pk: int) -> HttpResponse:
    """Ask, then put it in line."""
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint"), pk=pk)
    if request.method == "POST":
        try:
            resend_delivery(pk)
            messages.success(request, "The call is made again.")
        except LettershopError as error:
            tell_refusal(request, error)
        return redirect("admin:callbacks_delivery_changelist")
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Send again",
        question=f"Should {delivery.endpoint.url} be told once more?",
        consequences=[f"The call has the webhook-id it had: {delivery.name}."],
        button="Send again",
        back="admin:callbacks_delivery_changelist",
    )
