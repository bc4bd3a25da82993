"""Writing a page: one transaction that holds its contacts and how far the run then is."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import F
from psycopg import sql

from common.database import connection
from common.errors import Conflict
from contacts.importing import statements
from contacts.importing.batches import Counts
from contacts.importing.staging import COLUMNS
from contacts.importing.tag_ids import TagIds
from contacts.models import ContactAttribute, SourceRun
from contacts.sources.config import SourceConfig
from contacts.sources.rows import Row, Rows

_MOST_REJECTS_KEPT = 100
_COPY = sql.SQL("COPY import_stage ({}, tags) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))

# A default is for contacts of whom nobody knows better, so for new ones and for those without any.
_FILL = """
UPDATE import_stage s SET {field} = %(default)s WHERE {field} = '' AND NOT EXISTS (
    SELECT 1 FROM contacts_contact k WHERE k.email_key = s.email_key AND k.{field} <> '')
"""


def write_page(
    run: SourceRun, rows: Rows, *, config: SourceConfig, attributes: Mapping[str, str], changes: Mapping[str, Any]
) -> Counts:
    """Merge a page's rows into the contacts and move the run on by it; `changes` are fields of the run that are set too.

    Raises Conflict when the run has meanwhile been moved on or ended without us: then nothing of it is kept.
    """
    counts = Counts(duplicates=rows.duplicates, invalid=len(rows.rejects))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.STAGE)
        cursor.execute(statements.PLANNING)
        cursor.execute(statements.ONE_BATCH_AT_A_TIME)
        if rows.rows:
            _define(attributes)
            _stage(cursor, rows.rows, config)
            counts += _merge(cursor, len(rows.rows), run, config)
            cursor.execute(statements.EMPTY_STAGE)
        _move_on(run, rows, counts, changes)
    return counts


def _define(attributes: Mapping[str, str]) -> None:
    if attributes:
        ContactAttribute.objects.bulk_create(
            (ContactAttribute(key=key, label=key, type=kind) for key, kind in sorted(attributes.items())),
            ignore_conflicts=True,
        )


def _stage(cursor: Any, rows: list[Row], config: SourceConfig) -> None:
    tags = TagIds()
    tags.learn(row.tags for row in rows)
    with cursor.copy(_COPY) as copy:
        for number, row in enumerate(rows, 1):
            copy.write_row((*_cells(number, row), tags.literals[row.tags]))
    for field in ("language", "country"):
        if default := getattr(config.defaults, field):
            cursor.execute(sql.SQL(_FILL).format(field=sql.Identifier(field)), {"default": default})


def _cells(number: int, row: Row) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    members = ", ".join(f'"{key}": {literal}' for key, literal in row.attributes.items())
    return (
        number,
        row.address.text,
        row.address.key,
        row.address.needs_smtputf8,
        row.first_name,
        row.last_name,
        row.language,
        row.timezone,
        row.country,
        row.status,
        row.consent_at,
        row.consent_ip,
        "{" + members + "}",
    )


def _merge(cursor: Any, rows: int, run: SourceRun, config: SourceConfig) -> Counts:
    """Once, and again while others make contacts of the same addresses under our hands."""
    parameters = {"overwrite": config.mode == "update", "source": run.source_id}
    created = updated = 0
    while True:
        cursor.execute(statements.MERGE, parameters)
        newly_created, newly_updated, suppressed, missed = cursor.fetchone()
        created, updated = created + newly_created, updated + newly_updated
        if not missed:
            cursor.execute(statements.NOTE_FORBIDDEN, {"origin": f"source {run.source_id}"})
            return Counts(created=created, updated=updated, unchanged=rows - created - updated, suppressed=suppressed)


def _move_on(run: SourceRun, rows: Rows, counts: Counts, changes: Mapping[str, Any]) -> None:
    page = run.pages + 1
    kept = [{"page": page, **asdict(reject)} for reject in rows.rejects[: _MOST_REJECTS_KEPT - len(run.rejects)]]
    rejects = [*run.rejects, *kept]
    seen = len(rows.rows) + len(rows.rejects) + rows.duplicates
    moved = SourceRun.objects.filter(pk=run.pk, pages=run.pages, state=SourceRun.State.RUNNING).update(
        pages=page,
        seen=F("seen") + seen,
        created=F("created") + counts.created,
        updated=F("updated") + counts.updated,
        unchanged=F("unchanged") + counts.unchanged,
        duplicates=F("duplicates") + counts.duplicates,
        invalid=F("invalid") + counts.invalid,
        rejects=rejects,
        attempts=0,
        error="",
        **changes,
    )
    if moved != 1:
        raise Conflict("This sync is being continued by somebody else, or was stopped.")
    run.pages, run.rejects = page, rejects
