"""Many contacts in one call: made or changed, with a word about each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from common.database import connection
from common.errors import InvalidInput
from contacts.importing import statements
from contacts.importing.staging import COLUMNS
from contacts.importing.tag_ids import TagIds
from contacts.models import ContactAttribute, DataSource, Import
from contacts.services.bulk_rows import CheckedRow, RowCheck, checked_tags
from contacts.targeting import refresh_later

MOST_ROWS = 10_000
_MODES = (Import.Mode.ADD, Import.Mode.UPDATE)
_COPY = f"COPY import_stage ({', '.join(COLUMNS)}, tags) FROM STDIN"


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: created, updated, unchanged, duplicate (of an earlier row of the call) or invalid.
    `id` is the contact's, None for an invalid row; `message` says what is wrong."""

    index: int
    status: str
    id: int | None = None
    message: str = ""


def upsert_contacts(
    *,
    rows: Sequence[object],
    mode: str = Import.Mode.UPDATE,
    tags: Sequence[str] = (),
    source: DataSource | None = None,
    origin: str = "api",
) -> list[RowResult]:
    """Make or change up to 10,000 contacts as an import does, in one transaction; the results in the rows' order.

    A row is an object: email, first_name, last_name, language, timezone, country, status, consent {at, ip}, tags,
    attributes; what it leaves out, or gives as "" or None, stays as it is. `mode` "add" leaves known contacts alone
    but for the tags. Tags and attributes that are not there yet are made. A status that forbids mail goes on the
    suppression list (as of `origin`); nobody is made mailable again. Raises InvalidInput for the call as a whole,
    never for a row.
    """
    if mode not in _MODES:
        raise InvalidInput(f"There is no mode {mode!r}.", field="mode", hint=f"Modes: {', '.join(_MODES)}.")
    if len(rows) > MOST_ROWS:
        raise InvalidInput(f"A call takes at most {MOST_ROWS:,} contacts.", field="contacts")
    check = RowCheck(dict(ContactAttribute.objects.values_list("key", "type")), checked_tags(tuple(tags)))
    good, results, repeats = _checked(rows, check)
    if good:
        _write(good, check, results, {"overwrite": mode == Import.Mode.UPDATE, "source": source and source.pk}, origin)
        refresh_later()
    for index, first in repeats.items():
        results[index] = replace(results[index], id=results[first].id)
    return results


def _checked(rows: Sequence[object], check: RowCheck) -> tuple[list[CheckedRow], list[RowResult], dict[int, int]]:
    """Good rows of different addresses; a result for each row, of which theirs are still to come; and for repeated
    rows the first one."""
    good: list[CheckedRow] = []
    repeats: dict[int, int] = {}
    results: list[RowResult] = []
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        try:
            checked = check.check(index, row)
        except InvalidInput as error:
            message = f"{error.field}: {error}" if error.field else str(error)
            results.append(RowResult(index, "invalid", message=message))
            continue
        before = first.setdefault(checked.key, index)
        if before != index:
            repeats[index] = before
            results.append(RowResult(index, "duplicate", message=f"The contact at {before} has the same address."))
            continue
        good.append(checked)
        results.append(RowResult(index, ""))
    return good, results, repeats


def _write(
    rows: list[CheckedRow], check: RowCheck, results: list[RowResult], parameters: dict[str, Any], origin: str
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.STAGE)
        cursor.execute(statements.PLANNING)
        cursor.execute(statements.ONE_BATCH_AT_A_TIME)
        ContactAttribute.objects.bulk_create(
            (ContactAttribute(key=key, label=key, type=kind) for key, kind in sorted(check.new.items())),
            ignore_conflicts=True,
        )
        _stage(cursor, rows)
        waiting = len(rows)
        while waiting:
            cursor.execute(statements.MERGE_AND_TELL, parameters)
            for index, contact_id, status in cursor.fetchall():
                if contact_id is not None and not results[index].status:
                    results[index] = RowResult(index, status, contact_id)
                    waiting -= 1
        cursor.execute(statements.NOTE_FORBIDDEN, {"origin": origin})
        cursor.execute(statements.EMPTY_STAGE)


def _stage(cursor: Any, rows: list[CheckedRow]) -> None:
    tag_ids = TagIds()
    tag_ids.learn(row.tags for row in rows)
    # Django does not translate the errors of a copy by itself.
    with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row((str(row.index), *row.cells, tag_ids.literals[row.tags]))
