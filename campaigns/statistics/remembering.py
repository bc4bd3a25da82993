"""Statistics are kept for a while, and never told when they are not true any more.

What they were counted from has a version, which is part of the key: whatever writes (a door, a worker, a trigger, an
operator in psql) makes another version by writing, and no writer has to know of the cache.
"""

from collections.abc import Callable
from typing import Any, LiteralString

from psycopg import sql

from common.cache import CACHE_TTL_5_MINUTES, build_stats_key, get_cache
from common.database import connection
from tenants.scope import current_tenant

# Every write gives its row a new xmin. Of contacts neither they nor their facets are read, which are many: a change
# adds a note to contacts_stale, and when facets are rebuilt from notes, each block gets a new row `*`.
_CONTACTS = (
    "contacts_stale",
    "contacts_facet WHERE facet = '*'",
    "contacts_validation_tally",
    "contacts_tag",
)
_STATE = "(SELECT concat_ws('.', count(*), sum(xmin::text::bigint)) FROM {})"
_CAMPAIGNS = ("campaigns_campaign", "outbound_daily")
_READ: dict[str, tuple[LiteralString, ...]] = {
    "contacts": _CONTACTS,
    "campaigns": _CAMPAIGNS,
    "events": ("outbound_daily",),
    "performance": ("outbound_daily",),
    "overview": (*_CONTACTS, *_CAMPAIGNS, "contacts_datasource"),
}


def remembered(kind: str, make: Callable[[], Any], *, detail: str = "") -> Any:
    """What `make` returns (JSON), or returned in the last five minutes if nothing it counts was changed since.

    `kind` is contacts, campaigns, events, performance or overview, `detail` tells several of a kind apart. For the
    tenant that was entered.
    """
    key = build_stats_key(current_tenant().pk, f"{kind}{detail}:{_version(kind)}")
    return get_cache().remember(key, CACHE_TTL_5_MINUTES, make)


def _version(kind: str) -> str:
    """The day (some figures are of today) and what tells one state of the tables from any other. One query."""
    states = sql.SQL(", ").join(sql.SQL(_STATE).format(sql.SQL(table)) for table in _READ[kind])
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT concat_ws('-', (now() AT TIME ZONE 'UTC')::date, {})").format(states))
        return str(cursor.fetchone()[0])
