"""One tenant's way to one provider account: its own connections, its own buffer."""

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from common.addresses import parse_address, wire_form
from outbound.engine.journal import Mark
from outbound.engine.outcomes import outcome_of, refuses_the_sender
from outbound.posting.allowance import Allowance
from outbound.posting.claiming import outcome
from outbound.posting.order import Order
from outbound.posting.refusals import Refusals, domain_of, words_about
from outbound.posting.types import Item, Outcome, Route
from outbound.smtp.pool import SmtpPool
from outbound.smtp.replies import reply_text
from outbound.smtp.types import Outgoing, Reply, SmtpAccount, SmtpDown
from outbound.states import RecipientState

LOW_WATER = 50  # recipients that wait: below it the lane is filled again
_QUEUED_AS = re.compile(r"queued as\s+<?([^\s>]+)", re.IGNORECASE)


class Owner(Protocol):
    """What a lane tells the tenant's desk; every call is short and does not wait."""

    def may_hand_over(self) -> bool:
        """Whether what happens now can still be recorded."""

    def book(self, item: Item, outcome: Outcome) -> None:
        """The item has its outcome."""

    def give_back(self, item: Item) -> None:
        """Nobody has the item: it goes back to the queue."""

    def runs_low(self) -> None:
        """The lane could do with more."""

    def not_for(self, lane: "Lane", item: Item, reply: Reply) -> None:
        """The account will not take the item's sender."""

    def refusals_changed(self, lane: "Lane") -> None:
        """The account refuses another sender's domain, or takes one again: see `lane.refusals`."""

    def doubtful(self, item: Item, reason: str) -> None:
        """Handed over, no answer."""

    def came_up(self, lane: "Lane") -> None:
        """The account works."""

    def went_down(self, lane: "Lane") -> None:
        """The account cannot be used: `lane.trouble` says why."""


class Lane:
    """The sender's side of `outbound.smtp.types.Pump`. Runs on the event loop, per message: no awaiting, no database."""

    def __init__(
        self,
        route: Route,
        account: SmtpAccount,
        owner: Owner,
        *,
        rate: Allowance | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.route = route
        self.pool = SmtpPool(account, self)
        self.rate = rate
        # None: no limit. A number: so many messages may be pulled until somebody adds permits.
        self.permits: float | None = None if rate is None else 0.0
        self.waiting = Order()
        self.trouble = ""
        self.refusals = Refusals(clock)
        self.proven = not route.down  # somebody else's word that it is down holds until it works here
        self.progress_at = clock()
        self._owner = owner
        self._clock = clock
        self._flight: dict[int, Item] = {}
        self._next_cookie = 0
        self._open = True

    @property
    def in_flight(self) -> int:
        return len(self._flight)

    @property
    def is_empty(self) -> bool:
        return not self._flight and not self.waiting

    @property
    def is_down(self) -> bool:
        """Nothing may be sent here now."""
        return bool(self.trouble) or not self.proven

    def add(self, items: list[Item]) -> None:
        for item in items:
            item.provider_id = self.route.provider_id
            self.waiting.add(item)
        self.pool.wake()

    def shut(self) -> list[Item]:
        """Pull nothing any more. Returns who waited here; those in flight still get their outcome."""
        self._open = False
        return self.waiting.take_all()

    # --- what the connections call

    def next_message(self) -> Outgoing | None:
        if not self._open or not self._owner.may_hand_over() or (self.permits is not None and self.permits < 1):
            return None
        while (item := self.waiting.pop()) is not None:
            if item.batch.lost or item.letter is None:
                self._owner.give_back(item)
                continue
            try:
                sender, body = item.letter.wire(item.position, item.email)
            except Exception as error:  # content that no test foresaw: this recipient fails, loudly, the others go on
                self._owner.book(item, outcome(item, RecipientState.FAILED, None, f"could not be built: {error}"))
                continue
            item.sender_domain = domain_of(sender)
            if (refused := self.refusals.answer(item.sender_domain)) is not None:
                self._owner.not_for(self, item, refused)
                continue
            if self.permits is not None:
                self.permits -= 1
            self.progress_at = self._clock()
            self._next_cookie += 1
            self._flight[self._next_cookie] = item
            if len(self.waiting) == LOW_WATER - 1:
                self._owner.runs_low()
            return _outgoing(self._next_cookie, sender, item.email, body, seven_bit=item.letter.seven_bit)
        return None

    def handed_over(self, cookie: int) -> None:
        item = self._flight[cookie]
        item.batch.marks[item.place] = Mark.HANDED_OVER

    def accepted(self, cookie: int, line: bytes) -> None:
        item = self._flight.pop(cookie)
        item.batch.marks[item.place] = Mark.TAKEN
        code, text = int(line[:3]), reply_text(line)
        found = _QUEUED_AS.search(text)
        reference = found[1] if found else ""
        self._owner.book(item, outcome(item, RecipientState.SENT, code, text or None, reference=reference))
        told = bool(self.refusals) and self.refusals.forget(item.sender_domain)
        if told or (self.route.trouble and self.route.trouble.startswith(words_about(item.sender_domain))):
            self._owner.refusals_changed(self)
        if self.trouble:
            self._works()

    def replied(self, cookie: int, reply: Reply) -> None:
        item = self._flight.pop(cookie)
        if refuses_the_sender(reply):
            self._refused(item, reply)
            return
        item.batch.marks[item.place] = Mark.DEFERRED if reply.code < 500 else Mark.REFUSED
        said = outcome_of(item.place, reply, attempt=item.attempt, started=item.since)
        self._owner.book(item, outcome(item, said.state, said.code, said.reason, next_at=said.next_at))

    def returned(self, cookie: int, reason: str) -> None:
        item = self._flight.pop(cookie)
        item.batch.marks[item.place] = Mark.UNTOUCHED
        if self.permits is not None:
            self.permits += 1
        if self._open and not self.trouble:
            self.waiting.add(item)
        else:
            self._owner.give_back(item)

    def in_doubt(self, cookie: int, reason: str) -> None:
        self._owner.doubtful(self._flight.pop(cookie), f"handed over, then no answer: {reason}")

    def provider_down(self, error: SmtpDown) -> None:
        first = not self.trouble
        self.trouble = str(error)
        self.proven = True
        if first:
            self._owner.went_down(self)

    def provider_up(self) -> None:
        self._works()

    # --- private

    def _works(self) -> None:
        was_down = bool(self.trouble) or not self.proven
        self.trouble, self.proven = "", True
        if was_down:
            self._owner.came_up(self)

    def _refused(self, item: Item, reply: Reply) -> None:
        item.batch.marks[item.place] = Mark.UNTOUCHED
        if self.refusals.add(item.sender_domain, reply):
            self._owner.refusals_changed(self)
        self._owner.not_for(self, item, reply)


def _outgoing(cookie: int, sender: bytes, address: str, body: bytes, *, seven_bit: bool) -> Outgoing:
    """The domain goes in its ASCII form; a local part beyond ASCII needs SMTPUTF8 (RFC 6531)."""
    if address.isascii():
        return Outgoing(cookie, sender, address.encode(), body, not seven_bit, seven_bit)
    parsed = parse_address(address)
    utf8 = parsed.needs_smtputf8 or not seven_bit
    return Outgoing(cookie, sender, wire_form(parsed).encode(), body, utf8, seven_bit)


def due_after(item: Item, reply: Reply) -> datetime | None:
    """When an item that nobody takes just now is tried again; None when its time has run out."""
    said = outcome_of(
        item.place, Reply(450, reply.enhanced, reply.text, reply.stage), attempt=item.attempt, started=item.since
    )
    return said.next_at
