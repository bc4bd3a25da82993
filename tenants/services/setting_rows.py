"""The rows of tenants_setting, as this process remembers them for at most a second."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from tenants.models import Setting

MEMORY_SECONDS = 1.0


class RowMemory:
    """All rows by name. What another process wrote is known here when the second is over."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._generation = 0
        self._held: tuple[float, Mapping[str, Any]] | None = None

    def read(self) -> Mapping[str, Any]:
        """The same object until it is read anew."""
        held = self._held
        if held is not None and held[0] > self._clock():
            return held[1]
        generation = self._generation
        rows: Mapping[str, Any] = dict(Setting.objects.order_by().values_list("name", "value"))
        with self._lock:
            # What was read before somebody here wrote must not be remembered after it.
            if generation == self._generation:
                self._held = (self._clock() + MEMORY_SECONDS, rows)
        return rows

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._held = None


rows = RowMemory()


def write_rows(values: Mapping[str, Any], *, by: str) -> None:
    """Write these rows and leave the others alone. `by`: who did it, in words."""
    # In the order of names, so that two who write at once never wait for each other in turn.
    changed = [Setting(name=name, value=value, updated_by=by[:200]) for name, value in sorted(values.items())]
    Setting.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["value", "updated_at", "updated_by"],
    )
    rows.forget()
    transaction.on_commit(rows.forget)
