"""The rows of accepted messages: one statement for as many as there are."""

import json
from collections.abc import Generator, Sequence
from datetime import date
from typing import Any

from common.errors import LettershopError
from outbound.partitions import first_of_month
from outbound.recording.steps import Step
from outbound.submission.batches import Facts, Given
from outbound.submission.statements import Statements
from outbound.submission.types import Accepted, Mailbox

_TOGETHER = 4_000_000  # bytes of messages in one statement, and what the last of them has beyond that


def writing(
    sql: Statements, given: Sequence[Given], results: Sequence[Accepted | LettershopError], facts: Facts
) -> Generator[Step, list[tuple[Any, ...]], None]:
    """The rows of what was accepted. Large messages are not put together: a statement is held in memory, here and there."""
    when = {"month": first_of_month(facts.now.date()), "now": facts.now}
    rows: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    bytes_held = 0
    for one, accepted in zip(given, results, strict=True):
        if not isinstance(accepted, Accepted):
            continue
        rows.append(_values(one, facts, accepted))
        attached = one.checked.submission.attachments
        files += [
            _file_values(when["month"], accepted.message_id, number, file) for number, file in enumerate(attached)
        ]
        bytes_held += one.checked.size
        if bytes_held > _TOGETHER:
            yield Step(sql.store, {**when, "rows": json.dumps(rows, ensure_ascii=False)})
            rows, bytes_held = [], 0
    if rows:
        yield Step(sql.store, {**when, "rows": json.dumps(rows, ensure_ascii=False)})
    for file in files:
        yield Step(sql.attach, file)


def _values(one: Given, facts: Facts, accepted: Accepted) -> dict[str, Any]:
    checked, submission = one.checked, one.checked.submission
    sender = checked.sender or _default_sender(facts)
    reply_to = checked.reply_to
    if checked.sender is None and reply_to == "[]" and facts.reply_to:
        reply_to = json.dumps([[facts.reply_to, ""]])
    return {
        "id": accepted.message_id,
        "due": (accepted.send_at or facts.now).isoformat(),
        "send_at": accepted.send_at.isoformat() if accepted.send_at else None,
        "origin": f"single:{submission.door}",
        "door": str(submission.door),
        "state": str(accepted.state),
        "key": one.submitter.key_id,
        "user": submission.user,
        "campaign": submission.campaign,
        "from_address": sender.address,
        "from_name": sender.name,
        "reply_to": reply_to,
        "recipients": json.dumps([{"kind": to.kind, "email": to.email, "name": to.name} for to in checked.recipients]),
        "addresses": [to.key for to in checked.recipients],
        "emails": [to.email for to in checked.recipients],
        "subject": submission.subject,
        "html": submission.html,
        "text": submission.text,
        "headers": checked.headers,
        "metadata": checked.metadata,
        "priority": submission.priority,
        "tracked": facts.tracks,
        "size": checked.size,
    }


def _default_sender(facts: Facts) -> Mailbox:
    """The tenant's own sender, else news@ its first sending domain in its name."""
    if facts.sender_address:
        return Mailbox(facts.sender_address, facts.sender_name)
    return Mailbox(f"news@{facts.first_domain}", facts.tenant_name)


def _file_values(month: date, message_id: int, number: int, file: Any) -> dict[str, Any]:
    return {
        "month": month,
        "id": message_id,
        "number": number,
        "filename": file.filename,
        "content_type": file.content_type,
        "content_id": file.content_id,
        "size": len(file.content),
        "content": file.content,
    }
