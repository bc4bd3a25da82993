"""Tenant data can only be reached inside a tenant: outside, asking for it is an error with a name."""

from typing import Any

from django.conf import settings
from django.db import models

from common.database import connection
from common.errors import NoTenant


class TenantRouter:
    """Refuses every query for a tenant's model while the connection stands in the public schema."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        _guard(model)
        return None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        _guard(model)
        return None


def _guard(model: type[models.Model]) -> None:
    if connection.schema_name == "public" and _is_tenant_only(model._meta.app_config.name):
        raise NoTenant(
            f"{model.__name__} belongs to a tenant, and no tenant was entered.",
            hint="Enter one with tenants.scope.tenant_scope(...).",
        )


def _is_tenant_only(app: str) -> bool:
    return app in settings.TENANT_APPS and app not in settings.SHARED_APPS
