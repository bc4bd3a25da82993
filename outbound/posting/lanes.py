"""A tenant's lanes: opened when there is mail for an account, closed when it was edited or idle."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.conf import settings

from common.errors import LettershopError
from outbound.posting.allowance import Allowance, DailyAllowance
from outbound.posting.claiming import Claimed, outcome
from outbound.posting.connections import Desks
from outbound.posting.hand import Hand
from outbound.posting.lane import LOW_WATER, Lane, due_after
from outbound.posting.routes import Note, Shares, Surroundings, note_standing
from outbound.posting.types import Item, Outcome, Route
from outbound.rates import SharedRate, rate_client
from outbound.services.working import smtp_account
from outbound.smtp.types import Reply
from outbound.states import RecipientState

log = logging.getLogger(__name__)

_STUCK_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_LEAVE_SECONDS = 60.0


class Lanes:
    """The `outbound.posting.lane.Owner` of all of a tenant's lanes, and who decides which one is next."""

    def __init__(
        self, schema: str, hand: Hand, *, may_hand_over: Callable[[], bool], attend: Callable[[], None]
    ) -> None:
        self._schema = schema
        self._hand = hand
        self._attend = attend
        self.may_hand_over = may_hand_over
        self._around: Surroundings | None = None
        self._open: dict[int, Lane] = {}
        self._leaving: dict[asyncio.Task[None], Lane] = {}
        self._starting: set[asyncio.Task[None]] = set()
        self._shares = Shares()
        self._notes: dict[int, Note] = {}
        self._unusable: dict[int, tuple[object, ...]] = {}

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in [*self._open.values(), *self._leaving.values()])

    @property
    def want_permits(self) -> bool:
        return any(lane.rate is not None and lane.waiting for lane in self._open.values())

    # --- what the desk calls

    def follow(self, around: Surroundings | None) -> None:
        """The accounts are these now."""
        self._around = around
        routes = {route.provider_id: route for route in around.routes} if around else {}
        for provider_id, lane in list(self._open.items()):
            route = routes.get(provider_id)
            idle = lane.is_empty and time.monotonic() - lane.progress_at > _IDLE_SECONDS and not lane.is_down
            told_down = route is not None and route.down and lane.is_empty and lane.proven and not lane.trouble
            if route is None or route.edited != lane.route.edited or idle or told_down:
                self._close(lane)
            else:
                lane.route = route

    def next(self) -> Lane | None:
        """The lane whose turn it is: by priority, among equals by weight. None when no account can be used."""
        if self._around is None:
            return None
        usable = [route for route in self._around.routes if self._is_usable(route)]
        turns = [self._lane(route) for route in self._shares.by_turn(usable)]
        lanes = [lane for lane in turns if lane is not None]
        # Who has stood still for a while waits for his share alone.
        moving = [lane for lane in lanes if not self._is_stuck(lane)]
        return next(iter(moving or lanes), None)

    def give(self, lane: Lane, claimed: Claimed) -> None:
        """What was taken for this lane; meanwhile it may have gone down or away."""
        self._shares.count(lane.route, claimed.batch.size)
        if self._open.get(lane.route.provider_id) is lane and not lane.is_down:
            lane.add(claimed.items)
        else:
            for item in claimed.items:
                self._hand.give_back(item)

    def take_notes(self) -> list[tuple[int, Note]]:
        """Accounts that went down, came up or refuse senders; each is to be given to `note`."""
        notes, self._notes = self._notes, {}
        return list(notes.items())

    async def note(self, desks: Desks, provider_id: int, note: Note) -> None:
        try:
            await desks.run(lambda: note_standing(desks.connection(), self._schema, provider_id, note))
        except BaseException:
            self._notes.setdefault(provider_id, note)
            raise

    async def permit(self, desks: Desks) -> None:
        """Get permits for lanes with a limit, as many as they can use now."""
        for lane in list(self._open.values()):
            if lane.rate is None or lane.permits is None or not lane.waiting:
                continue
            wanted = int(min(lane.rate.capacity, len(lane.waiting)) - lane.permits)
            if wanted > 0:
                given = await desks.run(lane.rate.take, wanted)
                lane.permits += given  # not in one step: meanwhile some of them were used

    def wake(self) -> None:
        for lane in self._open.values():
            if lane.waiting:
                lane.pool.wake()

    async def drain(self, seconds: float) -> None:
        """Finish what is in flight in at most so many seconds."""
        for lane in list(self._open.values()):
            self._close(lane, seconds)
        await asyncio.gather(*self._starting, *self._leaving, return_exceptions=True)

    def abort(self) -> None:
        for lane in [*self._open.values(), *self._leaving.values()]:
            lane.shut()
            lane.pool.abort()

    # --- what the lanes call

    def book(self, item: Item, found: Outcome) -> None:
        if found.state == RecipientState.DEFERRED and self._was_last_try(item):
            words = f"given up after {item.attempt} tries: {found.reason}"
            found = replace(found, state=RecipientState.BOUNCED_SOFT, next_at=None, reason=words)
        self._hand.book(item, found)

    def give_back(self, item: Item) -> None:
        self._hand.give_back(item)

    def runs_low(self) -> None:
        self._attend()

    def not_for(self, lane: Lane, item: Item, reply: Reply) -> None:
        """The next account gets it at once; where there is none it waits, as after any refusal for now, and not for less
        than the sender's domain rests."""
        item.refused_by = (*item.refused_by, lane.route.provider_id)
        other = self._other_lane(item)
        if other is not None:
            other.add([item])
            return
        words = f"the provider refuses the sender: {reply.enhanced} {reply.text}".strip()
        due = None if self._was_last_try(item) else due_after(item, reply)
        if due is None:
            self._hand.book(item, outcome(item, RecipientState.BOUNCED_SOFT, reply.code, words))
            return
        rested = datetime.now(UTC) + timedelta(seconds=lane.refusals.seconds_left(item.sender_domain))
        self._hand.book(item, outcome(item, RecipientState.DEFERRED, reply.code, words, next_at=max(due, rested)))

    def refusals_changed(self, lane: Lane) -> None:
        words = lane.refusals.words
        if words:
            log.warning(
                "a sender is refused", extra={"schema": self._schema, "provider": lane.route.name, "cause": words}
            )
        if not lane.trouble:
            self._notes[lane.route.provider_id] = Note(words)

    def doubtful(self, item: Item, reason: str) -> None:
        due = None
        if self._around is not None and self._around.room.resend_doubtful and not self._was_last_try(item):
            due = due_after(item, Reply(450, "", reason, "body"))
        state = RecipientState.IN_DOUBT if due is None else RecipientState.DEFERRED
        self._hand.book(item, outcome(item, state, None, reason, next_at=due))

    def came_up(self, lane: Lane) -> None:
        self._notes[lane.route.provider_id] = Note(lane.refusals.words)
        self._shares.forget(lane.route.provider_id)
        self._attend()

    def went_down(self, lane: Lane) -> None:
        log.warning(
            "a provider account is down",
            extra={"schema": self._schema, "provider": lane.route.name, "cause": lane.trouble},
        )
        self._notes[lane.route.provider_id] = Note(lane.trouble, down=True)
        for item in lane.waiting.take_all():
            self._hand.give_back(item)
        self._attend()

    # --- private

    def _was_last_try(self, item: Item) -> bool:
        return self._around is not None and item.attempt > self._around.room.most_retries

    def _is_usable(self, route: Route) -> bool:
        lane = self._open.get(route.provider_id)
        if lane is None and route.down:
            lane = self._lane(route)  # to see whether it works again
        return not lane.is_down if lane is not None else route.provider_id not in self._unusable

    def _is_stuck(self, lane: Lane) -> bool:
        return len(lane.waiting) >= LOW_WATER and time.monotonic() - lane.progress_at > _STUCK_SECONDS

    def _other_lane(self, item: Item) -> Lane | None:
        if self._around is None:
            return None
        others = [
            route
            for route in self._around.routes
            if route.provider_id not in item.refused_by and self._is_usable(route)
        ]
        turns = self._shares.by_turn(others)
        return self._lane(turns[0]) if turns else None

    def _lane(self, route: Route) -> Lane | None:
        """The account's lane, opened when there is none. None when its settings cannot be used."""
        lane = self._open.get(route.provider_id)
        if lane is not None or self._around is None:
            return lane
        if self._unusable.get(route.provider_id) == route.edited:
            return None
        try:
            account = smtp_account(self._around.accounts[route.provider_id])
        except LettershopError as error:
            self._unusable[route.provider_id] = route.edited
            self._notes[route.provider_id] = Note(str(error), down=True)
            return None
        self._unusable.pop(route.provider_id, None)
        lane = self._open[route.provider_id] = Lane(route, account, self, rate=self._rate(route))
        task = asyncio.get_running_loop().create_task(lane.pool.start())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return lane

    def _rate(self, route: Route) -> Allowance | None:
        rate = self._shared_rate(route) if route.rate else None
        if not route.daily:
            return rate
        client = rate_client(settings.REDIS_URL)
        return DailyAllowance(client, self._schema, route.provider_id, most=route.daily, rate=rate)

    def _shared_rate(self, route: Route) -> SharedRate:
        return SharedRate(
            rate_client(settings.REDIS_URL),
            key=f"{self._schema}:{route.provider_id}",
            per_second=route.rate,
            workers=settings.ENGINE_RUNNERS + 1,
        )

    def _close(self, lane: Lane, seconds: float = _LEAVE_SECONDS) -> None:
        self._open.pop(lane.route.provider_id, None)
        for item in lane.shut():
            self._hand.give_back(item)
        task = asyncio.get_running_loop().create_task(lane.pool.drain(seconds))
        self._leaving[task] = lane
        task.add_done_callback(lambda done: self._leaving.pop(done, None))
