"""Writing down what tries ended with, as sets: the deliveries, those behind them, and how the endpoints stand."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from api.callbacks import schedule
from api.callbacks.claiming import Claimed
from api.callbacks.endpoints import pause_endpoint
from api.callbacks.listening import hold_deliveries
from api.callbacks.models import Delivery
from api.callbacks.sending import Outcome
from common.database import connection
from common.errors import NotFound

log = logging.getLogger(__name__)

# What stands behind a deferred one of its lane waits with it, which spares the search for what is due from meeting it
# each time; what stands behind a finished one is due.
_DELIVERIES = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(waits)s::float8[], %(statuses)s::smallint[],
        %(errors)s::text[], %(answers)s::text[], %(durations)s::int[])
        AS g(id, state, wait, status, error, answer, duration)
), moved AS (
    UPDATE callbacks_delivery d SET state = g.state, tries = d.tries + 1, lease_until = NULL, last_try_at = statement_timestamp(),
        due_at = statement_timestamp() + make_interval(secs => g.wait), last_status = g.status, last_error = g.error,
        answer = g.answer, duration_ms = g.duration
    FROM given g WHERE d.id = g.id AND d.state = 'waiting'
    RETURNING d.endpoint_id, d.message_id, d.lane, d.id, d.state, d.due_at
)
UPDATE callbacks_delivery d
SET due_at = CASE WHEN m.state = 'waiting' THEN greatest(d.due_at, m.due_at) ELSE least(d.due_at, statement_timestamp()) END
FROM moved m WHERE d.endpoint_id = m.endpoint_id AND d.message_id = m.message_id AND d.lane = m.lane
  AND d.state = 'waiting' AND d.id > m.id
"""
_STANDING = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(succeeded)s::bool[], %(failed)s::int[], %(errors)s::text[], %(asked)s::float8[])
        AS g(id, succeeded, failed, error, asked)
), counted AS (
    SELECT g.*, g.failed + CASE WHEN g.succeeded THEN 0 ELSE e.failures END AS failures
    FROM given g JOIN callbacks_endpoint e USING (id)
)
UPDATE callbacks_endpoint e SET
    failures = c.failures,
    failing_since = CASE WHEN c.failures = 0 THEN NULL
        ELSE coalesce(CASE WHEN NOT c.succeeded THEN e.failing_since END, statement_timestamp()) END,
    resting_until = nullif(greatest(
        CASE WHEN c.failures >= %(rests_after)s THEN statement_timestamp() + make_interval(secs => least(%(longest_rest)s,
            %(first_rest)s * 2 ^ least(c.failures - %(rests_after)s, 20))) END,
        CASE WHEN c.asked > 0 THEN statement_timestamp() + make_interval(secs => c.asked) END, '-infinity'), '-infinity'),
    last_success_at = CASE WHEN c.succeeded THEN statement_timestamp() ELSE e.last_success_at END,
    last_error = CASE WHEN c.error <> '' THEN c.error WHEN c.failures = 0 THEN '' ELSE e.last_error END,
    last_error_at = CASE WHEN c.error <> '' THEN statement_timestamp() ELSE e.last_error_at END
FROM counted c WHERE e.id = c.id
RETURNING e.id, e.last_error, e.state = 'active' AND e.failures >= %(most)s
    AND e.failing_since <= statement_timestamp() - make_interval(hours => %(hours)s)
"""


@dataclass(slots=True)
class _Standing:
    """What a batch says of one endpoint: `failed` counts those after its last success."""

    succeeded: bool = False
    failed: int = 0
    error: str = ""
    asked: float = 0.0
    gone: bool = False


def record(results: Sequence[tuple[Claimed, Outcome]]) -> None:
    """In the order in which they ended. An endpoint that is gone, or took nothing for a day, is paused."""
    if not results:
        return
    standings = _standings(results)
    with transaction.atomic(), connection.cursor() as cursor:
        hold_deliveries()
        cursor.execute(_DELIVERIES, _moves(results))
        cursor.execute(_STANDING, _standing_parameters(standings))
        tired = [(endpoint_id, error) for endpoint_id, error, is_tired in cursor.fetchall() if is_tired]
    for endpoint_id, standing in standings.items():
        if standing.gone:
            _pause(endpoint_id, "It answered 410: it does not want to be told any more.")
    for endpoint_id, error in tired:
        _pause(endpoint_id, f"Nothing was taken for {schedule.PAUSED_AFTER_HOURS} hours. {error}".strip())


def _moves(results: Sequence[tuple[Claimed, Outcome]]) -> dict[str, list[Any]]:
    waits = [0.0 if outcome.taken else _wait(claimed, outcome) for claimed, outcome in results]
    return {
        "ids": [claimed.delivery_id for claimed, _ in results],
        "states": [_state(outcome, wait) for (_, outcome), wait in zip(results, waits, strict=True)],
        "waits": [wait or 0.0 for wait in waits],
        "statuses": [outcome.status for _, outcome in results],
        "errors": [outcome.error for _, outcome in results],
        "answers": [outcome.answer for _, outcome in results],
        "durations": [outcome.duration_ms for _, outcome in results],
    }


def _wait(claimed: Claimed, outcome: Outcome) -> float | None:
    """What an endpoint that is gone did not take is kept for the day it is resumed."""
    tries = min(claimed.tries + 1, len(schedule.WAITS)) if outcome.gone else claimed.tries + 1
    return schedule.wait_after(tries, asked=outcome.asked)


def _state(outcome: Outcome, wait: float | None) -> str:
    if outcome.taken:
        return Delivery.State.DELIVERED
    return Delivery.State.GIVEN_UP if wait is None else Delivery.State.WAITING


def _standings(results: Sequence[tuple[Claimed, Outcome]]) -> dict[int, _Standing]:
    found: dict[int, _Standing] = {}
    for claimed, outcome in results:
        standing = found.setdefault(claimed.endpoint_id, _Standing())
        if outcome.taken:
            standing.succeeded, standing.failed, standing.error, standing.asked = True, 0, "", 0.0
        else:
            standing.failed += 1
            standing.error = outcome.error
            standing.asked = max(standing.asked, min(outcome.asked or 0.0, schedule.LONGEST_ASKED_REST))
            standing.gone = standing.gone or outcome.gone
    return found


def _standing_parameters(standings: dict[int, _Standing]) -> dict[str, Any]:
    return {
        "ids": list(standings),
        "succeeded": [one.succeeded for one in standings.values()],
        "failed": [one.failed for one in standings.values()],
        "errors": [one.error for one in standings.values()],
        "asked": [one.asked for one in standings.values()],
        "rests_after": schedule.RESTS_AFTER,
        "first_rest": schedule.FIRST_REST,
        "longest_rest": schedule.LONGEST_REST,
        "most": schedule.PAUSED_AFTER_FAILURES,
        "hours": schedule.PAUSED_AFTER_HOURS,
    }


def _pause(endpoint_id: int, reason: str) -> None:
    try:
        pause_endpoint(endpoint_id, reason=reason)
    except NotFound:  # it was deleted meanwhile
        return
    log.warning("a webhook endpoint was paused", extra={"endpoint": endpoint_id, "cause": reason})
