"""Sending domains, with the DNS records to publish."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import display

from deliverability.models import SendingDomain
from deliverability.services.domain_changes import check_tracking_url, update_sending_domain
from deliverability.services.domains import create_sending_domain
from tenants.desk.admin import DeskAdmin
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site


class NewDomainForm(ServiceModelForm):
    class Meta:
        model = SendingDomain
        fields = ("name", "bounce_domain", "tracking_url")

    field_of_refusal = {"domain": "name"}

    def perform(self) -> models.Model:
        check_tracking_url(self.cleaned_data["tracking_url"])
        return create_sending_domain(**self.cleaned_data)


class ChangeDomainForm(ServiceModelForm):
    class Meta:
        model = SendingDomain
        fields = ("bounce_domain", "tracking_url")

    def perform(self) -> models.Model:
        return update_sending_domain(SendingDomain.objects.get(pk=self.instance.pk), **self.cleaned_data)


@admin.register(SendingDomain, site=tenant_site)
class SendingDomainAdmin(DeskAdmin):
    """As whom we send."""

    list_display = ("name", "signing", "tracking_url", "bounce_domain", "created_at")
    search_fields = ("name",)
    change_form_outer_before_template = "desk/domain_records.html"
    empty_text = (
        "A sending domain is what stands after the @ of your sender. Add it and publish two DNS records: your mail is "
        "then signed, and mailbox providers can tell that it is really yours."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SendingDomain]:
        found: QuerySet[SendingDomain] = super().get_queryset(request)
        return found.annotate(active_keys=Count("keys", filter=Q(keys__is_active=True)))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeDomainForm if change else NewDomainForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ChangeDomainForm.Meta.fields if obj else NewDomainForm.Meta.fields

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"Mail from {obj.name} is signed from now on. Publish the records below.")
        return redirect("admin:deliverability_sendingdomain_change", obj.pk)

    @display(description="Signed with", label={"none": "danger"})
    def signing(self, domain: Any) -> tuple[str, str]:
        if not domain.active_keys:
            return "none", "not signed"
        return "keys", f"{domain.active_keys} DKIM keys"
