"""Cancelling: whoever has no outcome yet gets one that says so."""

from outbound.engine.store import Progress, Store
from outbound.engine.types import Unusual
from outbound.states import RecipientState

_WHY = "the message was cancelled before its turn"


def cancel_rest(store: Store) -> bool:
    """Give every position that nobody may be sending now the state cancelled. True when none is left open."""
    store.make_retries(all_of_them=True)
    while (lease := store.take(window=0)) is not None:
        cancelled = [*lease.unusual, *(Unusual(index, RecipientState.CANCELLED, None, _WHY) for index in lease.todo)]
        counts = lease.counts.plus(len(lease.sent), cancelled)
        flushed = store.flush([Progress(lease, counts, 0, True, lease.sent, cancelled)])
        if lease.journal is not None:
            lease.journal.close(remove=not flushed.lost)
    return store.next_due() is None
