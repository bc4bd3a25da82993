"""What can be done with a submitted message afterwards. Each is one transaction, and part of the caller's if there is one."""

import json
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction

from common.database import connection
from common.errors import Conflict
from outbound.states import RecipientState
from outbound.submission import change_statements as sql
from outbound.submission.ids import UnknownMessage
from outbound.submission.standing import state_now
from outbound.submission.statements import WAKE
from outbound.submission.submitting import submit_message
from outbound.submission.types import Accepted, Attachment, Door, Mailbox, Submission, SubmissionState, Submitter

_RETRIABLE = (RecipientState.FAILED, RecipientState.BOUNCED_SOFT, RecipientState.SUPPRESSED)


class NotCancellable(Conflict):
    """The message, or a part of it, is on its way already, or there is an outcome."""

    code = "not_cancellable"


class NotRetriable(Conflict):
    """There is nobody among the recipients whom it could be sent to again."""

    code = "not_retriable"


def cancel_submission(message_id: int) -> None:
    """Never send it. Whoever of a sender and this comes first wins, and the other does nothing.

    Raises UnknownMessage, and NotCancellable as soon as anything of it is in a sender's hands or has an outcome.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        month = _hold(cursor, message_id)
        state = _state(cursor, month, message_id)
        cursor.execute(sql.CANCEL, {"id": message_id, "whole": True})
        allowed, _, in_hand = cursor.fetchone()
        if not allowed:
            raise NotCancellable(_why_not(state, in_hand), hint="Only a message that waits can be cancelled.")
        cursor.execute(sql.MARK_CANCELLED, {"id": message_id, "month": month})


def retry_submission(message_id: int, *, in_doubt: bool = False) -> None:
    """Send it again, to those of its recipients who did not get it: failed, refused at once but not because the address is
    dead, or suppressed then and not any more. With `in_doubt` also to those who may have got it.

    The deadline of their tries begins anew. Raises UnknownMessage, and NotRetriable where there is nobody.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        month = _hold(cursor, message_id)
        state = _state(cursor, month, message_id)
        cursor.execute(sql.RETRY, {"id": message_id, "month": month, "states": _states(in_doubt)})
        if cursor.fetchone()[0] == 0:
            raise NotRetriable(
                f"This message is {_said(state)}: nobody is left whom it could be sent to again.",
                hint="Only what failed can be tried again; anything can be sent anew.",
            )
        cursor.execute(WAKE, {"schema": connection.schema_name, "due": datetime.now(UTC)})


def retriable(message_id: int, *, in_doubt: bool = False) -> int:
    """How many recipients `retry_submission` would send it to again; none of a message that is unknown. One query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RETRIABLE, {"id": message_id, "states": _states(in_doubt)})
        return int(cursor.fetchone()[0])


def resend_submission(message_id: int, *, submitter: Submitter, door: Door | None = None) -> Accepted:
    """A new message with the same content to the same people, at once. Checked and counted like any other.

    `door`: through which it comes now; that of the first when left out. Raises UnknownMessage and what `submit_message`
    does.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.CONTENT, {"id": message_id})
        row = cursor.fetchone()
        if row is None:
            raise UnknownMessage
        cursor.execute(sql.FILES, {"id": message_id})
        files = [Attachment(name, bytes(content), kind, cid) for name, content, kind, cid in cursor.fetchall()]
    return submit_message(_submission(row, files, door), submitter=submitter)


def delete_submission(message_id: int) -> None:
    """Nobody sees it any more: content and attachments are removed, and who still waits for it never gets it.

    What became of its recipients stays for the counts. Raises UnknownMessage, and NotCancellable while a sender has it in
    hand: that takes seconds.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        month = _hold(cursor, message_id)
        state = _state(cursor, month, message_id)
        cursor.execute(sql.CANCEL, {"id": message_id, "whole": False})
        allowed, waiting, in_hand = cursor.fetchone()
        if not allowed:
            raise NotCancellable(_why_not(state, in_hand), hint="Try again in a minute.")
        if waiting:
            cursor.execute(sql.MARK_CANCELLED, {"id": message_id, "month": month})
        cursor.execute(sql.DELETE, {"id": message_id, "month": month})


def _states(in_doubt: bool) -> list[int]:
    return [int(state) for state in (*_RETRIABLE, *([RecipientState.IN_DOUBT] if in_doubt else []))]


def _hold(cursor: Any, message_id: int) -> date:
    if not 0 < message_id < 2**63:
        raise UnknownMessage
    cursor.execute(sql.HOLD, {"id": message_id})
    row = cursor.fetchone()
    if row is None:
        raise UnknownMessage
    month: date = row[0]
    return month


def _state(cursor: Any, month: date, message_id: int) -> SubmissionState:
    cursor.execute(sql.STATE, {"month": month, "id": message_id})
    row = cursor.fetchone()
    if row is None:
        raise UnknownMessage
    return state_now(*row)


def _why_not(state: SubmissionState, in_hand: int) -> str:
    if in_hand:
        return "This message is being sent just now."
    if state in (SubmissionState.SCHEDULED, SubmissionState.QUEUED, SubmissionState.DEFERRED):
        return "A part of this message was sent already."
    return f"This message is {_said(state)} already."


def _said(state: SubmissionState) -> str:
    return state.replace("_", " ")


def _submission(row: tuple[Any, ...], files: list[Attachment], door: Door | None) -> Submission:
    was, recipients, address, name, reply_to, subject, html, text, headers, metadata, priority, campaign, user = row
    people: dict[str, list[Mailbox]] = {"to": [], "cc": [], "bcc": []}
    for one in json.loads(recipients):
        people[one["kind"]].append(Mailbox(one["email"], one.get("name", "")))
    return Submission(
        door=door or Door(was),
        to=tuple(people["to"]),
        cc=tuple(people["cc"]),
        bcc=tuple(people["bcc"]),
        subject=subject,
        html=html,
        text=text,
        sender=Mailbox(address, name),
        reply_to=tuple(Mailbox(*one) for one in json.loads(reply_to)),
        headers=tuple((field, value) for field, value in json.loads(headers)),
        attachments=tuple(files),
        priority=priority,
        metadata=json.loads(metadata),
        campaign=campaign,
        user=user,
    )
