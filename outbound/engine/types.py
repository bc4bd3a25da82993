"""What passes between the parts of the engine."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from outbound.engine.journal import Journal
from outbound.states import RecipientState

COUNTED_AS = {
    RecipientState.SENT: "sent",
    RecipientState.DEFERRED: "deferred",
    RecipientState.BOUNCED_HARD: "bounced",
    RecipientState.BOUNCED_SOFT: "bounced",
    RecipientState.FAILED: "failed",
    RecipientState.SUPPRESSED: "suppressed",
    RecipientState.CANCELLED: "cancelled",
    RecipientState.IN_DOUBT: "in_doubt",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One message as the engine sees it."""

    schema: str
    tenant_id: int
    message_id: int
    month: date
    in_doubt_resend: bool = False


@dataclass(frozen=True, slots=True)
class Unusual:
    """An outcome that needs words. `next_at` only for deferred ones."""

    index: int
    state: RecipientState
    code: int | None
    reason: str
    next_at: datetime | None = None


@dataclass(slots=True)
class Lease:
    """A chunk that this process may work on, with its rows and what became of them so far."""

    chunk_id: int
    fence: int
    attempt: int
    size: int
    first_position: int
    positions: list[int] | None
    contact_ids: list[int]
    watermark: int
    handing_fence: int
    counts: "Counts"
    journal: Journal | None = None
    # index -> what the compiled message needs; filled by the store, emptied as messages are built
    rows: list[tuple[Any, ...] | None] = field(default_factory=list)
    todo: list[int] = field(default_factory=list)
    cursor: int = 0
    in_flight: int = 0
    sent: list[int] = field(default_factory=list)
    unusual: list[Unusual] = field(default_factory=list)
    lost: bool = False

    def position(self, index: int) -> int:
        return self.positions[index] if self.positions is not None else self.first_position + index

    @property
    def pulled_out(self) -> bool:
        return self.cursor >= len(self.todo)


@dataclass(slots=True)
class Counts:
    """A chunk's progress, in absolute numbers: writing them twice changes nothing."""

    sent: int = 0
    deferred: int = 0
    bounced: int = 0
    failed: int = 0
    suppressed: int = 0
    in_doubt: int = 0
    cancelled: int = 0

    def plus(self, sent: int, unusual: Iterable["Unusual"]) -> "Counts":
        """These counts and more outcomes."""
        total = replace(self, sent=self.sent + sent)
        for one in unusual:
            name = COUNTED_AS[one.state]
            setattr(total, name, getattr(total, name) + 1)
        return total

    @property
    def done(self) -> int:
        """How many positions have an outcome."""
        return self.sent + self.deferred + self.bounced + self.failed + self.suppressed + self.in_doubt + self.cancelled
