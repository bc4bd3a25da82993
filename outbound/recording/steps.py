"""Recording one batch, as a list of statements: whoever runs them (plain, Django's or asynchronous) only executes."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

from psycopg import sql

from contacts.services.suppression_statements import by_address, by_contact, contact_parameters
from outbound.recording.hits import Hit
from outbound.recording.machines import by_people
from outbound.recording.statements import LOCKS, for_schema
from outbound.states import EventKind, RecipientState


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch. `transaction` is the id that pg_xact_status() knows it by."""

    recorded: int = 0
    repeated: int = 0  # told before: a second bounce, a second unsubscribe
    unknown: int = 0  # no such message or position, or its month was dropped
    suppressed: int = 0  # contacts that are suppressed now because of it, and may have been before
    transaction: str = ""


class Step(NamedTuple):
    """A statement to execute; its rows, where `rows` is set, are to be sent back into the generator."""

    statement: str | sql.Composed
    parameters: Any
    rows: bool = False


Steps = Generator[Step, list[tuple[Any, ...]], Recorded]


def recording(schema: str, hits: Sequence[Hit]) -> Steps:
    """All of it belongs into one transaction."""
    if not hits:
        return Recorded()
    yield _take_turns(schema, {hit.message_id for hit in hits})
    suppressed = yield from _apply(schema, hits)
    # Last, because it is the one that has to be waited for.
    ((known, fresh, transaction, *suspects),) = yield Step(for_schema(schema).add, _batch(hits), rows=True)
    if suspects[0]:
        yield Step(for_schema(schema).take_back, dict(zip(("messages", "positions"), suspects, strict=True)))
    return Recorded(fresh, known - fresh, len(hits) - known, suppressed, transaction)


def settling(schema: str, message_id: int) -> Steps:
    """What could not be applied when it happened, because the sender was still at work on that recipient."""
    yield _take_turns(schema, {message_id})
    rows: list[tuple[Any, ...]] = []
    for statement in (for_schema(schema).doubtful, for_schema(schema).later_news):
        rows += yield Step(statement, {"message": message_id}, rows=True)
    hits = [Hit(kind, message, position, at, detail=detail) for kind, message, position, at, detail in rows]
    if hits:
        yield from _apply(schema, hits)
    return Recorded(recorded=len(hits))


def _apply(schema: str, hits: Sequence[Hit]) -> Generator[Step, list[tuple[Any, ...]], int]:
    """Doubts, states and suppression. Returns how many contacts and addresses are meant by the last."""
    statements = for_schema(schema)
    yield Step(
        statements.settle_doubts,
        {
            "messages": _numbers(hit.message_id for hit in hits),
            "positions": _numbers(hit.position for hit in hits),
            "distinct": _distinct(hits),
        },
    )
    if moves := _moves(hits):
        yield Step(statements.move_states, moves)
    told = [hit for hit in hits if hit.kind in _SUPPRESSES]
    if not told:
        return 0
    owners = yield Step(
        statements.contacts,
        {
            "messages": _numbers(hit.message_id for hit in told),
            "positions": _numbers(hit.position for hit in told),
            "reasons": [_SUPPRESSES[hit.kind] for hit in told],
        },
        rows=True,
    )
    pairs = sorted({(contact, reason) for reason, contact, *_ in owners if contact})
    if pairs:
        yield Step(by_contact(schema), contact_parameters(pairs, origin=_origin(told)))
    nobodys = sorted({(reason, key, email) for reason, contact, email, key in owners if not contact and key})
    for reason in sorted({reason for reason, *_ in nobodys}):
        meant = [(email, key) for given, key, email in nobodys if given == reason]
        yield Step(by_address(schema), _address_parameters(meant, reason, _origin(told)))
    return len(pairs) + len(nobodys)


def _address_parameters(meant: Sequence[tuple[str, str]], reason: str, origin: str) -> dict[str, Any]:
    emails, keys = zip(*meant, strict=True)
    return {"emails": list(emails), "keys": list(keys), "reason": reason, "origin": origin, "note": ""}


