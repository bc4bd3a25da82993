"""What is looked at. Each probe really tries what it tells about, on a connection of its own."""

import logging
import os
import shutil
import tempfile
from typing import Any

import psycopg
import redis
from celery import current_app
from django.conf import settings
from psycopg import sql

from api.health.report import PROBE_SECONDS, Finding
from common.database import conninfo
from common.errors import LettershopError
from common.secrets import unseal
from outbound.health.configuration import configuration_checks

log = logging.getLogger(__name__)

_LEAST_FREE = 64 << 20  # bytes: a journal is a few megabytes
_OVERDUE = "SELECT count(*) FROM public.tenants_duework WHERE due_at < now() - interval '1 minute'"
_SCHEMAS = """
SELECT schema_name FROM public.tenants_tenant WHERE is_active AND schema_name NOT IN ('public', %s) ORDER BY id LIMIT 1000
"""


def database() -> Finding:
    """A row is read."""
    try:
        with connection() as opened:
            opened.execute("SELECT 1 FROM public.tenants_tenant LIMIT 1").fetchone()
    except psycopg.Error:
        return Finding("unhealthy", "The database does not answer")
    return Finding("healthy", "The database answers")


def redis_server() -> Finding:
    """What holds limits and caches answers."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return Finding("unhealthy", "Redis does not answer")
    finally:
        client.close()
    return Finding("healthy", "Redis answers")


def broker() -> Finding:
    """Tasks can be put into the queue, and it can be read."""
    if queue_depths() is None:
        return Finding("unhealthy", "The queue cannot be reached")
    return Finding("healthy", "Queue system operational")


def queue() -> Finding:
    """The broker answers, and what is due is started."""
    reached = broker()
    if reached.status != "healthy":
        return reached
    try:
        with connection() as opened:
            row = opened.execute(_OVERDUE).fetchone()
    except psycopg.Error:
        return Finding("unhealthy", "The list of due work cannot be read")
    if row and row[0]:
        return Finding("unhealthy", "Work is overdue: nobody starts it")
    return reached


def configuration() -> Finding:
    """The environment can be worked with; what is only unsafe is a warning."""
    wrong = [check.name for check in configuration_checks() if not check.ok and not check.warning]
    if "public address" in wrong:
        return Finding("unhealthy", "The public address is none")
    if wrong:
        return Finding("warning", "The configuration is not safe; `manage.py doctor` says why")
    return Finding("healthy", "Configuration loaded")


def smtp_configuration() -> Finding:
    """A provider account is there, and its password can be read."""
    try:
        with connection() as opened:
            sealed = _a_sealed_password(opened)
    except psycopg.Error:
        return Finding("unhealthy", "The provider accounts cannot be read")
    if sealed is None:
        return Finding("warning", "No provider account yet: nothing can be sent")
    try:
        unseal(sealed, settings.SECRET_KEY)
    except LettershopError:
        return Finding("unhealthy", "A provider's password cannot be decrypted")
    return Finding("healthy", "SMTP configuration present")


def log_output() -> Finding:
    """What is logged goes somewhere."""
    for handler in logging.getLogger().handlers:
        stream = getattr(handler, "stream", None)
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            return Finding("unhealthy", "The log cannot be written")
    return Finding("healthy", "Log writable")


def queue_storage() -> Finding:
    """A file can be written where journals of what is in flight lie, and there is room."""
    folder = settings.ENGINE_JOURNAL_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"health\n")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError:
        return Finding("unhealthy", "The disk cannot be written")
    if free < _LEAST_FREE:
        return Finding("unhealthy", "The disk is full")
    return Finding("healthy", "Queue storage writable")


def queue_depths() -> dict[str, int] | None:
    """Tasks that wait in each queue. None: the broker is away."""
    depths: dict[str, int] = {}
    try:
        with current_app.connection_for_read(connect_timeout=PROBE_SECONDS) as link:
            link.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=int(PROBE_SECONDS))
            channel: Any = link.default_channel
            for name in queue_names():
                try:
                    depths[name] = int(channel.queue_declare(queue=name, passive=True).message_count)
                except link.channel_errors:
                    # A queue in which nothing waits is not there.
                    depths[name] = 0
                    channel = link.channel()
    except Exception as error:
        # Every transport has errors of its own.
        log.warning("the broker cannot be read", extra={"cause": str(error)})
        return None
    return depths


def queue_names() -> list[str]:
    """Those that tasks are put into."""
    routes = current_app.conf.task_routes or {}
    return sorted({current_app.conf.task_default_queue, *(route["queue"] for route in routes.values())})


def connection() -> "psycopg.Connection[tuple]":
    """One that gives up in two seconds. Raises psycopg.Error."""
    return psycopg.connect(
        conninfo(),
        autocommit=True,
        connect_timeout=int(PROBE_SECONDS),
        application_name="lettershop health",
        options=f"-c statement_timeout={int(PROBE_SECONDS * 1000)}",
    )


def _a_sealed_password(opened: "psycopg.Connection[tuple]") -> str | None:
    """Of the first active provider account of any tenant; None when no tenant has one."""
    for (schema,) in opened.execute(_SCHEMAS, [settings.TENANT_TEMPLATE_SCHEMA]).fetchall():
        table = sql.Identifier(schema, "outbound_provideraccount")
        statement = sql.SQL("SELECT sealed_password FROM {} WHERE is_active ORDER BY id LIMIT 1").format(table)
        if (row := opened.execute(statement).fetchone()) is not None:
            return str(row[0])
    return None
