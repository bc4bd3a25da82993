"""Imports: a file taken in, set going, stopped, resumed, forgotten."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.database import connection
from common.errors import Conflict, InvalidInput
from contacts.importing.decoding import examine
from contacts.importing.layout import sniff_layout
from contacts.importing.pipeline import create_import
from contacts.importing.plan import make_plan
from contacts.importing.refusals import FileRefused
from contacts.importing.tag_lists import unique_tags
from contacts.models import DataSource, Import
from contacts.services.import_columns import FoundColumn, found_columns, guessed_columns
from tenants.models import DueWork
from tenants.scope import current_tenant
from tenants.services.due import done_with, note_due

TASK = "contacts.run_import"
LARGEST_FILE = 2 << 30  # bytes
_LIVING = (Import.State.WAITING, Import.State.RUNNING, Import.State.FAILED)


def take_in_file(
    *,
    pieces: Iterable[bytes],
    file_name: str,
    mode: str,
    tags: Sequence[str],
    mapping: Mapping[str, str] | None = None,
    source: DataSource | None = None,
) -> Import:
    """Keep a file as the tenant's and note down an import that waits for its columns to be confirmed.

    Raises FileRefused for what is no file of contacts at all, and InvalidInput; then nothing is kept.
    """
    path = _upload_folder() / f"{uuid4().hex}.csv"
    try:
        _write(path, pieces)
        layout = sniff_layout(examine(path))
        guessed = guessed_columns(layout, mapping or {})
        run = create_import(
            path=path, file_name=Path(file_name).name, mode=mode, tags=tags, mapping=mapping, source=source
        )
        _keep_columns(run, guessed)
        return run
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def begin_import(
    run: Import, *, mapping: Mapping[str, str], mode: str, tags: Sequence[str], source: DataSource | None = None
) -> None:
    """Set an import going with a person's word on its columns. Raises FileRefused, InvalidInput, or Conflict once it has begun."""
    if mode not in Import.Mode.values:
        raise InvalidInput(f"There is no mode {mode!r}.", field="mode", hint=f"Modes: {', '.join(Import.Mode.values)}.")
    if run.state != Import.State.WAITING or run.line:
        raise Conflict("This import has begun already.")
    if not Path(run.path).is_file():
        raise FileRefused("The file is no longer there.", hint="Upload it again.")
    plan = make_plan(sniff_layout(examine(Path(run.path))), mapping)
    with transaction.atomic():
        changed = Import.objects.filter(pk=run.pk, state=Import.State.WAITING, line=0).update(
            mapping=dict(mapping),
            mode=mode,
            tags=list(unique_tags(list(tags))),
            source=source or run.source,
            resume_state={**run.resume_state, "found": found_columns(plan, examples=0)},
            started_at=timezone.now(),
        )
        if not changed:
            raise Conflict("This import has begun already.")
        _enqueue(run.pk)


def resume_import(run: Import) -> None:
    """Go on behind the last row that was written. Raises Conflict for an import that is over."""
    if run.state not in _LIVING:
        raise Conflict("This import is over.", hint="Start a new one.")
    with transaction.atomic():
        _enqueue(run.pk)


def stop_import(run: Import) -> None:
    """What was written stays, the rest is left; it can be resumed. Raises Conflict for one that is not on its way.

    A worker that is at it right now finds out before it writes its next batch.
    """
    with transaction.atomic():
        held = Import.objects.select_for_update().filter(pk=run.pk).first()
        moving = held is not None and (held.state == Import.State.RUNNING or is_queued(run.pk))
        if held is None or not moving:
            raise Conflict("This import is not running.")
        done_with(task=TASK, reference=run.pk)
        held.state, held.error, held.finished_at = Import.State.FAILED, "It was stopped.", timezone.now()
        held.save(update_fields=["state", "error", "finished_at"])


def delete_import(run: Import) -> None:
    """Forget an import, its refused rows and its file; the contacts it brought stay. Raises Conflict while it runs."""
    with transaction.atomic():
        held = Import.objects.select_for_update().filter(pk=run.pk).first()
        if held is None:
            return
        if held.state == Import.State.RUNNING:
            raise Conflict("This import is running.", hint="Stop it first.")
        done_with(task=TASK, reference=run.pk)
        path = Path(held.path)
        held.delete()
        transaction.on_commit(lambda: _remove(path), robust=True)


def queued_imports() -> set[int]:
    """The ids of imports for which `is_queued` holds."""
    due = DueWork.objects.filter(schema=connection.schema_name, task=TASK)
    return set(due.values_list("reference", flat=True))


def is_queued(run_id: int) -> bool:
    """Whether a worker is to begin it or to go on with it."""
    return DueWork.objects.filter(schema=connection.schema_name, task=TASK, reference=run_id).exists()


def _enqueue(run_id: int) -> None:
    """A row for the tick, which survives a lost broker, and a task at once."""
    note_due(task=TASK, reference=run_id)
    schema = connection.schema_name
    transaction.on_commit(
        lambda: current_app.send_task(TASK, args=[run_id], headers={"_schema_name": schema}, expires=60), robust=True
    )


def forget_file(run: Import) -> None:
    """Remove the uploaded file of an import that is over: its contacts are in, its rejects are kept. Files of others stay."""
    if run.state not in _LIVING:
        _remove(Path(run.path))


def _remove(path: Path) -> None:
    if path.parent == _upload_folder():
        path.unlink(missing_ok=True)


def _keep_columns(run: Import, found: list[FoundColumn]) -> None:
    run.resume_state = {**run.resume_state, "found": found}
    run.save(update_fields=["resume_state"])


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    size = 0
    with path.open("wb") as stream:
        for piece in pieces:
            size += len(piece)
            if size > LARGEST_FILE:
                raise InvalidInput("The file is larger than 2 GiB.", field="file", hint="Divide it into several.")
            stream.write(piece)


def _upload_folder() -> Path:
    folder: Path = settings.DATA_DIR / "uploads" / current_tenant().schema_name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
