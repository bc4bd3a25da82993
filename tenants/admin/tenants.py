"""Tenants with their hosts and plans."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from common.errors import LettershopError
from tenants.desk.admin import DeskAdmin, View, needs, tell_refusal
from tenants.desk.forms import ServiceModelForm
from tenants.members.models import Role
from tenants.models import Host, Plan, Tenant
from tenants.services.changes import add_host, change_tenant, remove_host
from tenants.services.creation import create_member, create_tenant
from tenants.services.profile import set_profile_parts
from tenants.sites import operator_site

# The schemas that are nobody's: the operators' own, and the one new tenants are cloned from.
NOT_CUSTOMERS = ("public", "tenant_template")
_SENDING = ("in_doubt_policy", "tracks_single_mail")
_PROFILE = ("brand_domain", "sender_name", "sender_address", "reply_to")


class NewTenantForm(ServiceModelForm):
    class Meta:
        model = Tenant
        fields = ("name", "slug")

    field_order = ("name", "slug", "host", "plan", "workspace_id", "owner_email", "owner_password")

    host = forms.CharField(
        help_text="The name its desk and its links answer to, for instance acme.example.com. Point its DNS here.",
        widget=UnfoldAdminTextInputWidget,
    )
    plan = forms.ModelChoiceField(
        Plan.objects.all(), to_field_name="slug", empty_label=None, widget=UnfoldAdminSelectWidget
    )
    workspace_id = forms.CharField(
        required=False, help_text="Empty: the next free one, for instance ws-003.", widget=UnfoldAdminTextInputWidget
    )
    owner_email = forms.EmailField(
        label="Owner's e-mail",
        required=False,
        help_text="The first person who can log in at its desk.",
        widget=UnfoldAdminEmailInputWidget,
    )
    owner_password = forms.CharField(
        label="Owner's password",
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    field_of_refusal = {"workspace": "workspace_id", "email": "owner_email", "password": "owner_password"}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(data.get("owner_email")) != bool(data.get("owner_password")):
            self.add_error("owner_password", "An owner needs both an e-mail address and a password.")
        return data

    def perform(self) -> models.Model:
        data = self.cleaned_data
        made = create_tenant(
            slug=data["slug"],
            name=data["name"],
            host=data["host"],
            workspace_id=data["workspace_id"],
            plan=data["plan"].slug,
        )
        tenant: Tenant = Tenant.objects.get(pk=made.id)
        if data["owner_email"]:
            create_member(tenant=tenant, email=data["owner_email"], password=data["owner_password"], role=Role.OWNER)
        return tenant


class ChangeTenantForm(ServiceModelForm):
    class Meta:
        model = Tenant
        fields = ("name", "plan", "is_active", *_SENDING, *_PROFILE)

    field_of_refusal = {"sender": "sender_address"}

    def perform(self) -> models.Model:
        data = self.cleaned_data
        with transaction.atomic():
            set_profile_parts(tenant=self.instance, **{field: data[field] for field in _PROFILE})
            return change_tenant(
                tenant=self.instance,
                name=data["name"],
                plan=data["plan"],
                is_active=data["is_active"],
                in_doubt_policy=data["in_doubt_policy"],
                tracks_single_mail=data["tracks_single_mail"],
            )


@admin.register(Tenant, site=operator_site)
class TenantAdmin(DeskAdmin):
    """Who is served here."""

    list_display = ("name", "slug", "host", "plan", "workspace_id", "active", "created_at")
    list_select_related = ("plan",)
    search_fields = ("name", "slug", "workspace_id")
    empty_text = (
        "A tenant is one client of yours: with contacts, templates, campaigns and a desk that nobody else sees."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        found: QuerySet[Tenant] = super().get_queryset(request).exclude(schema_name__in=NOT_CUSTOMERS)
        return found.prefetch_related("domains")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeTenantForm if change else NewTenantForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (
                (None, {"fields": ("name", "slug", "host", "plan", "workspace_id"), "description": _CREATION}),
                ("First owner", {"fields": ("owner_email", "owner_password")}),
            )
        return (
            (None, {"fields": ("name", "plan", "is_active")}),
            ("How it sends", {"fields": _SENDING}),
            ("As whom it writes", {"fields": _PROFILE, "description": _SENDER}),
            ("Set once", {"fields": ("slug", "workspace_id", "hosts", "created_at")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug", "workspace_id", "hosts", "created_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A tenant is switched off here; its data is only removed on the command line."""
        return False

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        host = obj.get_primary_domain()
        messages.success(request, f"{obj.name} is ready: its desk answers at {host.domain}.")
        return redirect("admin:tenants_tenant_change", obj.pk)

    @display(description="Host")
    def host(self, tenant: Tenant) -> str:
        return next((host.domain for host in tenant.domains.all() if host.is_primary), "–")

    @display(description="Hosts")
    def hosts(self, tenant: Tenant) -> str:
        names = ", ".join(host.domain + (" (primary)" if host.is_primary else "") for host in tenant.domains.all())
        return format_html(
            '{} <a class="desk-link" href="../../../host/add/?tenant={}">Add a host</a>', names, tenant.pk
        )

    @display(description="State", ordering="is_active", label={"active": "success", "switched off": "danger"})
    def active(self, tenant: Tenant) -> str:
        return "active" if tenant.is_active else "switched off"


