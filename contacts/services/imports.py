"""What the import wizard calls: taking a file in, and setting an import going."""

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
from contacts.importing.tag_lists import unique_tags
from contacts.models import Import
from tenants.scope import current_tenant
from tenants.services.due import note_due

TASK = "contacts.run_import"
LARGEST_FILE = 2 << 30  # bytes
_LIVING = (Import.State.WAITING, Import.State.RUNNING, Import.State.FAILED)


def take_in_file(*, pieces: Iterable[bytes], file_name: str, mode: str, tags: Sequence[str]) -> Import:
    """Keep a file as the tenant's and note down an import that waits for its columns to be confirmed.

    Raises FileRefused for what is no file of contacts at all, and InvalidInput; then nothing is kept.
    """
    path = _upload_folder() / f"{uuid4().hex}.csv"
    try:
        _write(path, pieces)
        sniff_layout(examine(path))
        return create_import(path=path, file_name=Path(file_name).name, mode=mode, tags=tags)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def begin_import(run: Import, *, mapping: Mapping[str, str], mode: str, tags: Sequence[str]) -> None:
    """Set an import going with a person's word on its columns. Raises FileRefused, InvalidInput, or Conflict once it has begun."""
    if mode not in Import.Mode.values:
        raise InvalidInput(f"There is no mode {mode!r}.", field="mode")
    make_plan(sniff_layout(examine(Path(run.path))), mapping)
    with transaction.atomic():
        changed = Import.objects.filter(pk=run.pk, state=Import.State.WAITING, line=0).update(
            mapping=dict(mapping), mode=mode, tags=list(unique_tags(list(tags))), started_at=timezone.now()
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


def _enqueue(run_id: int) -> None:
    """A row for the tick, which survives a lost broker, and a task at once."""
    note_due(task=TASK, reference=run_id)
    schema = connection.schema_name
    transaction.on_commit(
        lambda: current_app.send_task(TASK, args=[run_id], headers={"_schema_name": schema}, expires=60), robust=True
    )


def forget_file(run: Import) -> None:
    """Remove the uploaded file of an import that is over: its contacts are in, its rejects are kept. Files of others stay."""
    path = Path(run.path)
    if run.state not in _LIVING and path.parent == _upload_folder():
        path.unlink(missing_ok=True)


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
