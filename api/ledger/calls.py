"""The rows of calls that carry an Idempotency-Key: claimed by the first of them, read by those that come after."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from api.ledger.faults import InDoubt, StillRunning
from api.ledger.models import AnsweredCall
from common.database import connection
from common.errors import Conflict
from common.secrets import seal, unseal

KEPT_FOR = timedelta(hours=24)
_LOOK = "Look whether it had its effect before you do it again, with a new key."


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


def claim(call: Call, *, until: datetime | None = None) -> int | None:
    """The id of this call's row, or None when an earlier call has it. Waits for a twin whose transaction has the row.

    `until`: when whoever works without a transaction will have come to its end, or is gone.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_answeredcall AS held (caller, key, fingerprint, headers, body, created_at, running_until)"
            " VALUES (%s, %s, %s, '{}', '', %s, %s)"
            " ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = NULL, headers = '{}',"
            " body = '', created_at = excluded.created_at, running_until = excluded.running_until"
            " WHERE held.created_at < %s RETURNING id",
            [call.caller, call.key, call.fingerprint, now, until, now - KEPT_FOR],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def earlier_answer(call: Call, *, look: str = _LOOK) -> Answer | None:
    """What the first call was answered; None when it has let go of the key since.

    Raises Conflict when the key was used for another call, StillRunning, and InDoubt with `look` for what to do next.
    """
    held = AnsweredCall.objects.filter(caller=call.caller, key=call.key).first()
    if held is None:
        return None
    if bytes(held.fingerprint) != call.fingerprint:
        raise Conflict(
            "This Idempotency-Key was used for another call.",
            field="Idempotency-Key",
            hint="Take a new key for each call, and the same one only to repeat it.",
        )
    if held.status is not None:
        return Answer(held.status, held.headers, unseal(held.body, settings.SECRET_KEY))
    if held.running_until is not None and timezone.now() < held.running_until:
        raise StillRunning(
            "The first call with this Idempotency-Key is not done yet.",
            field="Idempotency-Key",
            hint="Repeat it as it is, after the seconds that Retry-After says.",
        )
    raise InDoubt(
        "The first call with this Idempotency-Key broke off: whether it had its effect is not known.",
        field="Idempotency-Key",
        hint=look,
    )


def keep(row: int, answer: Answer) -> None:
    """It is what every repetition gets."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_answeredcall SET status = %s, headers = %s, body = %s WHERE id = %s",
            [answer.status, json.dumps(answer.headers), seal(answer.body, settings.SECRET_KEY), row],
        )


def let_go(row: int) -> None:
    """As if the call had never been made: the next one with its key is the first."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_answeredcall WHERE id = %s", [row])


def leave_in_doubt(row: int) -> None:
    """Nobody works on it any more, and there is no answer."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_answeredcall SET running_until = NULL WHERE id = %s", [row])
