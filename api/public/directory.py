"""Whose token, whose host, which links: what the doors look up, each remembered for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import sql

from api.public.database import Database
from api.public.links import TrackedLink, links_of
from api.public.memory import Memory
from common.tokens import BadToken

_FIELDS = ("email", "first_name", "last_name", "language", "timezone", "country")


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """A tenant as the doors need it. Links of one that was deactivated lead on: its mails are out there."""

    id: int
    schema: str
    name: str


class Directory:
    """Reads only. Everything raises psycopg.OperationalError when the database is away and nothing is remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants = Memory[tuple[int, str], TenantEntry](
            self._load_tenant, seconds=10, missing_seconds=10, size=10_000
        )
        self._links = Memory[tuple[str, int], tuple[TrackedLink, ...]](
            self._load_links, seconds=300, missing_seconds=5, size=2_000
        )

    async def tenant_at(self, tenant_id: int, host: str) -> TenantEntry:
        """The tenant of a token, on a host that may show it: any but another tenant's.

        The public host, a tracking host and one that nobody knows will do. Raises BadToken, which does not
        say whether the token would be good elsewhere.
        """
        tenant = await self._tenants.get((tenant_id, host))
        if tenant is None:
            raise BadToken("This link is not valid here.")
        return tenant

    async def links(self, schema: str, message_id: int) -> tuple[TrackedLink, ...] | None:
        """The message's link table; None when there is no such message."""
        return await self._links.get((schema, message_id))

    async def contact(self, schema: str, message_id: int, position: int) -> Mapping[str, object]:
        """The fields of a recipient, as templates name them; empty when the contact was erased."""
        rows = await self._database.rows(_contact_query(schema), {"message": message_id, "position": position})
        if not rows:
            return {}
        *columns, attributes = rows[0]
        return {**attributes, **dict(zip(_FIELDS, columns, strict=True))}

    async def _load_tenant(self, key: tuple[int, str]) -> TenantEntry | None:
        tenant_id, host = key
        rows = await self._database.rows(_TENANT, {"tenant": tenant_id, "host": host})
        return TenantEntry(*rows[0]) if rows else None

    async def _load_links(self, key: tuple[str, int]) -> tuple[TrackedLink, ...] | None:
        schema, message_id = key
        rows: Sequence[tuple[Any]] = await self._database.rows(
            sql.SQL("SELECT links FROM {} WHERE id = %s").format(sql.Identifier(schema, "outbound_message")),
            [message_id],
        )
        return links_of(rows[0][0]) if rows else None


_TENANT = """
SELECT id, schema_name, name FROM public.tenants_tenant WHERE id = %(tenant)s AND schema_name <> 'public' AND NOT EXISTS (
    SELECT 1 FROM public.tenants_host h JOIN public.tenants_tenant o ON o.id = h.tenant_id
    WHERE h.domain = %(host)s AND h.tenant_id <> %(tenant)s AND o.schema_name <> 'public')
"""


@lru_cache(maxsize=256)
def _contact_query(schema: str) -> sql.Composed:
    """From the frozen audience: the recipient's own row may still be on its way into the database."""
    return sql.SQL(
        "SELECT {fields}, k.attributes FROM {chunk} c JOIN {contact} k"
        " ON k.id = c.contact_ids[%(position)s - c.first_position + 1]"
        " WHERE c.message_id = %(message)s AND c.positions IS NULL"
        " AND %(position)s >= c.first_position AND %(position)s < c.first_position + c.size"
    ).format(
        fields=sql.SQL(", ").join(sql.Identifier("k", name) for name in _FIELDS),
        chunk=sql.Identifier(schema, "outbound_chunk"),
        contact=sql.Identifier(schema, "contacts_contact"),
    )
