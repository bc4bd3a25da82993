"""The two desks: operators on the public host, marketers on their tenant's. Apps register below one each."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite

from common.database import connection


class OperatorSite(UnfoldAdminSite):
    """The installation's desk: answers only in the public schema."""

    settings_name = "UNFOLD_OPERATOR"
    site_header = site_title = "Lettershop operators"

    def has_permission(self, request: HttpRequest) -> bool:
        return connection.schema_name == "public" and bool(super().has_permission(request))


class TenantSite(UnfoldAdminSite):
    """A tenant's desk: answers only inside a tenant."""

    settings_name = "UNFOLD"

    def has_permission(self, request: HttpRequest) -> bool:
        return connection.schema_name != "public" and bool(super().has_permission(request))


operator_site: AdminSite = OperatorSite(name="operators")
tenant_site: AdminSite = TenantSite(name="desk")
