"""What a desk has in hand: batches, and what became of their recipients but is not written down yet."""

from collections.abc import Callable

from outbound.engine.journal import Mark
from outbound.posting.claiming import Claimed
from outbound.posting.types import Batch, Findings, Item, Outcome
from outbound.states import RecipientState

_FLUSH_AT = 200


class Hand:
    """Books of one desk. `hurry` is called when so much is found that it should be written now."""

    def __init__(self, *, hurry: Callable[[], None]) -> None:
        self.batches: dict[int, Batch] = {}
        self.findings = Findings()
        self.doubts_settled: set[tuple[int, int]] = set()
        self.counted: dict[str, int] = {}
        self._hurry = hurry

    @property
    def is_empty(self) -> bool:
        return not self.batches and not self.findings and not self.doubts_settled

    @property
    def is_urgent(self) -> bool:
        """So much is found, or somebody could have it, that it should be written now."""
        return len(self.findings.outcomes) >= _FLUSH_AT or bool(self.findings.released)

    @property
    def waiting_bytes(self) -> int:
        """Content that waits to be handed over."""
        return sum(batch.bytes for batch in self.batches.values() if batch.waiting)

    def add(self, claimed: Claimed) -> None:
        self.batches[claimed.batch.id] = claimed.batch
        self.findings.outcomes += claimed.findings.outcomes
        self.findings.finished += claimed.findings.finished

    def book(self, item: Item, outcome: Outcome) -> None:
        """The item has its outcome."""
        item.batch.open -= 1
        if not item.batch.lost:
            self.findings.outcomes.append(outcome)
        elif outcome.state == RecipientState.SENT:
            self.doubts_settled.add((item.message_id, item.position))
        self._close_if_done(item.batch)
        if len(self.findings.outcomes) >= _FLUSH_AT:
            self._hurry()

    def give_back(self, item: Item) -> None:
        """Nobody took it, and it is not this sender's any more."""
        item.batch.open -= 1
        if not item.batch.lost:
            item.batch.marks[item.place] = Mark.UNTOUCHED
            self.findings.released.append((item.queue_id, item.batch.id))
        self._close_if_done(item.batch)
        self._hurry()

    def take_findings(self) -> Findings:
        """What is to be written now. Give it to `written` afterwards, or to `not_written`."""
        findings, self.findings = self.findings, Findings()
        return findings

    def not_written(self, findings: Findings) -> None:
        """The database is away: they come first the next time."""
        later, self.findings = self.findings, findings
        findings.outcomes += later.outcomes
        findings.released += later.released
        findings.finished += later.finished

    def written(self, findings: Findings, written: set[int]) -> None:
        """The database has them; what it did not take had been recovered by somebody else."""
        for outcome in findings.outcomes:
            if outcome.queue_id in written:
                word = outcome.state.label
                self.counted[word] = self.counted.get(word, 0) + 1
            elif outcome.state == RecipientState.SENT:
                self.doubts_settled.add((outcome.message_id, outcome.position))
        for batch_id in findings.finished:
            batch = self.batches.pop(batch_id, None)
            if batch is not None:
                batch.journal.close(remove=True)

    def lose(self, batch_ids: set[int]) -> list[int]:
        """Somebody else recovered these: nothing of them is handed over or written from now on."""
        lost = [batch for batch in self.batches.values() if batch.id in batch_ids and not batch.lost]
        for batch in lost:
            batch.lost = True
            self._close_if_done(batch)
        return [batch.id for batch in lost]

    def let_go(self) -> None:
        """At the very end. The journals of what is not written stay for whoever recovers it."""
        for batch in self.batches.values():
            batch.journal.close(remove=False)
        self.batches.clear()

    def _close_if_done(self, batch: Batch) -> None:
        if batch.open:
            return
        if not batch.lost:
            self.findings.finished.append(batch.id)
        elif self.batches.pop(batch.id, None) is not None:
            batch.journal.close(remove=False)
