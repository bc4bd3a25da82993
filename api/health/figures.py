"""Figures of the whole installation, cheap enough to be asked for every few seconds."""

import os
import resource
import time
from dataclasses import asdict
from typing import Any

import psycopg

from api.health import probes
from api.health.census import Counted, census
from common.metrics import EMAIL_SENDS, HTTP_REQUESTS, counts_by

_STARTED = time.time()
_DUE = """
SELECT count(*), count(*) FILTER (WHERE due_at < now() - interval '1 minute'),
       coalesce(extract(epoch FROM max(now() - due_at)), 0)::float8
FROM public.tenants_duework
"""


def figures() -> dict[str, Any]:
    """By subject: system, requests, email, domains, queue, database, redis. What cannot be asked just now is null."""
    due, counted = due_work(), census.counted()
    return {
        "system": _system(),
        "requests": _requests(),
        "email": email_figures() | _counted_email(counted),
        "domains": counted and asdict(counted.domains),
        "queue": {
            "waiting": probes.queue_depths(),
            "due_work": None if due is None else {"total": due[0], "overdue": due[1], "oldest_seconds": due[2]},
        },
        "database": {"up": due is not None},
        "redis": {"up": redis_is_up()},
    }


def email_figures() -> dict[str, int]:
    """Outcomes of attempts since the figures began, by status."""
    return {"sent": 0, "deferred": 0, "bounced": 0, "failed": 0, **counts_by(EMAIL_SENDS, "status")}


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


def _counted_email(counted: Counted | None) -> dict[str, Any]:
    """Of single messages how many wait; of all mail what became of it since midnight (UTC)."""
    if counted is None:
        return {"queued": None, "scheduled": None, "today": None}
    return {"queued": counted.waiting.due, "scheduled": counted.waiting.later, "today": asdict(counted.today)}


def _requests() -> dict[str, Any]:
    """Over all processes, since the figures began."""
    by_status = counts_by(HTTP_REQUESTS, "status")
    return {"total": sum(by_status.values()), "by_status": dict(sorted(by_status.items()))}


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
