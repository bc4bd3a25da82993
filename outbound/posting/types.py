"""What passes between the parts of a sender."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from outbound.engine.journal import Journal
from outbound.states import RecipientState

LEASE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Mailroom:
    """One tenant as a sender knows it. `owner` is this sender's name: host:pid:random. `most_retries`: how often a
    recipient is tried again; `batch_size`: how many are taken in hand at once."""

    schema: str
    tenant_id: int
    owner: str
    resend_doubtful: bool = False
    batch_size: int = 50
    most_retries: int = 15

    def journals(self, root: Path) -> Path:
        """Where the journals of this tenant's batches lie, below the engine's folder."""
        return root / self.schema / "single"


class Envelope(Protocol):
    """A message ready to be handed over: outbound.mime.letter.CompiledLetter."""

    @property
    def seven_bit(self) -> bool:
        """All of it is ASCII. Where it is not, only servers with SMTPUTF8 may have it."""

    def wire(self, position: int, address: str) -> tuple[bytes, bytes]:
        """Envelope sender and body for one recipient."""


@dataclass(slots=True, eq=False)
class Batch:
    """What was taken from the queue in one go, for one provider account. `open` counts recipients without an outcome."""

    id: int
    provider_id: int
    journal: Journal
    marks: memoryview
    size: int
    open: int
    bytes: int = 0
    waiting: int = 0
    lost: bool = False


@dataclass(slots=True, eq=False)
class Item:
    """One recipient in hand. `place` is its byte in the batch's journal, `since` when its deadline began to run.

    `provider_id` is the account that it is with: its batch's, or one that came after that refused the sender.
    `sender_domain` is its envelope sender's, once it was built.
    """

    queue_id: int
    batch: Batch
    provider_id: int
    place: int
    month: date
    message_id: int
    position: int
    email: str
    priority: int
    due_at: datetime
    since: datetime
    attempt: int
    email_key: str = ""
    contact_id: int = 0
    letter: Envelope | None = None
    refused_by: tuple[int, ...] = ()
    sender_domain: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient of a batch. `next_at` only for deferred ones; `reference` is the provider's
    own; the address is needed where it is dead."""

    queue_id: int
    batch_id: int | None
    month: date
    message_id: int
    position: int
    contact_id: int
    state: RecipientState
    provider_id: int | None
    code: int | None = None
    reason: str | None = None
    next_at: datetime | None = None
    reference: str = ""
    email: str = ""
    email_key: str = ""


@dataclass(slots=True)
class Findings:
    """What one flush has to write; all of it fits into one transaction and may be written again when its answer is lost."""

    outcomes: list[Outcome] = field(default_factory=list)
    released: list[tuple[int, int]] = field(default_factory=list)  # queue id, batch id: back to where they came from
    finished: list[int] = field(default_factory=list)  # batches with nothing left in them

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.released or self.finished)


@dataclass(frozen=True, slots=True)
class Route:
    """A provider account as it is now. `edited` changes when its settings do. `daily`: messages a day; 0: any number.
    `trouble`: what people are told of it; it need not be down for that."""

    provider_id: int
    name: str
    priority: int
    weight: int
    rate: float
    down: bool
    edited: tuple[object, ...]
    daily: int = 0
    trouble: str = ""
