"""Counting a batch of messages against the day's quotas: never one over, and what is refused is not counted."""

import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.errors import LettershopError
from outbound.recording.steps import Step
from tenants.services.quotas import ALONE, HOLD, NEAR, OF_ALL, SPEND, Quota, Scope, used_up
from tenants.services.settings import Settings

Asking = Generator[Step, list[tuple[Any, ...]], Any]
_ASK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Left:
    """The tightest quota of an accepted message after it."""

    limit: int
    left: int


def spending(
    day: date, wanted: Sequence[tuple[int, Sequence[Quota]]], settings: Settings
) -> Generator[Step, list[tuple[Any, ...]], tuple[dict[int, Left], dict[int, LettershopError]]]:
    """`wanted`: messages by number, each with the quotas it counts against. By number: what is left, and who is refused."""
    left: dict[int, Left] = {}
    refused: dict[int, LettershopError] = {}
    if not wanted:
        return left, refused
    for_all = yield from _left_for_all(day, settings.global_daily, len(wanted))
    rows = {quota.row: quota for _, quotas in wanted for quota in quotas}
    held = yield Step(HOLD, _columns(day, rows), rows=True)
    used = {(int(tenant), int(key)): int(amount) for tenant, key, amount in held}
    spent: Counter[tuple[int, int]] = Counter()
    for number, quotas in wanted:
        limited = [(quota, quota.limit) for quota in quotas if quota.limit is not None]
        over = next((quota for quota, limit in limited if used[quota.row] + spent[quota.row] >= limit), None)
        if over is not None:
            refused[number] = used_up(over.scope, over.limit or 0, day, user=over.user)
        elif for_all is not None and for_all <= 0:
            refused[number] = used_up(Scope.GLOBAL, settings.global_daily, day)
        else:
            for_all = None if for_all is None else for_all - 1
            spent.update(quota.row for quota in quotas)
            standing = [(limit - used[quota.row] - spent[quota.row], limit) for quota, limit in limited]
            if standing:
                least, limit = min(standing)
                left[number] = Left(limit, least)
    if spent:
        yield Step(SPEND, {**_columns(day, spent), "amounts": list(spent.values())})
    return left, refused


def _columns(day: date, rows: Any) -> dict[str, Any]:
    users = [rows[row].user if isinstance(rows[row], Quota) else "" for row in rows]
    return {"day": day, "tenants": [t for t, _ in rows], "keys": [k for _, k in rows], "users": users}


# What all tenants had used when it was last asked; far from the limit a second makes no difference.
_seen: dict[date, tuple[float, int]] = {}


def _left_for_all(day: date, limit: int, amount: int) -> Asking:
    """How many more messages all tenants together may send today; None: any number, or so many that it is sure."""
    if limit <= 0:
        return None
    at, used = _seen.get(day, (0.0, limit))
    if time.monotonic() - at > _ASK_AGAIN_SECONDS:
        used = yield from _used_by_all(day)
    if used + amount + NEAR < limit:
        return None
    yield Step(ALONE, None)
    used = yield from _used_by_all(day)
    return limit - used


def _used_by_all(day: date) -> Asking:
    ((used,),) = yield Step(OF_ALL, {"day": day}, rows=True)
    _seen.clear()
    _seen[day] = (time.monotonic(), int(used))
    return int(used)
