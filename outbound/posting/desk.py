"""One tenant's part of a sender: takes from its queue, hands over through its lanes, writes down what became of it.

Everything here runs on the event loop; what needs the database is done in threads, one piece at a time, so that a
tenant with very much to send has one turn among the others.
"""

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path

from outbound.posting.claiming import CONTENT_BYTES, LEAST_URGENT, Claimed, Wish, claim
from outbound.posting.connections import DATABASE_AWAY, Desks
from outbound.posting.hand import Hand
from outbound.posting.lane import LOW_WATER, Lane
from outbound.posting.lanes import Lanes
from outbound.posting.letters import Letterheads
from outbound.posting.recovering import give_up_overdue, recover
from outbound.posting.routes import Surroundings, surroundings
from outbound.posting.types import LEASE_SECONDS, Findings
from outbound.posting.waiting import look_away
from outbound.posting.writing import apply_early_news, renew, settle_doubts, write

log = logging.getLogger(__name__)

_TICK = 0.1
_RATED_TICK = 0.05
_FLUSH_SECONDS = 0.2
_LOOK_AROUND_SECONDS = 2.0
_RECOVER_SECONDS = 5.0
_GIVE_UP_SECONDS = 60.0
_JOURNAL_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_DRAIN_SECONDS = 60.0
_DATABASE_PATIENCE = 20.0
_CLAIMS_A_TURN = 2
_MOST_URGENT_ONES = 10 * LOW_WATER
# Before a lease ends somebody else must not be able to have the batch while we still write.
_LEASE_MARGIN = 0.4


