"""Which provider accounts a tenant's mail may go to, and which of them is next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from outbound.models import ProviderAccount
from outbound.posting.types import Mailroom, Route
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.settings import current

_FORGET_ABOVE = 10_000.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked up anew every few seconds. `accounts` by id."""

    room: Mailroom
    routes: tuple[Route, ...]
    accounts: dict[int, ProviderAccount]


def surroundings(schema: str, owner: str) -> Surroundings | None:
    """The tenant as it is now; None when it is gone or was switched off. Without accounts while the operator has
    switched off their type."""
    tenant = Tenant.objects.filter(schema_name=schema, is_active=True).first()
    if tenant is None:
        return None
    held = current()
    smtp = held.provider(ProviderAccount.Type.SMTP)
    with tenant_scope(tenant):
        wanted = ProviderAccount.objects.filter(is_active=True, type=ProviderAccount.Type.SMTP)
        accounts = list(wanted) if smtp.enabled else []
    resend = tenant.in_doubt_policy == "resend"
    room = Mailroom(schema, tenant.pk, owner, resend, held.batch_size, held.max_retries)
    routes = tuple(_route(one, daily=smtp.rate_limit) for one in accounts)
    return Surroundings(room, routes, {one.pk: one for one in accounts})


@dataclass(frozen=True, slots=True)
class Note:
    """How an account stands: `trouble` is what is the matter with it, in words; `down`: nothing can be sent there."""

    trouble: str = ""
    down: bool = False


def note_standing(connection: psycopg.Connection[Any], schema: str, provider_id: int, note: Note) -> None:
    """Let everybody know."""
    connection.execute(
        sql.SQL(_NOTE_TROUBLE if note.trouble else _NOTE_NONE).format(
            sql.Identifier(schema, "outbound_provideraccount")
        ),
        {"id": provider_id, "trouble": note.trouble, "down": note.down},
    )


_NOTE_TROUBLE = """
UPDATE {} SET down_since = CASE WHEN %(down)s THEN coalesce(down_since, now()) END, last_error = %(trouble)s, last_error_at = now()
WHERE id = %(id)s
"""
_NOTE_NONE = """
UPDATE {} SET down_since = NULL, last_error = '' WHERE id = %(id)s AND (down_since IS NOT NULL OR last_error <> '')
"""


class Shares:
    """Counts what each account was given, so that accounts of one priority get it by their weights."""

    def __init__(self) -> None:
        self._given: dict[int, float] = {}

    def by_turn(self, routes: Iterable[Route]) -> list[Route]:
        """Those of the first priority that has any, whose turn it is most first."""
        routes = list(routes)
        first = min((route.priority for route in routes), default=0)
        level = [route for route in routes if route.priority == first]
        known = [self._given[route.provider_id] for route in level if route.provider_id in self._given]
        for route in level:
            # Who is new, or back, starts where the others are.
            self._given.setdefault(route.provider_id, min(known, default=0.0))
        return sorted(level, key=lambda route: self._given[route.provider_id])

    def count(self, route: Route, recipients: int) -> None:
        self._given[route.provider_id] = self._given.get(route.provider_id, 0.0) + recipients / max(route.weight, 0.01)
        if self._given[route.provider_id] > _FORGET_ABOVE:
            self._given.clear()

    def forget(self, provider_id: int) -> None:
        self._given.pop(provider_id, None)


def _route(account: ProviderAccount, *, daily: int) -> Route:
    edited = (
        account.host,
        account.port,
        account.tls,
        account.verify_tls,
        account.username,
        account.sealed_password,
        account.connections,
        account.rate,
        daily,
    )
    down = account.down_since is not None
    return Route(
        account.pk,
        account.name,
        account.priority,
        account.weight,
        account.rate,
        down,
        edited,
        daily,
        account.last_error,
    )