_SENDER = (
    "Its own, and nobody else's. A campaign that names no sender goes out as this one; without an address here, "
    "as news@ its first sending domain."
)
_CREATION = (
    "Creating a tenant makes its own part of the database, with all its tables. It takes about two seconds: "
    "the page answers when it is ready."
)


class HostForm(ServiceModelForm):
    class Meta:
        model = Host
        fields = ("tenant", "domain", "is_primary")

    field_of_refusal = {"host": "domain"}

    def perform(self) -> models.Model:
        data = self.cleaned_data
        return add_host(tenant=data["tenant"], domain=data["domain"], is_primary=data["is_primary"])


@admin.register(Host, site=operator_site)
class HostAdmin(DeskAdmin):
    """Which name leads to whom."""

    form = HostForm
    has_details = False
    list_display = ("domain", "tenant", "is_primary", "removal")
    list_select_related = ("tenant",)
    list_display_links = None
    search_fields = ("domain", "tenant__slug", "tenant__name")
    ordering = ("domain",)
    empty_text = "A host is a name such as acme.example.com that leads to a tenant's desk and stands in its links."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Host]:
        found: QuerySet[Host] = super().get_queryset(request).exclude(tenant__schema_name="public")
        return found

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "tenant":
            kwargs["queryset"] = Tenant.objects.exclude(schema_name__in=NOT_CUSTOMERS)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_primary": False, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (("<int:pk>/remove/", "tenants_host_remove", remove_host_page),)

    @display(description="")
    def removal(self, host: Host) -> str:
        if host.is_primary:
            return ""
        return format_html('<a class="desk-link desk-danger" href="{}/remove/">Remove</a>', host.pk)


@needs("tenants.change_host", "GET", "POST")
def remove_host_page(request: HttpRequest, *, model_admin: HostAdmin, pk: int) -> HttpResponse:
    """Ask, then let the name lead nowhere."""
    host = get_object_or_404(Host.objects.select_related("tenant"), pk=pk)
    if request.method == "POST":
        try:
            remove_host(host=host)
            messages.success(request, f"{host.domain} leads nowhere now.")
        except LettershopError as error:
            tell_refusal(request, error)
        return redirect("admin:tenants_host_changelist")
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title=f"Remove {host.domain}",
        question=f"Should {host.domain} stop leading to {host.tenant.name}?",
        consequences=["Its desk is no longer found under this name.", "Links in mails with this name stop working."],
        button="Remove the host",
        danger=True,
        back="admin:tenants_host_changelist",
    )


@admin.register(Plan, site=operator_site)
class PlanAdmin(DeskAdmin):
    """What a tenant may use."""

    list_display = ("name", "slug", "hourly_limit", "daily_limit", "burst")
    prepopulated_fields = {"slug": ("name",)}
