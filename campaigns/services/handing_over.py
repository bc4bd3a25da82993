"""A handful of mails to a provider, while somebody waits for the answer: no queue, no second try."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from outbound.models import ProviderAccount
from outbound.services.working import smtp_account
from outbound.smtp.pool import SmtpPool
from outbound.smtp.replies import reply_text
from outbound.smtp.types import Outgoing, Reply, SmtpAccount, SmtpDown, Timeouts

# A person waits: a server that needs longer is as good as down.
_PATIENCE = Timeouts(connect=5, greeting=10, command=10, body=20)
LONGEST_WAIT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail. `code` is the provider's, or None where it did not answer."""

    result: str  # sent, refused, deferred, failed, in_doubt
    code: int | None = None
    reason: str = ""


def patient_account(provider: ProviderAccount) -> SmtpAccount:
    """The provider as `hand_over` wants it. Raises Refused and InvalidInput."""
    return replace(smtp_account(provider), timeouts=_PATIENCE, connections=1)


def hand_over(account: SmtpAccount, mails: Sequence[Outgoing]) -> dict[int, Outcome]:
    """Send each mail once; returns within half a minute, with an outcome for every cookie."""
    return asyncio.run(_send(account, mails)) if mails else {}


async def _send(account: SmtpAccount, mails: Sequence[Outgoing]) -> dict[int, Outcome]:
    pump = _Handful(mails)
    pool = SmtpPool(account, pump)
    await pool.start()
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            await pump.over.wait()
    except TimeoutError:
        pump.give_up("The provider did not answer in time.")
    await pool.drain(1.0)
    return pump.outcomes


class _Handful:
    """outbound.smtp.types.Pump: what is returned or cannot be handed over has failed."""

    def __init__(self, mails: Sequence[Outgoing]) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.over = asyncio.Event()
        self._waiting = list(reversed(mails))
        self._expected = len(mails)

    def next_message(self) -> Outgoing | None:
        return self._waiting.pop() if self._waiting else None

    def handed_over(self, cookie: int) -> None:
        """Nothing to note: a lost answer comes as `in_doubt`."""

    def accepted(self, cookie: int, line: bytes) -> None:
        self._end(cookie, Outcome("sent", 250, reply_text(line)))

    def replied(self, cookie: int, reply: Reply) -> None:
        reason = f"{reply.enhanced} {reply.text}".strip()
        self._end(cookie, Outcome("refused" if reply.code >= 500 else "deferred", reply.code, reason))

    def returned(self, cookie: int, reason: str) -> None:
        self._end(cookie, Outcome("failed", reason=reason))

    def in_doubt(self, cookie: int, reason: str) -> None:
        self._end(cookie, Outcome("in_doubt", reason=reason))

    def provider_down(self, error: SmtpDown) -> None:
        self.give_up(str(error))

    def provider_up(self) -> None:
        """There is nothing to go on with that `next_message` does not give."""

    def give_up(self, reason: str) -> None:
        """What was not taken yet is not sent any more; what is under way still gets its end."""
        while self._waiting:
            self._end(self._waiting.pop().cookie, Outcome("failed", reason=reason))

    def _end(self, cookie: int, outcome: Outcome) -> None:
        self.outcomes.setdefault(cookie, outcome)
        if len(self.outcomes) == self._expected:
            self.over.set()
