"""Figures of the whole installation, cheap enough to be asked for every few seconds."""

import os
import resource
import threading
import time
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from api.health import probes
from common.metrics import email_sends

_STARTED = time.time()
_DOMAIN_SECONDS = 60.0
_DUE = """
SELECT count(*), count(*) FILTER (WHERE due_at < now() - interval '1 minute'),
       coalesce(extract(epoch FROM max(now() - due_at)), 0)::float8
FROM public.tenants_duework
"""
_TENANTS = """
SELECT schema_name FROM public.tenants_tenant WHERE is_active AND schema_name NOT IN ('public', %s) ORDER BY id
"""
_TABLES_AT_ONCE = 200


def figures() -> dict[str, Any]:
    """By subject: system, email, domains, queue, database, redis. What cannot be asked just now is null."""
    due = due_work()
    return {
        "system": _system(),
        "email": email_figures(),
        "domains": domains.figures(),
        "queue": {
            "waiting": probes.queue_depths(),
            "due_work": None if due is None else {"total": due[0], "overdue": due[1], "oldest_seconds": due[2]},
        },
        "database": {"up": due is not None},
        "redis": {"up": redis_is_up()},
    }


def email_figures() -> dict[str, int]:
    """Outcomes of attempts since the figures began, by status."""
    return {"sent": 0, "deferred": 0, "bounced": 0, "failed": 0, **email_sends()}


def due_work() -> tuple[int, int, float] | None:
    """All, those overdue by a minute, and the age of the oldest in seconds. None: the database is away."""
    try:
        with probes.connection() as opened:
            row = opened.execute(_DUE).fetchone()
    except psycopg.Error:
        return None
    return (int(row[0]), int(row[1]), max(0.0, float(row[2]))) if row else None


def redis_is_up() -> bool:
    return probes.redis_server().status == "healthy"


class Domains:
    """Sending domains of all tenants, counted once a minute: every tenant's table is looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[float, int] | None = None

    def figures(self) -> dict[str, int] | None:
        """`total`. None: the database is away."""
        with self._lock:
            now = time.monotonic()
            if self._last is None or now - self._last[0] > _DOMAIN_SECONDS:
                try:
                    self._last = (now, _domains())
                except psycopg.Error:
                    return None
            return {"total": self._last[1]}


domains = Domains()


def _domains() -> int:
    total = 0
    with probes.connection() as opened:
        schemas = [schema for (schema,) in opened.execute(_TENANTS, [settings.TENANT_TEMPLATE_SCHEMA])]
        for first in range(0, len(schemas), _TABLES_AT_ONCE):
            counts = sql.SQL(" UNION ALL ").join(
                sql.SQL("SELECT count(*) AS found FROM {}").format(
                    sql.Identifier(schema, "deliverability_sendingdomain")
                )
                for schema in schemas[first : first + _TABLES_AT_ONCE]
            )
            row = opened.execute(sql.SQL("SELECT sum(found) FROM ({}) AS counts").format(counts)).fetchone()
            total += int(row[0]) if row else 0
    return total


def _system() -> dict[str, float | int]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "uptime_seconds": round(time.time() - _STARTED, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "load_1m": round(os.getloadavg()[0], 2),
        "memory_bytes": _resident(),
        "memory_peak_bytes": used.ru_maxrss * 1024,
    }


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
