"""Database, Redis, workers, disk: are they there, quick, and set as they should be?"""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime

import redis
from celery import current_app
from django.conf import settings
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from common.database import connection
from outbound.health.check import Check, fine, worth_a_look, wrong

_OLDEST_POSTGRES = 150_000
_LONG_TRIP = 0.005  # seconds
_TRIPS = 5
_WRONG_SKEW, _NOTED_SKEW = 30.0, 2.0  # seconds
_LEAST_FREE = 1 << 30  # bytes
_LEAST_SHARE = 0.05
_CONNECT_SECONDS = 2


def database_checks() -> list[Check]:
    """The first one tells whether it can be reached; without it there are no others."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
                "current_setting('fsync'), current_setting('synchronous_commit'), clock_timestamp()"
            )
            number, version, fsync, commit, clock = cursor.fetchone()
            skew = abs((datetime.now(UTC) - clock).total_seconds())
            trip = _round_trip(lambda: cursor.execute("SELECT 1"))
    except DatabaseError as error:
        return [
            wrong(
                "database",
                f"The database cannot be reached: {_first_line(error)}",
                "Start it, or correct DATABASE_URL. Sending waits meanwhile; nothing is lost.",
            )
        ]
    return [
        _version(number, version),
        _trip("database distance", "the database", trip),
        _durability(fsync, commit),
        _clock(skew),
    ]


def redis_check() -> Check:
    """What holds rates, caches and the tasks on their way."""
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=_CONNECT_SECONDS)
    try:
        client.ping()
        return _trip("redis", "Redis", _round_trip(client.ping))
    except redis.RedisError as error:
        return wrong(
            "redis",
            f"Redis cannot be reached: {_first_line(error)}",
            "Start it, or correct REDIS_URL. It holds nothing that could be lost; work goes on when it is back.",
        )
    finally:
        client.close()


def broker_checks(answer_seconds: float) -> list[Check]:
    """Do workers answer, and does each queue that tasks are put into have one?"""
    try:
        with current_app.connection_for_write(connect_timeout=_CONNECT_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS)
            answers = current_app.control.inspect(timeout=answer_seconds, connection=broker).active_queues() or {}
    except (OperationalError, redis.RedisError, OSError) as error:
        return [
            wrong(
                "workers",
                f"The broker cannot be reached: {_first_line(error)}",
                "Start it, or correct CELERY_BROKER_URL.",
            )
        ]
    if not answers:
        return [
            wrong(
                "workers", "No worker answers: nothing is sent.", "Run `manage.py serve`, or start the worker services."
            )
        ]
    served = {queue["name"] for queues in answers.values() for queue in queues}
    unserved = sorted(_used_queues() - served)
    if unserved:
        return [
            wrong(
                "workers",
                f"Nobody works on the queue {', '.join(unserved)}.",
                "Start a worker with --queues naming it.",
            )
        ]
    return [fine("workers", f"Answered: {', '.join(sorted(answers))}.")]


def disk_check() -> Check:
    """The data directory: journals of what is in flight, uploads, and the embedded database where it is used."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    what = f"{usage.free / (1 << 30):.1f} GiB are free at {settings.DATA_DIR}."
    if usage.free < _LEAST_FREE or usage.free < usage.total * _LEAST_SHARE:
        return wrong("disk", f"Only {what}", "Free some space: without journals nothing is handed to a provider.")
    return fine("disk", what)


def _version(number: int, version: str) -> Check:
    if number >= _OLDEST_POSTGRES:
        return fine("database", f"PostgreSQL {version} answers.")
    return wrong("database version", f"PostgreSQL {version} is too old.", "Use 15 or newer; 18 is what is tested.")


def _durability(fsync: str, commit: str) -> Check:
    off = [name for name, value in (("fsync", fsync), ("synchronous_commit", commit)) if value == "off"]
    if not off:
        return fine("durability", "What the database has confirmed survives a power cut.")
    return worth_a_look(
        "durability",
        f"{' and '.join(off)} {'are' if len(off) > 1 else 'is'} off: after a crash some recipients could be mailed twice.",
        "Turn it on in the database's settings.",
    )


def _clock(skew: float) -> Check:
    if skew < _NOTED_SKEW:
        return fine("clock", "This machine and the database agree on the time.")
    make = wrong if skew > _WRONG_SKEW else worth_a_look
    return make("clock", f"The clocks here and at the database differ by {skew:.0f} s.", "Run NTP on both machines.")


def _trip(name: str, who: str, seconds: float) -> Check:
    what = f"A question to {who} takes {seconds * 1000:.1f} ms."
    if seconds < _LONG_TRIP:
        return fine(name, what)
    return worth_a_look(name, what, "Put it nearer: below 5 ms sending and the desk are as fast as they can be.")


def _round_trip(ask: Callable[[], object]) -> float:
    """The best of a few, in seconds: the first one may open the connection."""
    best = float("inf")
    for _ in range(_TRIPS):
        began = time.perf_counter()
        ask()
        best = min(best, time.perf_counter() - began)
    return best


def _used_queues() -> set[str]:
    routes = current_app.conf.task_routes or {}
    return {current_app.conf.task_default_queue, *(route["queue"] for route in routes.values())}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
