"""The pages of a sync over HTTP."""

from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from contacts.importing.notes import Notes
from contacts.models import ContactAttribute, SourceRun
from contacts.sources.client import read_page
from contacts.sources.config import SourceConfig
from contacts.sources.ending import end_run
from contacts.sources.faults import SourceFault
from contacts.sources.marks import newest_mark
from contacts.sources.paging import next_position, request_for, step_of
from contacts.sources.rows import RowMaker
from contacts.sources.writing import write_page

_MOST_PAGES = 1_000_000


class PageSync:
    """Syncs the pages of one run, in order."""

    def __init__(self, run: SourceRun, config: SourceConfig, secret: str) -> None:
        self._run = run
        self._config = config
        self._secret = secret
        self._notes = Notes(run.notes)
        self._visited: set[int] = set()

    def sync_next(self) -> bool:
        """Read and write the page at the run's position; True when it was the last.

        Raises SourceAway and NoAnswer (temporary), SourceFault and the like, and Conflict when the run is not ours.
        """
        run, config = self._run, self._config
        self._watch_for_circles()
        page = read_page(config, request_for(config, run.position, run.since), secret=self._secret)
        following = next_position(config, run.position, page)
        known = dict(ContactAttribute.objects.values_list("key", "type"))
        maker = RowMaker(config, known=known, notes=self._notes)
        rows = maker.make(page.items)
        mark = newest_mark(config.since, page.items, run.high_water, now=timezone.now().astimezone(UTC))
        changes: dict[str, Any] = {
            "position": following or {},
            "high_water": mark,
            "notes": self._notes.all(),
        }
        with transaction.atomic():
            write_page(run, rows, config=config, attributes=maker.found, changes=changes)
            if following is None:
                end_run(run, mark=mark if config.since.path else _time_of(run, config))
        run.position, run.high_water, run.attempts = following or {}, mark, 0
        return following is None

    def _watch_for_circles(self) -> None:
        step = hash(step_of(self._run.position))
        if self._run.attempts == 0:
            if step in self._visited:
                raise SourceFault("The source leads in a circle: a page that was read comes again.")
            self._visited.add(step)
        if self._run.pages >= _MOST_PAGES:
            raise SourceFault("The source has more pages than anybody can mean.")


def _time_of(run: SourceRun, config: SourceConfig) -> str:
    """What is changed while we sync is asked for again the next time."""
    started = run.started_at or timezone.now()
    return started.astimezone(UTC).isoformat(timespec="seconds") if config.since.param else ""
