"""What waits to be sent, what is in hand and what became of single messages: for the command line and the doctor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from common.database import connection
from outbound.states import RecipientState
from outbound.submission.ids import public_id
from tenants.models import Tenant

_WAITING = """
SELECT {slug}, q.priority, count(*), count(*) FILTER (WHERE q.batch_id IS NULL AND q.due_at <= now()),
    count(*) FILTER (WHERE q.batch_id IS NULL AND q.due_at > now()), count(*) FILTER (WHERE q.batch_id IS NOT NULL),
    min(q.since), min(q.due_at) FILTER (WHERE q.batch_id IS NULL)
FROM {queue} q GROUP BY q.priority
"""
_BATCHES = """
SELECT {slug}, b.id, b.owner, coalesce(p.name, ''), b.size, (SELECT count(*) FROM {queue} q WHERE q.batch_id = b.id), b.lease_until,
    b.lease_until < now()
FROM {batch} b LEFT JOIN {provider} p ON p.id = b.provider_id
"""
_DOWN = (
    "SELECT {slug}, p.name, p.down_since, p.last_error FROM {provider} p WHERE p.is_active AND p.down_since IS NOT NULL"
)
# By the submissions, which have an index by time; deferred ones are not processed yet.
_LATEST = """
SELECT {slug}, {tenant}, r.at, r.message_id, r.state, s.recipients -> r.position ->> 'email', r.code, r.reason, r.attempts
FROM (
    (SELECT month, message_id, recipients FROM {submission} WHERE processed_at IS NOT NULL ORDER BY processed_at DESC LIMIT {most})
    UNION ALL
    (SELECT month, message_id, recipients FROM {submission} WHERE state = 'deferred' ORDER BY message_id DESC LIMIT {most})
) s JOIN {recipient} r ON r.month = s.month AND r.message_id = s.message_id
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Recipients of one tenant and priority that have no outcome: due, for later, or in a sender's hands."""

    tenant: str
    priority: int
    waiting: int
    due: int
    scheduled: int
    in_hand: int
    oldest: datetime
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class InHand:
    """A batch that a sender has, or had. `open`: recipients without an outcome."""

    tenant: str
    batch: int
    owner: str
    provider: str
    size: int
    open: int
    lease_until: datetime
    expired: bool


@dataclass(frozen=True, slots=True)
class Down:
    tenant: str
    provider: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it, by tenant."""

    waiting: tuple[Waiting, ...]
    batches: tuple[InHand, ...]
    down: tuple[Down, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient's latest outcome. `message` is the public id."""

    at: datetime
    tenant: str
    message: str
    state: str
    email: str
    code: int | None
    reason: str
    attempts: int


def standing(tenants: Iterable[Tenant]) -> Standing:
    """Three queries, however many tenants."""
    given = list(tenants)
    return Standing(
        tuple(sorted((Waiting(*row) for row in _ask(_WAITING, given)), key=lambda one: (one.tenant, one.priority))),
        tuple(sorted((InHand(*row) for row in _ask(_BATCHES, given)), key=lambda one: (one.tenant, one.batch))),
        tuple(sorted((Down(*row) for row in _ask(_DOWN, given)), key=lambda one: (one.tenant, one.provider))),
    )


def latest(tenants: Iterable[Tenant], most: int) -> list[Line]:
    """The last outcomes, newest last."""
    rows = sorted(_ask(_LATEST, list(tenants), most=most), key=lambda row: (row[2], row[3]))[-most:]
    return [
        Line(at, slug, public_id(tenant, message), RecipientState(state).label, email, code, reason or "", attempts)
        for slug, tenant, at, message, state, email, code, reason, attempts in rows
    ]


def _ask(statement: str, tenants: Sequence[Tenant], **numbers: int) -> list[tuple[Any, ...]]:
    parts = [
        sql.SQL(statement).format(
            slug=sql.Literal(tenant.slug),
            tenant=sql.Literal(tenant.pk),
            **{
                word: sql.Identifier(tenant.schema_name, f"outbound_{table}")
                for word, table in (
                    ("queue", "queue"),
                    ("batch", "batch"),
                    ("provider", "provideraccount"),
                    ("submission", "submission"),
                    ("recipient", "recipient"),
                )
            },
            **{name: sql.Literal(number) for name, number in numbers.items()},
        )
        for tenant in tenants
    ]
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
