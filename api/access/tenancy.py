"""Which tenant a call is about."""

from django.conf import settings
from django.http import HttpRequest

from api.access.caller import Caller
from api.access.faults import Forbidden
from common.errors import NotFound
from tenants.models import Tenant


def tenant_for(request: HttpRequest, caller: Caller, *, tenant_id: int | None = None, workspace: str = "") -> Tenant:
    """The tenant named by the path or body (`tenant_id`, `workspace`), by X-Workspace-ID, by the host, or else the caller's.

    Raises Forbidden when it is not the caller's own and the caller is no admin, and when the names contradict
    each other; NotFound for an admin who names a tenant that is not there.
    """
    tenant = caller.tenant
    workspaces = {name for name in (workspace, request.headers.get("X-Workspace-ID", "")) if name}
    host_tenant: Tenant | None = getattr(request, "tenant", None)
    if not caller.is_admin:
        named = (
            (tenant_id is not None and tenant_id != tenant.pk)
            or bool(workspaces - {tenant.workspace_id})
            or (host_tenant is not None and host_tenant.pk != tenant.pk)
        )
        if named:
            raise Forbidden("This key belongs to another tenant.", field="tenant_id")
        return tenant
    named_tenants = (_by_id(tenant_id), *map(_by_workspace, sorted(workspaces)), host_tenant)
    asked = [one for one in named_tenants if one is not None]
    if any(one.pk != asked[0].pk for one in asked):
        raise Forbidden("The path, the header and the host name different tenants.", field="tenant_id")
    if not asked and not tenant.is_active:
        raise NotFound("The tenant of this key is closed: name another one.", field="tenant_id")
    return asked[0] if asked else tenant


def active_tenant(tenant_id: int) -> Tenant | None:
    """The tenant with that id, unless it is closed or none of a customer."""
    return _active(pk=tenant_id)


def _by_id(tenant_id: int | None) -> Tenant | None:
    return _the_only(pk=tenant_id) if tenant_id is not None else None


def _by_workspace(workspace: str) -> Tenant | None:
    return _the_only(workspace_id=workspace) if workspace else None


def _the_only(**named: object) -> Tenant:
    tenant = _active(**named)
    if tenant is None:
        raise NotFound("There is no such tenant.", field="tenant_id")
    return tenant


def _active(**named: object) -> Tenant | None:
    active = Tenant.objects.filter(is_active=True).exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA))
    tenant: Tenant | None = active.select_related("plan").filter(**named).first()
    return tenant
