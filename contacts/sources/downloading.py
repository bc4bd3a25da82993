"""The sync of a CSV file that somebody serves: downloaded, then imported as an uploaded one is."""

import tempfile
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import urlsplit

from django.db import transaction

from common.errors import LettershopError
from common.outgoing import Answer, Limits, download
from contacts.importing.pipeline import run_import
from contacts.models import Import, SourceRun
from contacts.services.imports import LARGEST_FILE, forget_file, take_in_file
from contacts.sources.client import auth_headers, check_status
from contacts.sources.config import SourceConfig
from contacts.sources.ending import end_run
from contacts.sources.faults import SourceFault

_LIMITS = Limits(seconds=1800, largest=LARGEST_FILE)
_BLOCK = 1 << 20
_LONGEST_MARK = 64


def sync_file(run: SourceRun, config: SourceConfig, secret: str) -> bool:
    """Download and import, or go on with the import; always True. A file that is still the last one (its ETag says so)
    is not imported again. Raises SourceAway and NoAnswer (temporary), SourceFault, FileRefused."""
    if "import" not in run.position:
        with tempfile.TemporaryFile() as stream:
            answer = _download(run, config, secret, stream)
            if answer.status == 304:
                end_run(run, mark=run.since)
                return True
            _take_in(run, config, stream, mark=answer.headers.get("etag", ""))
    _import(run, int(run.position["import"]))
    return True


def _download(run: SourceRun, config: SourceConfig, secret: str, stream: IO[bytes]) -> Answer:
    headers = {"Accept": "text/csv, text/plain;q=0.9, */*;q=0.5", **config.headers, **auth_headers(config.auth, secret)}
    if run.since:
        headers["If-None-Match"] = run.since
    answer = download(config.url, into=stream, headers=headers, limits=_LIMITS)  # type: ignore[arg-type]
    if answer.status != 304 or not run.since:
        check_status(answer)
    return answer


def _take_in(run: SourceRun, config: SourceConfig, stream: IO[bytes], *, mark: str) -> None:
    stream.seek(0)
    name = urlsplit(config.url).path.rpartition("/")[2][:200] or "contacts.csv"
    with transaction.atomic():
        imported = take_in_file(
            pieces=_pieces(stream), file_name=name, mode=config.mode, tags=list(config.defaults.tags)
        )
        imported.source_id = run.source_id
        imported.mapping = {heading: name for name, heading in config.mapping.items()}
        imported.save(update_fields=["source", "mapping"])
        run.position = {"import": imported.pk}
        run.high_water = mark if len(mark) <= _LONGEST_MARK else ""
        run.save(update_fields=["position", "high_water"])


def _import(run: SourceRun, import_id: int) -> None:
    try:
        imported = run_import(import_id)
    except LettershopError:
        _forget(import_id)
        raise
    if imported.state != Import.State.FINISHED:
        raise SourceFault(imported.error or "The file could not be imported.")
    counted: dict[str, Any] = {
        name: getattr(imported, name) for name in ("created", "updated", "unchanged", "duplicates", "invalid")
    }
    with transaction.atomic():
        SourceRun.objects.filter(pk=run.pk).update(pages=1, seen=imported.rows_total, attempts=0, error="", **counted)
        end_run(run, mark=run.high_water)
    forget_file(imported)


def _forget(import_id: int) -> None:
    for imported in Import.objects.filter(pk=import_id):
        forget_file(imported)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_BLOCK):
        yield piece
