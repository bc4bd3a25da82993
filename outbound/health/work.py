"""Work that waits, stands still or was stopped, in all tenants by one query each."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql

from common.database import connection
from outbound.health.check import Check, fine, worth_a_look, wrong
from outbound.posting.heartbeat import living_senders
from tenants.models import Tenant

_SHOWN = 5

_WAITING = """
SELECT count(*), coalesce(extract(epoch FROM max(now() - due_at)), 0)::int
FROM public.tenants_duework WHERE due_at < now() - interval '1 minute'
"""
_MAIL_WAITING = """
SELECT count(*), coalesce(extract(epoch FROM max(now() - due_at)), 0)::int
FROM public.tenants_waitingmail WHERE due_at < now() - interval '10 seconds'
"""
_LONGEST_WAIT = 300  # seconds
# Handed to nobody for two minutes, although a provider is not the reason.
_STUCK = """
SELECT {slug}, m.id, m.name, m.state FROM {message} m WHERE m.error = '' AND (
    m.state = 'planned' AND m.created_at < now() - interval '10 minutes'
    OR m.state IN ('sending', 'cancelled') AND EXISTS (SELECT 1 FROM {chunk} c WHERE c.message_id = m.id AND c.state = 'open')
       AND coalesce((SELECT max(c.lease_until) FROM {chunk} c WHERE c.message_id = m.id AND c.state = 'open'),
           m.started_at, m.created_at) < now() - interval '2 minutes')
"""
_PAUSED = "SELECT {slug}, m.id, m.name, m.error FROM {message} m WHERE m.state = 'paused'"
_FAILING = """
SELECT {slug}, p.name, p.last_error, to_char(p.last_error_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
FROM {provider} p WHERE p.is_active AND p.last_error <> ''
"""
_WITHOUT_PROVIDER = "SELECT {slug} WHERE NOT EXISTS (SELECT 1 FROM {provider} p WHERE p.is_active)"


def work_checks() -> list[Check]:
    """Due work, messages, senders, providers. The tables must be of this version."""
    return [_due_work(), _stuck(), _paused(), _senders(), _failing_providers(), _without_provider()]


def _due_work() -> Check:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        count, seconds = cursor.fetchone()
    if not count:
        return fine("due work", "Nothing waits longer than it should.")
    return wrong(
        "due work",
        f"Work is overdue: {count} entries, the oldest by {seconds} s. Nobody wakes it.",
        "See that beat runs (`manage.py serve`, or the beat service) and that a worker serves the queue default.",
    )


def _stuck() -> Check:
    rows = _of_all_tenants(_STUCK)
    if not rows:
        return fine("stuck messages", "No message stands still.")
    return wrong(
        "stuck messages",
        _named(f"{slug}: {name or 'message'} ({number}, {state})" for slug, number, name, state in rows),
        "Start workers for the queue campaigns; the leases of dead ones run out by themselves.",
    )


def _paused() -> Check:
    rows = _of_all_tenants(_PAUSED)
    refused = [(slug, number, name, why) for slug, number, name, why in rows if why]
    if refused:
        return wrong(
            "paused messages",
            _named(f"{slug}: {name or 'message'} ({number}): {why}" for slug, number, name, why in refused),
            "Do what the provider asks for, then resume it at the tenant's desk.",
        )
    if rows:
        return worth_a_look(
            "paused messages",
            _named(f"{slug}: {name or 'message'} ({number}), paused by a person" for slug, number, name, _ in rows),
            "Resume or cancel it at the tenant's desk.",
        )
    return fine("paused messages", "No message is paused.")


def _senders() -> Check:
    alive = living_senders()
    with connection.cursor() as cursor:
        cursor.execute(_MAIL_WAITING)
        count, seconds = cursor.fetchone()
    if not alive and count:
        return wrong(
            "senders",
            f"Single messages of {count} tenants are due, the oldest for {seconds} s, and no sender is known to be alive.",
            "Start one: `manage.py serve` does, the sender service does, or `manage.py queue start`.",
        )
    if count and seconds > _LONGEST_WAIT:
        return worth_a_look(
            "senders",
            f"Single messages of {count} tenants are due, the oldest for {seconds} s.",
            "`manage.py queue status` tells what waits and which provider accounts are down.",
        )
    if alive:
        return fine("senders", f"Alive: {len(alive)}. No single message waits longer than it should.")
    return worth_a_look(
        "senders",
        "No sender of single messages is known to be alive; none waits.",
        "Start one: `manage.py serve` does, the sender service does, or `manage.py queue start`.",
    )


def _failing_providers() -> Check:
    rows = _of_all_tenants(_FAILING)
    if not rows:
        return fine("providers", "No provider account failed when it was last used.")
    told = (f"{slug}: {name}: {error} ({at} UTC)" for slug, name, error, at in rows)
    return wrong("providers", _named(told), "Check host, port, TLS and log-in of the account; sending tries it again.")


def _without_provider() -> Check:
    rows = _of_all_tenants(_WITHOUT_PROVIDER)
    if not rows:
        return fine("routes", "Every tenant has a provider account.")
    return worth_a_look(
        "routes",
        f"Without a provider account: {_named(slug for (slug,) in rows)}",
        "Add one with `manage.py create_provider --tenant …`.",
    )


def _of_all_tenants(statement: str) -> Sequence[tuple[Any, ...]]:
    tenants = Tenant.objects.filter(is_active=True).exclude(schema_name="public").values_list("slug", "schema_name")
    parts = [
        sql.SQL(statement).format(
            slug=sql.Literal(slug),
            message=sql.Identifier(schema, "outbound_message"),
            chunk=sql.Identifier(schema, "outbound_chunk"),
            provider=sql.Identifier(schema, "outbound_provideraccount"),
        )
        for slug, schema in tenants
    ]
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _named(words: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    found = list(words)
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more + "."
