"""Importing a file of contacts: survey it, then write it in batches that survive being killed.

The import's row moves on in the same transaction as each batch. Whoever runs an import again, after a crash or a
redelivered task, goes on behind the last batch that was written; nothing is counted or written twice.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError
from django.utils import timezone

from common.database import connection
from common.errors import Conflict, InvalidInput, NotFound
from contacts.importing.ahead import made_ahead
from contacts.importing.batches import BatchWriter, Counts
from contacts.importing.notes import Notes
from contacts.importing.reading import read_batches
from contacts.importing.refusals import FileRefused
from contacts.importing.staging import Stager
from contacts.importing.survey import Survey, survey_file
from contacts.importing.tag_lists import unique_tags
from contacts.models import ContactAttribute, DataSource, Import
from contacts.targeting.refreshing import refresh_later
from tenants.scope import current_tenant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """How far an import is: bytes of the file dealt with, of all its bytes, and what became of the rows.
    The first reading is `surveying`; its counts are zero."""

    surveying: bool
    done_bytes: int
    total_bytes: int
    counts: Counts


Report = Callable[[Step], None]


def import_contacts(
    *,
    path: Path,
    file_name: str = "",
    mode: str = Import.Mode.UPDATE,
    tags: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    source: DataSource | None = None,
    progress: Report | None = None,
) -> Import:
    """Import a file into the tenant that was entered; see `create_import` and `run_import`."""
    run = create_import(path=path, file_name=file_name, mode=mode, tags=tags, mapping=mapping, source=source)
    return run_import(run.pk, progress=progress)


def create_import(
    *,
    path: Path,
    file_name: str = "",
    mode: str = Import.Mode.UPDATE,
    tags: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    source: DataSource | None = None,
) -> Import:
    """Note down an import to be run, now or by a worker; the file must stay where it is until then.

    `mode`: "add" leaves known contacts as they are but for the tags, "update" gives them the file's values,
    "suppress" puts the addresses on the suppression list. In no mode is a contact mailed again that must not
    be. `mapping` gives, for headings, names of fields or keys of attributes. Raises InvalidInput, NoTenant.
    """
    current_tenant()
    if mode not in Import.Mode.values:
        raise InvalidInput(f"There is no mode {mode!r}.", field="mode", hint=f"Modes: {', '.join(Import.Mode.values)}.")
    if not path.is_file():
        raise InvalidInput(f"There is no file {path.name!r}.", field="file")
    return Import.objects.create(
        file_name=(file_name or path.name)[-255:],
        path=str(path.absolute()),
        size=path.stat().st_size,
        mode=mode,
        tags=list(unique_tags(list(tags))),
        mapping=dict(mapping or {}),
        source=source,
    )


def run_import(run_id: int, *, progress: Report | None = None, wanted: Callable[[], bool] | None = None) -> Import:
    """Begin an import, or go on where it stopped; one that is finished is left alone.

    `wanted` is asked once nobody else runs it, whether it is still to be run: one that was stopped is not.

    Raises FileRefused or InvalidInput where the file or the mapping is no good: the import is then refused,
    and nothing has been written. Raises NotFound, NoTenant, and Conflict while somebody else runs it. Any
    other error leaves it failed, to be run again.
    """
    tenant = current_tenant()
    run = Import.objects.select_related("source").filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no import {run_id}.", field="import")
    with _only_here(tenant.schema_name, run_id):
        run.refresh_from_db()
        if run.state in (Import.State.FINISHED, Import.State.REFUSED) or (wanted and not wanted()):
            return run
        try:
            _survey_and_write(run, progress or (lambda step: None))
        except (FileRefused, InvalidInput) as refusal:
            _end(run, Import.State.REFUSED, str(refusal))
            raise
        except Conflict:  # somebody else decides about it now
            raise
        except DatabaseError:  # it is left running, as after a crash: the database may be away
            logger.exception("Import %s of %s broke off.", run_id, tenant.schema_name)
            raise
        except Exception:
            _end(run, Import.State.FAILED, "Something went wrong; the import can be run again and goes on from here.")
            raise
    run.refresh_from_db()
    return run


def _survey_and_write(run: Import, report: Report) -> None:
    path = Path(run.path)
    if not path.is_file():
        raise FileRefused("The file is no longer there.", hint="Upload it again.")
    survey = survey_file(
        path,
        mapping=run.mapping,
        progress=lambda done, total: report(Step(True, done, total, Counts())),
    )
    notes = _begin(run, survey)
    known = dict(ContactAttribute.objects.values_list("key", "type"))
    stager = Stager(survey.plan, known=known, tags=run.tags, notes=notes)
    writer = BatchWriter(run)
    counts = Counts(run.created, run.updated, run.unchanged, run.duplicates, run.invalid, run.suppressed)
    with made_ahead(read_batches(survey, stager, notes, after=run.line)) as batches:
        for batch in batches:
            counts += writer.write(batch)
            report(Step(False, batch.position, survey.plan.layout.facts.size, counts))
    _end(run, Import.State.FINISHED)
    refresh_later()


def _begin(run: Import, survey: Survey) -> Notes:
    facts = survey.plan.layout.facts
    if run.sha256 and run.sha256 != facts.sha256:
        raise FileRefused("The file is not the one that this import began with.", hint="Start a new import.")
    notes = Notes(run.warnings)
    if not run.line:
        notes = Notes()
        for line in survey.ragged_lines:
            notes.add("Some rows have more or fewer cells than there are headings.", line)
        if facts.strange_bytes:
            notes.add("Some characters were not in UTF-8 and were read as Windows-1252.", 1)
    begun = Import.objects.filter(pk=run.pk, state=run.state, finished_at=run.finished_at).update(
        state=Import.State.RUNNING,
        sha256=facts.sha256,
        size=facts.size,
        rows_total=survey.rows_total,
        error="",
        finished_at=None,
        resume_state={**run.resume_state, "columns": list(survey.plan.layout.columns)},
    )
    if not begun:
        raise Conflict("This import was stopped.")
    run.refresh_from_db()
    return notes


def _end(run: Import, state: str, error: str = "") -> None:
    Import.objects.filter(pk=run.pk).update(state=state, error=error, finished_at=timezone.now())


@contextmanager
def _only_here(schema: str, run_id: int) -> Iterator[None]:
    """Nobody else runs this import: a lock of the database session, gone with it when we are killed."""
    name = f"import {schema} {run_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict("This import is running already.")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        except DatabaseError:
            connection.close()
