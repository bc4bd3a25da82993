"""What is counted over the tables of all tenants: too much for every request, so it is remembered for a while."""

import threading
import time
from dataclasses import dataclass

import psycopg
from django.conf import settings
from psycopg import sql

from api.health import probes

_REMEMBER_SECONDS = 60.0
_TENANTS = """
SELECT t.schema_name, w.schema IS NOT NULL FROM public.tenants_tenant t
LEFT JOIN public.tenants_waitingmail w ON w.schema = t.schema_name
WHERE t.is_active AND t.schema_name NOT IN ('public', %s) ORDER BY t.id
"""
_TABLES_AT_ONCE = 100
# Each a tenant's row; how many wait is counted only where somebody does.
_OF_A_TENANT = sql.SQL(
    """
(SELECT (SELECT count(*) FROM {domains}) AS domains,
    (SELECT count(DISTINCT domain_id) FROM {keys} WHERE is_active) AS signing,
    coalesce(sum(sent), 0), coalesce(sum(confirmed), 0), coalesce(sum(refused_hard + refused_soft + came_back), 0),
    coalesce(sum(deferred), 0), coalesce(sum(failed), 0), {due} AS due, {later} AS later
FROM {daily} WHERE day = (now() AT TIME ZONE 'UTC')::date)
"""
)
_DUE = sql.SQL("(SELECT count(*) FROM {} WHERE due_at <= now())")
_LATER = sql.SQL("(SELECT count(*) FROM {} WHERE due_at > now())")


@dataclass(frozen=True, slots=True)
class DomainFigures:
    total: int
    signing: int  # those with a key that mail is signed with


@dataclass(frozen=True, slots=True)
class MailFigures:
    """Recipients since midnight (UTC), campaigns and single messages alike."""

    sent: int
    delivered: int
    bounced: int
    deferred: int
    failed: int


@dataclass(frozen=True, slots=True)
class WaitingFigures:
    """Recipients of single messages."""

    due: int
    later: int  # scheduled, or deferred


@dataclass(frozen=True, slots=True)
class Counted:
    """Of all tenants together."""

    domains: DomainFigures
    today: MailFigures
    waiting: WaitingFigures


class Census:
    """One count a minute and process, however many ask."""

    def __init__(self, remember_seconds: float = _REMEMBER_SECONDS) -> None:
        self._remember_seconds = remember_seconds
        self._lock = threading.Lock()
        self._last: tuple[float, Counted] | None = None

    def counted(self) -> Counted | None:
        """None: the database is away, or too slow to be asked."""
        with self._lock:
            now = time.monotonic()
            if self._last is None or now - self._last[0] > self._remember_seconds:
                try:
                    self._last = (now, _count())
                except psycopg.Error:
                    return None
            return self._last[1]

    def forget(self) -> None:
        """Count again when asked the next time."""
        with self._lock:
            self._last = None


census = Census()


def _count() -> Counted:
    sums = [0] * 9
    with probes.connection() as opened:
        tenants = opened.execute(_TENANTS, [settings.TENANT_TEMPLATE_SCHEMA]).fetchall()
        for first in range(0, len(tenants), _TABLES_AT_ONCE):
            rows = [_row(schema, waits=waits) for schema, waits in tenants[first : first + _TABLES_AT_ONCE]]
            for row in opened.execute(sql.SQL(" UNION ALL ").join(rows)).fetchall():
                sums = [total + int(one) for total, one in zip(sums, row, strict=True)]
    return Counted(DomainFigures(*sums[:2]), MailFigures(*sums[2:7]), WaitingFigures(*sums[7:]))


def _row(schema: str, *, waits: bool) -> sql.Composed:
    queue = sql.Identifier(schema, "outbound_queue")
    return _OF_A_TENANT.format(
        domains=sql.Identifier(schema, "deliverability_sendingdomain"),
        keys=sql.Identifier(schema, "deliverability_dkimkey"),
        daily=sql.Identifier(schema, "outbound_daily"),
        due=_DUE.format(queue) if waits else sql.Literal(0),
        later=_LATER.format(queue) if waits else sql.Literal(0),
    )
