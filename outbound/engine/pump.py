"""Between the leases and the connections: builds a message when a connection asks for one, books what became of it.

Everything here runs on the event loop, per message, and is the hot path: no awaiting, no logging, no database.
"""

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import formatdate

from common.addresses import parse_address, wire_form
from outbound.compiler import CompiledMessage
from outbound.engine.journal import Mark
from outbound.engine.outcomes import outcome_of, refuses_the_sender
from outbound.engine.projection import EMAIL, FIXED
from outbound.engine.store import Progress
from outbound.engine.types import Lease, Unusual
from outbound.smtp.types import Outgoing, Reply, SmtpDown
from outbound.states import RecipientState

_INDEX_BITS = 10  # a chunk has up to 1,000 positions: cookie = lease number << 10 | index
_INDEX_MASK = (1 << _INDEX_BITS) - 1
_UNBUILT_IN_A_ROW = 20
# Before the lease ends somebody else must not be able to have it while we still write.
_LEASE_MARGIN = 0.4


class ChunkPump:
    """The engine's side of `outbound.smtp.types.Pump`."""

    def __init__(
        self,
        compiled: CompiledMessage,
        *,
        lease_seconds: float,
        started: datetime,
        flush_rows: int,
        flush_now: Callable[[], None],
    ) -> None:
        self._wire = compiled.wire
        self._seven_bit = compiled.seven_bit
        self._lease_seconds = lease_seconds
        self._started = started
        self._flush_rows = flush_rows
        self._flush_now = flush_now
        self._leases: dict[int, Lease] = {}
        self._marks: dict[int, memoryview] = {}
        self._current: tuple[int, Lease] | None = None
        self._next_number = 0
        self._pending = 0
        self._valid_until = 0.0
        self._date = b""
        self.open = True
        self.starved_by_watermark = False
        # None: no limit. A number: so many messages may be pulled until somebody adds permits.
        self.permits: float | None = None
        self.in_flight = 0
        self.handed_over_total = 0
        self.down: SmtpDown | None = None
        self.down_since: float | None = None
        # Why nothing more may be sent until a person has looked.
        self.refused: str | None = None
        self._unbuilt = 0

    # --- what the runner calls

    def add(self, lease: Lease) -> None:
        """Begin with a fresh lease."""
        self._leases[self._next_number] = lease
        assert lease.journal is not None
        self._marks[self._next_number] = lease.journal.marks
        self._next_number += 1
        self._pending += len(lease.unusual)

    def renewed(self, at: float) -> None:
        """The database agreed, at monotonic time `at` or later, that the leases are ours."""
        self._valid_until = at + self._lease_seconds * (1 - _LEASE_MARGIN)
        self._date = formatdate(usegmt=False).encode()

    @property
    def unpulled(self) -> int:
        return sum(len(lease.todo) - lease.cursor for lease in self._leases.values() if not lease.lost)

    @property
    def leases(self) -> list[Lease]:
        return list(self._leases.values())

    @property
    def pending(self) -> int:
        """Outcomes that wait for the next flush."""
        return self._pending

    def given_up_on_provider(self, patience: float) -> bool:
        """Down for good, or for more than `patience` seconds."""
        if self.down is None or self.down_since is None:
            return False
        return self.down.permanent or time.monotonic() - self.down_since > patience

    def take_progress(self, *, window: int, release: bool, everything: bool) -> list[Progress]:
        """What the next flush shall write. Counts are moved on at once: a flush that fails is given again as it is."""
        taken: list[Progress] = []
        for lease in self._leases.values():
            wanted = self._watermark_for(lease, window)
            if not (everything or release or lease.sent or lease.unusual or wanted != lease.watermark):
                continue
            sent, lease.sent = lease.sent, []
            unusual, lease.unusual = lease.unusual, []
            lease.counts = lease.counts.plus(len(sent), unusual)
            # Released with nothing in flight: all that was handed over has its row, nothing is unknown.
            watermark = 0 if release and not lease.in_flight else wanted
            taken.append(Progress(lease, lease.counts, watermark, release, sent, unusual))
        self._pending = 0
        return taken

    def flushed(self, progress: list[Progress], lost: set[int]) -> None:
        """The database has it: watermarks hold, finished chunks go, lost ones are let go."""
        for item in progress:
            lease = item.lease
            lease.watermark = item.watermark
            if lease.chunk_id in lost:
                lease.lost = True
            elif lease.counts.done >= lease.size and not lease.in_flight:
                self._drop(lease, remove_journal=True)
            if lease.lost and not lease.in_flight:
                self._drop(lease, remove_journal=False)

    def let_go(self) -> None:
        """After the last flush: close what is left. Journals with something in flight stay for recovery."""
        for lease in self.leases:
            self._drop(
                lease, remove_journal=not lease.in_flight and not lease.lost and not lease.sent and not lease.unusual
            )

    # --- what the connections call

    def next_message(self) -> Outgoing | None:
        if not self.open or time.monotonic() > self._valid_until:
            return None
        if self.permits is not None and self.permits < 1:
            return None
        while True:
            current = self._current
            if (
                current is None
                or current[1].cursor >= len(current[1].todo)
                or current[1].todo[current[1].cursor] >= current[1].watermark
            ):
                current = self._current = self._next_lease()
                if current is None:
                    return None
            number, lease = current
            index = lease.todo[lease.cursor]
            lease.cursor += 1
            row = lease.rows[index]
            if row is None:
                continue
            try:
                sender, body = self._wire(lease.position(index), row[EMAIL], row[FIXED:], self._date)
            except Exception as error:  # a value no test foresaw: this recipient fails, loudly, the others go on
                self._not_built(lease, index, error)
                if not self.open:
                    return None
                continue
            self._unbuilt = 0
            if self.permits is not None:
                self.permits -= 1
            lease.in_flight += 1
            self.in_flight += 1
            address = row[EMAIL]
            if address.isascii():
                return Outgoing(number << _INDEX_BITS | index, sender, address.encode(), body, False, self._seven_bit)
            return _international(number << _INDEX_BITS | index, sender, address, body)

    def handed_over(self, cookie: int) -> None:
        self._marks[cookie >> _INDEX_BITS][cookie & _INDEX_MASK] = Mark.HANDED_OVER

    def accepted(self, cookie: int, line: bytes) -> None:
        number, index = cookie >> _INDEX_BITS, cookie & _INDEX_MASK
        self._marks[number][index] = Mark.TAKEN
        lease = self._leases[number]
        lease.sent.append(index)
        lease.in_flight -= 1
        self.in_flight -= 1
        self.handed_over_total += 1
        self._pending += 1
        if self._pending >= self._flush_rows:
            self._flush_now()

    def replied(self, cookie: int, reply: Reply) -> None:
        if refuses_the_sender(reply):
            words = f"{reply.code} {reply.enhanced} {reply.text}".strip()
            self.refused = f"The provider refuses the sender: {words}"
            self.open = False
            self.returned(cookie, "the sender is refused")
            self._flush_now()
            return
        number, index = cookie >> _INDEX_BITS, cookie & _INDEX_MASK
        self._marks[number][index] = Mark.DEFERRED if reply.code < 500 else Mark.REFUSED
        lease = self._settle(number)
        self._book(lease, outcome_of(index, reply, attempt=lease.attempt, started=self._started))

    def returned(self, cookie: int, reason: str) -> None:
        number, index = cookie >> _INDEX_BITS, cookie & _INDEX_MASK
        lease = self._settle(number)
        self._marks[number][index] = Mark.UNTOUCHED
        lease.todo.insert(lease.cursor, index)
        if self.permits is not None:
            self.permits += 1

    def in_doubt(self, cookie: int, reason: str) -> None:
        number, index = cookie >> _INDEX_BITS, cookie & _INDEX_MASK
        self._book(
            self._settle(number),
            Unusual(index, RecipientState.IN_DOUBT, None, f"handed over, then no answer: {reason}"),
        )

    def provider_down(self, error: SmtpDown) -> None:
        self.down = error
        if self.down_since is None:
            self.down_since = time.monotonic()

    def provider_up(self) -> None:
        self.down = self.down_since = None

    # --- private

    def _not_built(self, lease: Lease, index: int, error: Exception) -> None:
        """One mail that cannot be built is its recipient's trouble; many in a row are everybody's: stop, and lose nobody more."""
        self._book(lease, Unusual(index, RecipientState.FAILED, None, f"could not be built: {error}"))
        self._unbuilt += 1
        if self._unbuilt == _UNBUILT_IN_A_ROW:
            self.refused = f"{_UNBUILT_IN_A_ROW} mails in a row could not be built: {error}"
            self.open = False
            self._flush_now()

    def _next_lease(self) -> tuple[int, Lease] | None:
        self.starved_by_watermark = False
        for number, lease in self._leases.items():
            if lease.lost or lease.cursor >= len(lease.todo):
                continue
            if lease.todo[lease.cursor] < lease.watermark:
                return number, lease
            self.starved_by_watermark = True
        if self.starved_by_watermark:
            self._flush_now()
        return None

    def _watermark_for(self, lease: Lease, window: int) -> int:
        if lease.cursor >= len(lease.todo):
            return lease.watermark
        return max(lease.watermark, min(lease.size, lease.todo[lease.cursor] + window))

    def _settle(self, number: int) -> Lease:
        lease = self._leases[number]
        lease.in_flight -= 1
        self.in_flight -= 1
        return lease

    def _book(self, lease: Lease, outcome: Unusual) -> None:
        lease.unusual.append(outcome)
        self._pending += 1

    def _drop(self, lease: Lease, *, remove_journal: bool) -> None:
        number = next((number for number, held in self._leases.items() if held is lease), None)
        if number is None:
            return
        if self._current is not None and self._current[0] == number:
            self._current = None
        del self._marks[number]
        del self._leases[number]
        if lease.journal is not None:
            lease.journal.close(remove=remove_journal)
            lease.journal = None


def _international(cookie: int, sender: bytes, address: str, body: bytes) -> Outgoing:
    """The domain goes in its ASCII form; a local part beyond ASCII needs SMTPUTF8 (RFC 6531)."""
    parsed = parse_address(address)
    return Outgoing(cookie, sender, wire_form(parsed).encode(), body, smtputf8=parsed.needs_smtputf8)
