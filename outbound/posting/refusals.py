"""Senders' domains that one account refuses at MAIL FROM: each rests by itself, the account's other mail goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from outbound.smtp.types import Reply

_UNTIL_IT_RESTS = 3
_FIRST_REST, _LONGEST_REST = 5.0, 300.0


@dataclass(slots=True)
class _Refused:
    reply: Reply
    count: int = 0
    rest: float = _FIRST_REST
    until: float = 0.0


class Refusals:
    """Counted by the domain of the envelope sender. After a few in a row the domain rests, every time longer; then its
    mail is offered again, and the next refusal is enough."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._domains: dict[str, _Refused] = {}

    def __bool__(self) -> bool:
        return bool(self._domains)

    @property
    def words(self) -> str:
        """What people are told of the domains that are refused; empty when none is."""
        for domain, refused in self._domains.items():
            if refused.count >= _UNTIL_IT_RESTS:
                said = f"{refused.reply.code} {refused.reply.enhanced} {refused.reply.text}".strip()
                return f"{words_about(domain)} {said}"
        return ""

    def add(self, domain: str, reply: Reply) -> bool:
        """The account has refused the domain. Whether its rest begins now."""
        refused = self._domains.setdefault(domain, _Refused(reply))
        refused.reply = reply
        refused.count += 1
        if refused.count < _UNTIL_IT_RESTS or self._clock() < refused.until:
            return False
        refused.until = self._clock() + refused.rest
        refused.rest = min(_LONGEST_REST, refused.rest * 2)
        return True

    def forget(self, domain: str) -> bool:
        """The account has taken mail of the domain. Whether people had been told otherwise."""
        refused = self._domains.pop(domain, None)
        return refused is not None and refused.count >= _UNTIL_IT_RESTS

    def answer(self, domain: str) -> Reply | None:
        """What mail of the domain would be told now; None when it may be offered."""
        refused = self._domains.get(domain)
        return refused.reply if refused is not None and self._clock() < refused.until else None

    def seconds_left(self, domain: str) -> float:
        """How long the domain rests yet."""
        refused = self._domains.get(domain)
        return max(0.0, refused.until - self._clock()) if refused is not None else 0.0


def domain_of(sender: bytes) -> str:
    """Of an envelope sender."""
    return sender.rpartition(b"@")[2].decode("ascii", "replace").lower()


def words_about(domain: str) -> str:
    """How the sentence about a refused domain begins."""
    return f"The provider refuses the sender {domain}:"
