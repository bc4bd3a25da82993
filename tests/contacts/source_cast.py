"""A source of contacts on a real web server, and syncs of it without long waits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contacts.models import DataSource, SourceRun
from contacts.sources.managing import create_source
from contacts.sources.requesting import request_sync
from contacts.sources.running import Patience, run_sync
from tests.common.web_server import Asked, WebServer, web_server


@dataclass
class People:
    """Serves `items`, `size` a page, the way Scraper-Pro is asked; `broken` are answers given before the good ones."""

    items: list[Any]
    size: int = 10
    broken: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> None:
        if self.broken:
            status, body, headers = self.broken.pop(0)
            asked.answer(status, body, **headers)
            return
        self.queries.append(asked.query)
        since = asked.query.get("updated_since", "")
        found = [item for item in self.items if not since or item.get("updated_at", "") >= since]
        at = (int(asked.query["page"]) - 1) * self.size
        answer_json(asked, {"data": found[at : at + self.size]})


def answer_json(asked: Asked, document: Any) -> None:
    asked.answer(200, json.dumps(document).encode(), Content_Type="application/json")


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "email": f"user{number}@example.com", "first_name": f"Ann {number}", **more}


@contextmanager
def people_served(people: People) -> Iterator[WebServer]:
    with web_server(people) as server:
        yield server


def scraper(server: WebServer, **config: Any) -> DataSource:
    given = {"url": f"{server.url}/contacts", "pause_ms": 0, **config}
    return create_source(name="Scraper-Pro France", type="scraper-pro", config=given)


def sync(source: DataSource, *, force: bool = False, patience: Patience | None = None) -> SourceRun:
    """Ask for a sync and run it to its end; the run as it then is."""
    source.refresh_from_db()
    return go_on(request_sync(source, force=force), patience=patience)


def go_on(run: SourceRun, *, patience: Patience | None = None) -> SourceRun:
    run_sync(run.pk, patience=patience or patient())
    run.refresh_from_db()
    run.source.refresh_from_db()
    return run


def counts(run: SourceRun) -> tuple[int, int, int, int, int, int]:
    """Seen, created, updated, unchanged, duplicates, invalid."""
    return run.seen, run.created, run.updated, run.unchanged, run.duplicates, run.invalid


def patient(*, waits: list[float] | None = None, awake: float = 1000.0, attempts: int = 4) -> Patience:
    """Waits are written down, not waited for."""
    noted = waits if waits is not None else []
    return Patience(sleep=noted.append, awake=awake, attempts=attempts)
