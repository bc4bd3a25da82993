"""A call that carries an Idempotency-Key has one effect and one answer, however often it is made within 24 hours."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from api.ledger.models import AnsweredCall
from common.database import connection
from common.errors import Conflict
from common.secrets import seal, unseal

KEPT_FOR = timedelta(hours=24)

# Who may not now may later, and a fault of ours is no answer: the same call is then worked out anew.
_NOT_KEPT = (401, 403, 429)
_SWEEP_EVERY = 50
_SWEPT_AT_ONCE = 1_000
# Longer than kept, so that no answer goes away between being found and being read.
_SWEPT_AFTER = KEPT_FOR + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the entered tenant: whose it is, its Idempotency-Key, and 32 bytes that tell it from any other."""

    caller: str
    key: str
    fingerprint: bytes


def answered_once(call: Call, work_out: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer of this call, and whether it is that of an earlier one.

    The row comes first, in one transaction with the effects of `work_out`: a twin that comes meanwhile waits for the
    row, then gets the winner's answer, and a crash leaves neither. Answers 2xx and 4xx are kept, but for 401, 403 and
    429; with one that is not kept the effects are undone. What `work_out` raises undoes them too. Raises Conflict when
    the key was used for another call.
    """
    with transaction.atomic():
        row = _claim(call)
        if row is None:
            return _earlier_answer(call), True
        answer = work_out()
        if answer.status in _NOT_KEPT or answer.status >= 500:
            transaction.set_rollback(True)
        else:
            _keep(row, answer)
    if row % _SWEEP_EVERY == 0:
        sweep()
    return answer, False


def sweep() -> int:
    """Remove answers that are kept no longer, up to 1,000 of them: more than come in between two sweeps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_answeredcall WHERE id IN ("
            " SELECT id FROM ledger_answeredcall WHERE created_at < %s ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)",
            [timezone.now() - _SWEPT_AFTER, _SWEPT_AT_ONCE],
        )
        return int(cursor.rowcount)


def _claim(call: Call) -> int | None:
    """The id of this call's row, or None when an earlier call has it. Waits while a twin is being worked out."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_answeredcall AS held (caller, key, fingerprint, headers, body, created_at)"
            " VALUES (%s, %s, %s, '{}', '', %s)"
            " ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = NULL,"
            " headers = '{}', body = '', created_at = excluded.created_at WHERE held.created_at < %s"
            " RETURNING id",
            [call.caller, call.key, call.fingerprint, now, now - KEPT_FOR],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _earlier_answer(call: Call) -> Answer:
    held = AnsweredCall.objects.get(caller=call.caller, key=call.key)
    if bytes(held.fingerprint) != call.fingerprint:
        raise Conflict(
            "This Idempotency-Key was used for another call.",
            field="Idempotency-Key",
            hint="Take a new key for each call, and the same one only to repeat it.",
        )
    return Answer(int(held.status or 0), held.headers, unseal(held.body, settings.SECRET_KEY))


def _keep(row: int, answer: Answer) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_answeredcall SET status = %s, headers = %s, body = %s WHERE id = %s",
            [answer.status, json.dumps(answer.headers), seal(answer.body, settings.SECRET_KEY), row],
        )
