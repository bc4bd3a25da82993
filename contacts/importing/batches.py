"""Writing a batch: one transaction that holds its contacts, its rejects and how far the import then is."""

from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction
from django.db.models import F

from common.database import connection
from common.errors import Conflict
from contacts.importing import statements
from contacts.importing.reading import Batch
from contacts.importing.rejects import keep_rejects
from contacts.importing.staging import COLUMNS, StagedRow, copy_text
from contacts.importing.tag_ids import TagIds
from contacts.models import ContactAttribute, Import


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of rows. The first five add up to all; `suppressed` are those of created, updated and
    unchanged that must not be mailed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    invalid: int = 0
    suppressed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Counts)))


class BatchWriter:
    """Writes the batches of one import, in order. Raises Conflict when the import has meanwhile moved on
    without us: then nothing of the batch is kept."""

    def __init__(self, run: Import) -> None:
        self._run = run
        self._origin = f"import {run.pk}"
        self._line = run.line
        self._tags = TagIds()
        self._defined: set[str] = set()
        with connection.cursor() as cursor:
            cursor.execute(statements.STAGE)

    def write(self, batch: Batch) -> Counts:
        """Write one batch; what became of its rows. It has been committed, but is on the disk only once something
        later is."""
        outermost = not connection.in_atomic_block  # another's transaction ends as its owner wishes
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{statements.PLANNING}; {statements.UNAWAITED}" if outermost else statements.PLANNING)
            cursor.execute(statements.ONE_BATCH_AT_A_TIME)
            counts = Counts(duplicates=batch.duplicates, invalid=len(batch.rejects) - batch.duplicates)
            if batch.rows:
                self._define(batch.attributes)
                counts += self._write_contacts(cursor, batch.rows)
            keep_rejects(self._run, batch.rejects)
            self._move_on(batch, counts)
        self._line = batch.line
        return counts

    def _write_contacts(self, cursor: Any, rows: list[StagedRow]) -> Counts:
        suppressing = self._run.mode == Import.Mode.SUPPRESS
        if suppressing:
            rows = [(cells, ()) for cells, _ in rows]
        self._tags.learn(tags for _, tags in rows)
        with cursor.copy(_COPY) as copy:
            copy.write(copy_text(rows, self._tags.literals))
        counts = self._suppress(cursor, len(rows)) if suppressing else self._merge(cursor, len(rows))
        cursor.execute(statements.EMPTY_STAGE)
        return counts

    def _suppress(self, cursor: Any, rows: int) -> Counts:
        cursor.execute(statements.SUPPRESS, {"origin": self._origin})
        (added,) = cursor.fetchone()
        return Counts(created=added, unchanged=rows - added, suppressed=rows)

    def _merge(self, cursor: Any, rows: int) -> Counts:
        """Once, and again while others make contacts of the same addresses under our hands."""
        parameters = {"overwrite": self._run.mode == Import.Mode.UPDATE, "source": self._run.source_id}
        created = updated = 0
        while True:
            cursor.execute(statements.MERGE, parameters)
            newly_created, newly_updated, suppressed, missed = cursor.fetchone()
            created, updated = created + newly_created, updated + newly_updated
            if not missed:
                cursor.execute(statements.NOTE_FORBIDDEN, {"origin": self._origin})
                return Counts(
                    created=created, updated=updated, unchanged=rows - created - updated, suppressed=suppressed
                )

    def _define(self, attributes: dict[str, tuple[str, str]]) -> None:
        new = {key: found for key, found in attributes.items() if key not in self._defined}
        if new and self._run.mode != Import.Mode.SUPPRESS:
            ContactAttribute.objects.bulk_create(
                (ContactAttribute(key=key, label=label, type=type_) for key, (label, type_) in sorted(new.items())),
                ignore_conflicts=True,
            )
            self._defined.update(new)

    def _move_on(self, batch: Batch, counts: Counts) -> None:
        moved = Import.objects.filter(pk=self._run.pk, line=self._line, state=Import.State.RUNNING).update(
            line=batch.line,
            position=batch.position,
            warnings=batch.notes,
            **{field.name: F(field.name) + getattr(counts, field.name) for field in fields(Counts)},
        )
        if moved != 1:
            raise Conflict("This import is being continued by somebody else, or was stopped.")


_COPY = f"COPY import_stage ({', '.join(COLUMNS)}, tags) FROM STDIN"
