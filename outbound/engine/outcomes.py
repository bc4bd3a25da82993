"""From a provider's refusal to a recipient's outcome."""

from datetime import UTC, datetime

from deliverability.verdicts import verdict_of_reply
from outbound.engine.retrying import GIVE_UP_AFTER, next_try
from outbound.engine.types import Unusual
from outbound.smtp.types import Reply
from outbound.states import RecipientState

# Refusals at MAIL FROM that are about this recipient or this mail, not about the sender as a whole.
_ABOUT_THIS_MAIL = frozenset({"5.6.7", "5.3.4", "5.6.3"})


def refuses_the_sender(reply: Reply) -> bool:
    """The provider will not take anything from this sender: every other recipient would meet the same answer."""
    return reply.stage == "mail" and reply.code >= 500 and reply.enhanced not in _ABOUT_THIS_MAIL and reply.code != 552


def outcome_of(index: int, reply: Reply, *, attempt: int, started: datetime) -> Unusual:
    """The outcome for one recipient whose mail was answered 4xx or 5xx."""
    words = f"{reply.enhanced} {reply.text}".strip() or "refused without a reason"
    if reply.code < 500:
        due = next_try(attempt)
        if due - started <= GIVE_UP_AFTER:
            return Unusual(index, RecipientState.DEFERRED, reply.code, words, next_at=due)
        return Unusual(index, RecipientState.BOUNCED_SOFT, reply.code, f"given up after {attempt} tries: {words}")
    if reply.stage == "mail":
        return Unusual(index, RecipientState.FAILED, reply.code, words)
    verdict = verdict_of_reply(reply.code, reply.enhanced, reply.text, reply.stage)
    state = RecipientState.BOUNCED_HARD if verdict.kind == "hard" else RecipientState.BOUNCED_SOFT
    return Unusual(index, state, reply.code, words)


def utcnow() -> datetime:
    return datetime.now(UTC)