# What an event makes of a recipient whose mail the provider took, and which events outrank which.
_MOVES: dict[int, RecipientState] = {
    EventKind.DELIVERY: RecipientState.DELIVERED,
    EventKind.BOUNCE_SOFT: RecipientState.BOUNCED_SOFT,
    EventKind.BLOCK: RecipientState.BOUNCED_SOFT,
    EventKind.BOUNCE_HARD: RecipientState.BOUNCED_HARD,
    EventKind.COMPLAINT: RecipientState.COMPLAINED,
}
_STRENGTH = {RecipientState.BOUNCED_HARD: 1, RecipientState.COMPLAINED: 2}
_SUPPRESSES: dict[int, str] = {
    EventKind.UNSUBSCRIBE: "unsubscribed",
    EventKind.BOUNCE_HARD: "hard_bounce",
    EventKind.COMPLAINT: "complaint",
}


def _take_turns(schema: str, messages: set[int]) -> Step:
    turns = sorted({message % LOCKS for message in messages})
    given = {"tenant": tenant_turn(schema), "turns": turns, "distinct": _numbers(messages)}
    return Step(for_schema(schema).take_turns, given)


def tenant_turn(schema: str) -> int:
    """The first number of the advisory locks that recorders of this tenant take; the second is message id % LOCKS."""
    return crc32(schema.encode()) - (1 << 31)


def _batch(hits: Sequence[Hit]) -> dict[str, Any]:
    """Numbers as array literals and texts by number: a third of the cost of adapting lists."""
    kinds, messages, positions, times, links, ips, agents, details = zip(*hits, strict=True)
    words = _Words()
    return {
        "kinds": _numbers(kinds),
        "messages": _numbers(messages),
        "positions": _numbers(positions),
        "ats": _numbers([at.timestamp() for at in times]),
        "links": _numbers(_or_null(links)),
        "ips": _numbers(_or_null(ips)),
        "agents": _numbers(words.numbers(agents)),
        "details": _numbers(words.numbers(details)),
        "words": words.known,
        "humans": _numbers(by_people(hits)),
        "distinct": _numbers(set(messages)),
    }


def _moves(hits: Sequence[Hit]) -> dict[str, Any] | None:
    """One move for each recipient: the strongest event of the batch, of equals the latest."""
    strongest: dict[tuple[int, int], tuple[tuple[int, float], int, Hit]] = {}
    for hit in hits:
        state = _MOVES.get(hit.kind)
        if state is None:
            continue
        key, rank = (hit.message_id, hit.position), (_STRENGTH.get(state, 0), hit.at.timestamp())
        if key not in strongest or strongest[key][0] <= rank:
            strongest[key] = (rank, int(state), hit)
    if not strongest:
        return None
    moves = list(strongest.values())
    words = _Words()
    return {
        "messages": _numbers(hit.message_id for _, _, hit in moves),
        "positions": _numbers(hit.position for _, _, hit in moves),
        "states": _numbers(state for _, state, _ in moves),
        "ats": _numbers(hit.at.timestamp() for _, _, hit in moves),
        "details": _numbers(words.numbers([hit.detail for _, _, hit in moves])),
        "words": words.known,
    }


class _Words:
    """Texts of a batch, each kept once and called by its number, from 1; no text is NULL."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers(self, texts: Sequence[str | None]) -> list[int | str]:
        known = self._numbers
        if not any(texts):
            return []
        return ["NULL" if text is None else known.setdefault(text, len(known) + 1) for text in texts]

    @property
    def known(self) -> list[str]:
        return list(self._numbers)


def _or_null(values: Sequence[object]) -> Sequence[object]:
    """An empty array is as good as one of NULLs: unnest fills it up."""
    if None not in values:
        return values
    return (
        ["NULL" if value is None else value for value in values] if any(value is not None for value in values) else []
    )


def _numbers(values: Iterable[object]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _distinct(hits: Sequence[Hit]) -> str:
    return _numbers({hit.message_id for hit in hits})


def _origin(hits: Sequence[Hit]) -> str:
    messages = sorted({hit.message_id for hit in hits})
    return f"message {messages[0]}" if len(messages) == 1 else f"messages {messages[0]} to {messages[-1]}"