class Desk:
    """Use once: `run` ends when there was nothing to do for a while, or after `stop`."""

    def __init__(self, schema: str, *, owner: str, desks: Desks, letterheads: Letterheads, journals: Path) -> None:
        self.schema = schema
        self.trouble = ""  # why nothing can be taken, in words
        self._owner = owner
        self._desks = desks
        self._letterheads = letterheads
        self._journals = journals
        self._event = asyncio.Event()
        self.hand = Hand(hurry=self._event.set)
        self._around: Surroundings | None = None
        self._lanes = Lanes(schema, self.hand, may_hand_over=self._may_hand_over, attend=self._event.set)
        self._more = True  # something may be due in the queue
        self._listed = True  # the tenant stands on the list of those who have waiting mail
        self._open = True
        self._pausing = False
        self._away = False
        self._renewed_at = self._flushed_at = self._looked_at = self._recovered_at = 0.0
        self._urgent_at = self._gave_up_at = self._no_journal_until = 0.0
        self._active_at = time.monotonic()
        self._blocked_since: float | None = None

    def poke(self) -> None:
        """Something may be due."""
        self._more = self._listed = True
        self._event.set()

    def stop(self) -> None:
        """Take no more, finish what is in flight, write it down."""
        self._open = False
        self._event.set()

    def is_quiet(self, *, patience: float) -> bool:
        """Nothing is in hand, and nothing due that could be sent; for `patience` seconds where an account is the reason."""
        if not self._pausing or not self.hand.is_empty or self._lanes.in_flight:
            return False
        if not self._more:
            return True
        return self._blocked_since is not None and time.monotonic() - self._blocked_since > patience

    async def run(self) -> None:
        """Send. Every outcome is in the database when it returns, unless that stayed away."""
        try:
            while self._open and not self._is_idle():
                await self._pause()
                try:
                    await self._turn()
                except DATABASE_AWAY as error:
                    await self._wait_for_database(error)
            await self._drain()
        finally:
            self._lanes.abort()
            self.hand.let_go()

    # --- one turn after the other

    async def _turn(self) -> None:
        if self._away:
            await self._renew(always=True)
        await self._look_around()
        await self._flush()
        await self._renew()
        await self._take()
        await self._tidy_up()
        self._away = False
        await self._lanes.permit(self._desks)
        self._lanes.wake()

    async def _look_around(self) -> None:
        """Accounts may have been edited, switched off or come up again."""
        for provider_id, note in self._lanes.take_notes():
            await self._lanes.note(self._desks, provider_id, note)
            self._looked_at = 0.0
        now = time.monotonic()
        if now - self._looked_at < _LOOK_AROUND_SECONDS:
            return
        self._around = await self._desks.run(surroundings, self.schema, self._owner)
        self._looked_at = now
        self._lanes.follow(self._around)

    async def _flush(self) -> None:
        now = time.monotonic()
        if self.hand.doubts_settled:
            settled = set(self.hand.doubts_settled)
            await self._desks.run(lambda: settle_doubts(self._desks.connection(), self.schema, settled))
            self.hand.doubts_settled -= settled
        if not self.hand.findings or (now - self._flushed_at < _FLUSH_SECONDS and not self.hand.is_urgent):
            return
        findings = self.hand.take_findings()
        try:
            written = await self._desks.run(self._write, findings)
        except BaseException:
            self.hand.not_written(findings)
            raise
        self._flushed_at = self._active_at = time.monotonic()
        self.hand.written(findings, written)
        if findings.released:
            self._more = self._listed = True

    def _write(self, findings: Findings) -> set[int]:
        connection = self._desks.connection()
        written = write(connection, self.schema, findings)
        apply_early_news(connection, self.schema, written.told_early)
        return written.ids

    async def _renew(self, *, always: bool = False) -> None:
        asked = time.monotonic()
        mine = [batch.id for batch in self.hand.batches.values() if not batch.lost]
        if not always and (not mine or asked - self._renewed_at < LEASE_SECONDS / 4):
            return
        gone = await self._desks.run(lambda: renew(self._desks.connection(), self.schema, mine))
        self._renewed_at = asked
        if lost := self.hand.lose(gone):
            log.warning("batches were recovered by another sender", extra={"schema": self.schema, "batches": lost})

    async def _take(self) -> None:
        for _ in range(_CLAIMS_A_TURN):
            found = self._wish()
            if found is None:
                return
            lane, wish = found
            everything = wish.worst == LEAST_URGENT
            if everything:
                self._more = False  # until somebody pokes, or this claim finds something
            claimed = await self._claim(wish)
            if claimed is None:
                return
            self._more = True
            self._lanes.give(lane, claimed)

    async def _claim(self, wish: Wish) -> Claimed | None:
        assert self._around is not None
        room, asked = self._around.room, time.monotonic()
        first = not self.hand.batches
        try:
            claimed = await self._desks.run(
                lambda: claim(
                    self._desks.connection(),
                    room,
                    wish,
                    journals=self._journals,
                    compile_all=self._letterheads.compile_all,
                )
            )
        except OSError as error:
            self._more = True
            self._no_journal(error)
            return None
        except BaseException:
            self._more = True
            raise
        self.trouble = ""
        if claimed is not None:
            if first:
                self._renewed_at = asked
            self._active_at = time.monotonic()
            self.hand.add(claimed)
        return claimed

    def _wish(self) -> tuple[Lane, Wish] | None:
        """What to take next, and for whom; None when nothing is due or there is no room."""
        now = time.monotonic()
        if not self._more or not self._open:
            return None
        lane = self._lanes.next() if self._around is not None and now >= self._no_journal_until else None
        if lane is None:
            self._blocked_since = self._blocked_since or now
            return None
        if not self.trouble:
            self._blocked_since = None
        assert self._around is not None
        wish = Wish(lane.route.provider_id, most=self._around.room.batch_size)
        if len(lane.waiting) < LOW_WATER and self.hand.waiting_bytes < CONTENT_BYTES:
            return lane, wish
        worst = (lane.waiting.most_urgent or 1) - 1
        if worst < 1 or len(lane.waiting) > _MOST_URGENT_ONES or now - self._urgent_at < _TICK:
            return None
        self._urgent_at = now
        return lane, Wish(wish.provider_id, most=wish.most, worst=worst)

    async def _tidy_up(self) -> None:
        """Batches of senders that died; the list of those who wait; what is too old."""
        if self._around is None:
            return
        now, room, desks = time.monotonic(), self._around.room, self._desks
        done = self._listed and not self._more
        if now - self._recovered_at > (1.0 if done else _RECOVER_SECONDS):
            self._recovered_at = now
            if await desks.run(lambda: recover(desks.connection(), room, journals=self._journals)):
                self._more = True
        if self._listed and not self._more:
            self._listed = False
            await desks.run(lambda: look_away(desks.connection(), self.schema))
        if self._blocked_since is not None and now - self._gave_up_at > _GIVE_UP_SECONDS:
            self._gave_up_at = now
            await desks.run(lambda: give_up_overdue(desks.connection(), room))

    # --- states of this desk

    def _may_hand_over(self) -> bool:
        """Not while the database is away, and not when somebody else may already have our batches."""
        return (
            self._open and not self._away and time.monotonic() < self._renewed_at + LEASE_SECONDS * (1 - _LEASE_MARGIN)
        )

    def _is_idle(self) -> bool:
        return (
            not self._more
            and self.hand.is_empty
            and not self._lanes.in_flight
            and time.monotonic() - self._active_at > _IDLE_SECONDS
        )

    async def _pause(self) -> None:
        if self._lanes.want_permits:
            seconds = _RATED_TICK
        elif self._more or self._listed or not self.hand.is_empty or self._lanes.in_flight:
            seconds = _TICK
        else:
            seconds = _IDLE_SECONDS / 10
        self._pausing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()
        self._pausing = False

    async def _wait_for_database(self, error: Exception) -> None:
        if not self._away:
            log.warning("the database is away, sending waits", extra={"schema": self.schema, "cause": str(error)})
        self._away = True
        self._looked_at = 0.0
        await asyncio.sleep(0.5)

    def _no_journal(self, error: OSError) -> None:
        self.trouble = f"The sender cannot write its journal ({error.strerror}). Free space in {error.filename}."
        self._no_journal_until = time.monotonic() + _JOURNAL_SECONDS
        log.error("nothing more is sent: %s", self.trouble, extra={"schema": self.schema})

    async def _drain(self) -> None:
        """Finish what is in flight, write it down, give the rest back."""
        self._open = False
        await self._lanes.drain(_DRAIN_SECONDS)
        began = time.monotonic()
        while not self.hand.is_empty and time.monotonic() - began < _DATABASE_PATIENCE:
            self._flushed_at = 0.0
            try:
                await self._flush()
            except DATABASE_AWAY as error:
                await self._wait_for_database(error)
            if not self.hand.findings and not self.hand.doubts_settled:
                break
        if self.hand.is_empty:
            # Its own batches were a reason to be on the list.
            with suppress(*DATABASE_AWAY):
                await self._desks.run(lambda: look_away(self._desks.connection(), self.schema))
