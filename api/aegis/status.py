"""A4: the figures of `GET /status`, of the whole installation."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from api.aegis.process import environment, human_size, uptime
from api.health.probes import connection
from common.errors import Unavailable
from common.version import VERSION
from outbound.posting.heartbeat import living_senders

_TENANTS = """
SELECT schema_name FROM public.tenants_tenant WHERE is_active AND schema_name NOT IN ('public', %s) ORDER BY id
"""
_OF_A_TENANT = """
SELECT (SELECT count(*) FROM {batch}) AS held, count(*) AS pending, coalesce(sum(size), 0) AS size
FROM {submission} WHERE state IN ('scheduled', 'queued', 'deferred')
"""
_TENANTS_AT_ONCE = 200
_LEAST_SECONDS = 2.0
_PATIENCE = 20  # times as long as counting took, the count is good


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages that are not finished: how many, their bytes, and the batches of them that a worker holds."""

    messages: int
    size: int
    held: int


def system_status() -> dict[str, Any]:
    """All but the timestamp. Raises Unavailable when the database is away."""
    waiting = _queue.waiting()
    return {
        "service": "Aegis Mailer",
        "version": VERSION,
        "uptime": uptime(),
        "queue": {
            "pending_messages": waiting.messages,
            "lock_files": waiting.held,
            "total_size_bytes": waiting.size,
            "total_size_human": human_size(waiting.size),
            "directory": "postgresql",
        },
        "workers": _workers(),
        "environment": environment(),
    }


def _workers() -> dict[str, Any]:
    """The senders that have told lately that they are alive, on whatever machines; their names are host:pid:random."""
    names = living_senders()
    if names is None:
        return {"count": 0, "pids": [], "status": "unknown"}
    pids = sorted(int(name.split(":")[-2]) for name in names)
    return {"count": len(pids), "pids": pids, "status": "running" if pids else "stopped"}


class Queue:
    """What waits, of all tenants. Everybody may ask, so it is counted seldom, and the more seldom the longer it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Waiting | None = None
        self._good_until = 0.0

    def waiting(self) -> Waiting:
        """Raises Unavailable."""
        with self._lock:
            began = time.monotonic()
            if began >= self._good_until:
                self._last = _counted()
                self._good_until = began + max(_LEAST_SECONDS, _PATIENCE * (time.monotonic() - began))
            if self._last is None:
                raise Unavailable("The queue cannot be counted just now.")
            return self._last

    def forget(self) -> None:
        """Count again when somebody asks."""
        with self._lock:
            self._good_until = 0.0


_queue = Queue()
forget_queue = _queue.forget


def _counted() -> Waiting | None:
    """None: the database is away."""
    held = messages = size = 0
    try:
        with connection() as opened:
            schemas = [schema for (schema,) in opened.execute(_TENANTS, [settings.TENANT_TEMPLATE_SCHEMA])]
            for first in range(0, len(schemas), _TENANTS_AT_ONCE):
                row = opened.execute(_of_tenants(schemas[first : first + _TENANTS_AT_ONCE])).fetchone()
                held, messages, size = (
                    now + int(more) for now, more in zip((held, messages, size), row or (), strict=True)
                )
    except psycopg.Error:
        return None
    return Waiting(messages=messages, size=size, held=held)


def _of_tenants(schemas: list[str]) -> sql.Composed:
    counts = sql.SQL(" UNION ALL ").join(
        sql.SQL(_OF_A_TENANT).format(
            batch=sql.Identifier(schema, "outbound_batch"), submission=sql.Identifier(schema, "outbound_submission")
        )
        for schema in schemas
    )
    return sql.SQL("SELECT sum(held), sum(pending), sum(size) FROM ({}) AS counts").format(counts)
