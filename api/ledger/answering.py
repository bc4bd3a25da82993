"""A call that carries an Idempotency-Key has one effect and one answer, however often it is made within 24 hours."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from api.ledger.calls import KEPT_FOR, Answer, Call, claim, earlier_answer, keep, leave_in_doubt, let_go
from common.database import connection

# Who may not now may later, and a fault of ours is no answer: the same call is then worked out anew.
_NOT_KEPT = (401, 403, 429)
_SWEEP_EVERY = 50
_SWEPT_AT_ONCE = 1_000
# Longer than kept, so that no answer goes away between being found and being read.
_SWEPT_AFTER = KEPT_FOR + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outside:
    """Work that no transaction can undo, as a mail that is sent. `at_most`: seconds after which nobody is at it any more;
    `look`: what a caller does when it broke off."""

    at_most: int
    look: str


def answered_once(call: Call, work_out: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer of this call, and whether it is that of an earlier one.

    The row comes first, in one transaction with the effects of `work_out`: a twin that comes meanwhile waits for the
    row, then gets the winner's answer, and a crash leaves neither. Answers 2xx and 4xx are kept, but for 401, 403 and
    429; with one that is not kept the effects are undone. What `work_out` raises undoes them too. Raises what
    `earlier_answer` raises.
    """
    with transaction.atomic():
        while (row := claim(call)) is None:
            if earlier := earlier_answer(call):
                return earlier, True
        answer = work_out()
        if answer.status in _NOT_KEPT or answer.status >= 500:
            transaction.set_rollback(True)
        else:
            keep(row, answer)
    _sweep_now_and_then(row)
    return answer, False


def answered_outside(
    call: Call, work_out: Callable[[], tuple[Answer, bool]], *, outside: Outside
) -> tuple[Answer, bool]:
    """As `answered_once`, for work that takes long and cannot be undone: no transaction is open meanwhile.

    The row is claimed, the work done, the answer kept, each by itself. `work_out` tells its answer and whether anything
    was begun that others can see. A refusal or a fault before that lets go of the key: the next call is the first. After
    that nothing is begun a second time: the answer is kept, whatever it is, but for a fault of ours, which leaves the
    call in doubt, as does a crash once `outside.at_most` seconds are over. Raises what `earlier_answer` raises; a twin
    that comes meanwhile does not wait.
    """
    until = timezone.now() + timedelta(seconds=outside.at_most)
    while (row := claim(call, until=until)) is None:
        if earlier := earlier_answer(call, look=outside.look):
            return earlier, True
    answer, is_begun = work_out()
    if answer.status < 400 or (is_begun and answer.status < 500):
        keep(row, answer)
    elif is_begun:
        leave_in_doubt(row)
    else:
        let_go(row)
    _sweep_now_and_then(row)
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


def _sweep_now_and_then(row: int) -> None:
    if row % _SWEEP_EVERY == 0:
        sweep()
