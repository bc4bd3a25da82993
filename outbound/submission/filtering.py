"""The SQL of a MessageFilter: which rows of outbound_submission are meant, and the order in which an index gives them."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import sql

from common.addresses import InvalidAddress, parse_address
from common.errors import InvalidInput
from outbound.partitions import first_of_month
from outbound.submission.details import MessageFilter
from outbound.submission.types import Door, SubmissionState


def newest(wanted: MessageFilter) -> sql.Composed:
    """Month and id of the first %(reach)s messages. In no order."""
    return _union(wanted, "SELECT s.month, s.message_id", f"ORDER BY {_order(wanted)} LIMIT %(reach)s")


def some(wanted: MessageFilter) -> sql.Composed:
    """A row for each message that is meant; for counting up to %(cap)s."""
    return _union(wanted, "SELECT 1", "LIMIT %(cap)s")


def values_of(wanted: MessageFilter) -> dict[str, Any]:
    """The parameters of both. Raises InvalidInput for what no message can have."""
    if wanted.door and wanted.door not in tuple(Door):
        raise InvalidInput("There is no such door.", field="door", hint=f"There are: {', '.join(Door)}.")
    return {
        "sender": _address(wanted.sender, "sender").lower(),
        "recipient": _address(wanted.recipient, "recipient", key=True),
        "created_from": wanted.created_from,
        "created_to": wanted.created_to,
        "first_month": _month(wanted.created_from),
        "last_month": _month(wanted.created_to),
        "campaign": _storable(wanted.campaign, "campaign"),
        "user": _storable(wanted.user, "user"),
        "door": wanted.door,
        "key_id": wanted.key_id,
    }


# Nobody touches a message when its time comes: until it is tried its row says "scheduled".
_OF_STATE = {
    SubmissionState.QUEUED: ("s.state = 'queued'", "s.state = 'scheduled' AND s.send_at <= now()"),
    SubmissionState.SCHEDULED: ("s.state = 'scheduled' AND s.send_at > now()",),
}
_CONDITIONS = {
    "sender": "lower(s.from_address) = %(sender)s",
    "recipient": "s.addresses @> ARRAY[%(recipient)s]::text[]",
    "created_from": "s.created_at >= %(created_from)s AND s.month >= %(first_month)s",
    "created_to": "s.created_at <= %(created_to)s AND s.month <= %(last_month)s",
    "campaign": "s.campaign_ref = %(campaign)s",
    "user": "s.user_ref = %(user)s",
    "door": "s.door = %(door)s",
    "key_id": "s.key_id = %(key_id)s",
}
_IN_HAND = "s.message_id IN (SELECT q.message_id FROM outbound_queue q WHERE q.batch_id IS NOT NULL)"


def _union(wanted: MessageFilter, head: str, tail: str) -> sql.Composed:
    parts = [
        sql.SQL("({} FROM outbound_submission s WHERE {} {})").format(sql.SQL(head), sql.SQL(branch), sql.SQL(tail))
        for branch in _branches(wanted)
    ]
    return sql.SQL(" UNION ALL ").join(parts)


def _order(wanted: MessageFilter) -> str:
    """Ids rise with time, so all of these are newest first; what differs is the index that gives them."""
    if wanted.created_to and wanted.created_to < datetime.now(UTC) - timedelta(hours=1):
        # In the order of no index: to walk one from today back to that time takes longer than to sort what is meant.
        return "s.message_id + 0 DESC"
    return "s.message_id DESC" if wanted.sender or _states(wanted) else "s.month DESC, s.message_id DESC"


def _branches(wanted: MessageFilter) -> list[str]:
    """One condition for each stored state, so that each is a step into the index of states; together they are the filter."""
    common = [text for name, text in _CONDITIONS.items() if getattr(wanted, name) not in ("", None)]
    if wanted.processing is not None:
        common.append(_IN_HAND if wanted.processing else f"NOT {_IN_HAND}")
    states = _states(wanted)
    if not states:
        return [" AND ".join(common) or "true"]
    stored = [text for state in states for text in _OF_STATE.get(state, (f"s.state = '{state}'",))]
    return [" AND ".join([text, *common]) for text in stored]


def _states(wanted: MessageFilter) -> list[SubmissionState]:
    named = {*wanted.states, wanted.state} - {""}
    try:
        return sorted(SubmissionState(name) for name in named)
    except ValueError:
        known = ", ".join(SubmissionState)
        raise InvalidInput("There is no such state.", field="state", hint=f"There are: {known}.") from None


def _month(moment: datetime | None) -> date | None:
    return first_of_month(moment.astimezone(UTC).date()) if moment else None


def _address(text: str, field: str, *, key: bool = False) -> str:
    """As it is stored; what is no address is nobody's."""
    try:
        address = parse_address(text)
    except InvalidAddress:
        return _storable(text, field).lower()
    return address.key if key else address.text


def _storable(text: str, field: str) -> str:
    if re.search("[\x00\ud800-\udfff]", text):
        raise InvalidInput("This holds NUL or half a character.", field=field)
    return text
