"""Entering a tenant: the search path is set for a piece of work and put back after it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common.database import connection
from common.errors import NoTenant, NotFound
from tenants.models import Host, Tenant

_HOST_MEMORY_SECONDS = 10.0


@contextmanager
def tenant_scope(tenant: Tenant) -> Iterator[Tenant]:
    """Do a piece of work inside `tenant`, then go back to where the connection was."""
    before = connection.tenant
    connection.set_tenant(tenant)
    try:
        yield tenant
    finally:
        connection.set_tenant(before)


def current_tenant() -> Tenant:
    """The tenant that was entered. Raises NoTenant outside of any."""
    if connection.schema_name == "public":
        raise NoTenant("No tenant was entered.")
    entered = connection.tenant
    if isinstance(entered, Tenant):
        return entered
    tenant: Tenant = Tenant.objects.get(schema_name=connection.schema_name)
    connection.set_tenant(tenant)
    return tenant


def tenant_by_slug(slug: str) -> Tenant:
    """Raises NotFound with the slugs that exist, when there are few enough to read."""
    try:
        tenant: Tenant = (
            Tenant.objects.select_related("plan").exclude(schema_name="public").get(slug=slug, is_active=True)
        )
        return tenant
    except Tenant.DoesNotExist:
        active = Tenant.objects.filter(is_active=True).exclude(schema_name="public")
        known = list(active.values_list("slug", flat=True)[:20])
        hint = f"There are: {', '.join(known)}." if known else "Make one with create_tenant."
        raise NotFound(f"There is no tenant {slug!r}.", field="tenant", hint=hint) from None


class HostMemory:
    """Host name to tenant, remembered for ten seconds: the look-up stands before every request."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Tenant | None]] = {}
        self._lock = threading.Lock()

    def find(self, host: str) -> Tenant | None:
        now = time.monotonic()
        held = self._known.get(host)
        if held and held[0] > now:
            return held[1]
        found = Host.objects.select_related("tenant", "tenant__plan").filter(domain=host).first()
        tenant: Tenant | None = found.tenant if found and found.tenant.is_active else None
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[host] = (now + _HOST_MEMORY_SECONDS, tenant)
        return tenant

    def recall(self, host: str) -> tuple[bool, Tenant | None]:
        """Whether it was found out lately, and what: for those who must not wait for the database."""
        held = self._known.get(host)
        if held is None or held[0] <= time.monotonic():
            return False, None
        return True, held[1]

    def forget(self) -> None:
        with self._lock:
            self._known.clear()


hosts = HostMemory()
