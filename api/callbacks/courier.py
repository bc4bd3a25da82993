"""A tenant's courier: takes news in, sends what is due, several endpoints at once, and writes down what came of it.

There is one courier a tenant at a time. Every endpoint has its own room, so that a slow one keeps nobody waiting.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from api.callbacks import schedule
from api.callbacks.claiming import Claimed, claim, next_due
from api.callbacks.endpoints import MOST_ENDPOINTS, secrets_in_use
from api.callbacks.models import Endpoint
from api.callbacks.pumping import AT_ONCE, pump_news
from api.callbacks.recording import record
from api.callbacks.sending import Outcome, Parcel, post
from api.callbacks.sweeping import sweep
from api.callbacks.waking import sleep_for_good, sleep_until
from api.callbacks.wording import aegis_body, standard_body
from common.database import connection
from common.errors import Conflict, Refused
from tenants.scope import current_tenant

log = logging.getLogger(__name__)

ROOM = 4  # tries at once for one endpoint
_LOOK_SECONDS = 0.2  # how long news wait while something is under way


@dataclass(slots=True)
class Turn:
    """What a courier did. `again`: there is more to do right now."""

    sent: int = 0
    again: bool = False


def carry(*, seconds: float = 20.0, send: Callable[[Parcel], Outcome] = post) -> Turn:
    """Work for up to `seconds`, then finish what is under way (15 seconds at most), and say when to look again.

    Raises Conflict while another courier of this tenant works, and NoTenant.
    """
    current_tenant()
    with _only_here(connection.schema_name):
        turn = _Courier(time.monotonic() + seconds, send).work()
        sweep()
    # After the lock is let go: who was turned away meanwhile has put something in line that is seen now.
    if not Endpoint.objects.exists():
        sleep_for_good()
    elif not turn.again:
        sleep_until(next_due())
    return turn


@dataclass(slots=True)
class _Courier:
    until: float
    send: Callable[[Parcel], Outcome]
    under_way: dict["Future[Outcome]", Claimed] = field(default_factory=dict)
    turn: Turn = field(default_factory=Turn)

    def work(self) -> Turn:
        with ThreadPoolExecutor(MOST_ENDPOINTS * ROOM, thread_name_prefix="courier") as threads:
            while True:
                is_over = time.monotonic() >= self.until
                more_news = False if is_over else pump_news() == AT_ONCE
                begun = 0 if is_over else self._begin(threads)
                if not self.under_way:
                    if is_over or not (begun or more_news):
                        self.turn.again = is_over
                        return self.turn
                    continue
                self._finish(0.0 if more_news else _LOOK_SECONDS)

    def _begin(self, threads: ThreadPoolExecutor) -> int:
        """Start what is due and has room. Returns how many."""
        now = timezone.now()
        ready = Q(resting_until=None) | Q(resting_until__lte=now)
        endpoints = {one.pk: one for one in Endpoint.objects.filter(ready, state=Endpoint.State.ACTIVE)}
        busy = [claimed.endpoint_id for claimed in self.under_way.values()]
        rooms = {pk: _room(one) - busy.count(pk) for pk, one in endpoints.items()}
        claimed = claim(rooms)
        for one in claimed:
            self.under_way[threads.submit(self._try, endpoints[one.endpoint_id], one)] = one
        return len(claimed)

    def _try(self, endpoint: Endpoint, claimed: Claimed) -> Outcome:
        return self.send(parcel_for(endpoint, claimed))

    def _finish(self, seconds: float) -> None:
        """Wait a little for the next to end; write down all that have."""
        done, _ = wait(self.under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        results = [(self.under_way.pop(future), _outcome(future)) for future in done]
        self.turn.sent += len(results)
        record(results)


def parcel_for(endpoint: Endpoint, claimed: Claimed) -> Parcel:
    """What this endpoint is sent, in its format. Raises Refused when its secret cannot be decrypted."""
    is_aegis = endpoint.format == Endpoint.Format.AEGIS
    body = aegis_body(claimed.notice) if is_aegis else standard_body(claimed.notice)
    return Parcel(endpoint.url, claimed.event, body, secrets_in_use(endpoint), is_aegis)


def _room(endpoint: Endpoint) -> int:
    return 1 if endpoint.failures >= schedule.RESTS_AFTER else ROOM


def _outcome(future: "Future[Outcome]") -> Outcome:
    try:
        return future.result()
    except Refused as refusal:
        return Outcome(None, str(refusal), "", 0)
    except Exception:
        log.exception("a delivery failed here")
        return Outcome(None, "Something went wrong here; it has been noted.", "", 0)


@contextmanager
def _only_here(schema: str) -> Iterator[None]:
    """A lock of the database session, gone with it when we are killed."""
    name = f"courier {schema}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict("This tenant's courier is on its way already.")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        except DatabaseError:
            connection.close()
