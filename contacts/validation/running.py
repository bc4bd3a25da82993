"""A run over many contacts: batch by batch in the order of ids, with the run's row as the bookmark.

The bookmark moves in the same transaction as each batch: whoever goes on after a crash begins behind the last batch that
was written. Where the DNS gave no answer, it is asked again in later rounds.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from common.addresses import InvalidAddress, parse_address
from common.database import connection
from common.errors import Conflict, Unavailable
from contacts.models import ValidationReason, ValidationRun, ValidationState
from contacts.targeting import refresh_later
from contacts.validation.bulk import TASK
from contacts.validation.counting import fold_counts
from contacts.validation.domain_memory import look_up_domains
from contacts.validation.judging import Verdict, judge
from contacts.validation.mail_domains import MailDomain, dns_answers
from contacts.validation.statements import ADVANCE, NAMED, NEXT, PENDING, RECORD, TAGS, UNANSWERED
from tenants.scope import current_tenant
from tenants.services.due import done_with, postpone

BATCH = 2_000
# When the DNS is asked again where it gave no answer: after each round. Then the contacts stay pending.
ASK_AGAIN = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
_DNS_AWAY = timedelta(minutes=1)
# While a run is worked on, the tick need not try; after a crash it goes on no later than this.
_LOOK_AGAIN = timedelta(seconds=30)
_State = ValidationRun.State


@dataclass(frozen=True, slots=True)
class _Row:
    contact_id: int
    email: str
    key: str


def run_validation(run_id: int, *, seconds: float) -> bool:
    """Go on with a run for about `seconds`. True when there is more to do right now.

    What is to be done later is noted for the tick. Raises Conflict while another worker is at it.
    """
    with _only_here(run_id):
        run = ValidationRun.objects.filter(pk=run_id).exclude(state=_State.FINISHED).first()
        if run is None:
            done_with(task=TASK, reference=run_id)
            return False
        if run.again_at and run.again_at > timezone.now():
            postpone(task=TASK, reference=run_id, due_at=run.again_at)
            return False
        postpone(task=TASK, reference=run_id, due_at=timezone.now() + timedelta(seconds=seconds) + _LOOK_AGAIN)
        return _work(run, time.monotonic() + seconds)


def _work(run: ValidationRun, until: float) -> bool:
    try:
        while _do_batch(run):
            if time.monotonic() > until:
                fold_counts()
                return True
    except Unavailable as error:
        _wait_for_dns(run, str(error))
        return False
    fold_counts()
    _end_round(run)
    return False


def _do_batch(run: ValidationRun) -> bool:
    """False when this round is at its end."""
    rows = _next_rows(run)
    if not rows:
        return False
    verdicts = _judge_all(rows)
    with transaction.atomic():
        counts = _record(run, rows, verdicts)
        _advance(run, rows[-1].contact_id, counts)
    run.refresh_from_db()
    return True


def _next_rows(run: ValidationRun) -> list[_Row]:
    left = BATCH if run.round or run.most is None else min(BATCH, run.most - run.checked)
    if left <= 0:
        return []
    which = UNANSWERED if run.round else PENDING if run.of_all else ""
    if not run.of_all:
        which += NAMED
    given: dict[str, Any] = {"position": run.position, "last": run.last_id, "ids": run.contact_ids, "most": left}
    with connection.cursor() as cursor:
        cursor.execute(NEXT.format(which=which), given)
        return [_Row(*row) for row in cursor.fetchall()]


def _judge_all(rows: list[_Row]) -> list[Verdict]:
    """Raises Unavailable when nobody answers, so that not everybody becomes unanswered because of a cut cable."""
    domains = look_up_domains({row.key.rpartition("@")[2] for row in rows})
    if all(mail is MailDomain.UNANSWERED for mail in domains.values()) and not dns_answers():
        raise Unavailable("The DNS does not answer.")
    return [_judge(row, domains) for row in rows]


def _judge(row: _Row, domains: dict[str, MailDomain]) -> Verdict:
    try:
        address = parse_address(row.email)
    except InvalidAddress:
        return Verdict(ValidationState.INVALID, ValidationReason.SYNTAX)
    return judge(address, domains[row.key.rpartition("@")[2]])


def _record(run: ValidationRun, rows: list[_Row], verdicts: list[Verdict]) -> dict[str, int]:
    given: dict[str, Any] = {
        "ids": [row.contact_id for row in rows],
        "keys": [row.key for row in rows],
        "states": [verdict.state.value for verdict in verdicts],
        "reasons": [verdict.reason.value if verdict.reason else "" for verdict in verdicts],
        "tag": run.tag_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD.format(tags=TAGS if run.tag_id else ""), given)
        found = dict(cursor.fetchall())
    return {state.value: found.get(state.value, 0) for state in ValidationState}


def _advance(run: ValidationRun, to: int, counts: dict[str, int]) -> None:
    """Those that are asked for again were counted as checked in the first round."""
    numbers = {"run": run.pk, "from": run.position, "round": run.round, "to": to}
    checked = 0 if run.round else sum(counts.values())
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, {**counts, **numbers, "checked": checked})
        if not cursor.rowcount:
            raise Conflict("Another worker goes on with this run.")


def _end_round(run: ValidationRun) -> None:
    """Finished, or waiting for the next round. A first round that had a limit ends where it stopped."""
    unanswered = run.unanswered if run.position else 0
    if run.tag_id:
        refresh_later()
    with transaction.atomic():
        mine = ValidationRun.objects.filter(pk=run.pk, position=run.position, round=run.round)
        if unanswered and run.round < len(ASK_AGAIN):
            last = run.position if run.most is not None and not run.round else run.last_id
            again_at = timezone.now() + ASK_AGAIN[run.round]
            mine.update(state=_State.RETRYING, round=run.round + 1, position=0, last_id=last, again_at=again_at)
            postpone(task=TASK, reference=run.pk, due_at=again_at)
        else:
            ended: dict[str, Any] = {"finished_at": timezone.now(), "again_at": None, "error": ""}
            mine.update(state=_State.FINISHED, unanswered=unanswered, **ended)
            done_with(task=TASK, reference=run.pk)


def _wait_for_dns(run: ValidationRun, why: str) -> None:
    with transaction.atomic():
        ValidationRun.objects.filter(pk=run.pk).update(error=why)
        postpone(task=TASK, reference=run.pk, due_at=timezone.now() + _DNS_AWAY)


@contextmanager
def _only_here(run_id: int) -> Iterator[None]:
    """Nobody else works on this run: a lock of the database session, gone with it when we are killed."""
    name = f"validation {current_tenant().schema_name} {run_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict("Another worker goes on with this run.")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        except DatabaseError:
            connection.close()
