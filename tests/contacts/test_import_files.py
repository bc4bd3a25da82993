"""Files as real tools write them: each must come out as its folder's expected.json says.

The small files of tests/data/csv are the project's own. A larger set of real exports stands beside the
repository on some machines; where it is missing, only ours are read.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from common.addresses import AddressFault
from contacts.importing import refusals
from contacts.importing.fields import Field
from contacts.importing.notes import Notes
from contacts.importing.reading import read_batches
from contacts.importing.staging import COLUMNS, Stager
from contacts.importing.survey import Survey, survey_file

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "tests" / "data" / "csv"
EXPORTS = ROOT.parent / "shared" / "data" / "csv"

# What the set of exports calls our faults.
REASONS = {
    "no address": AddressFault.NO_ADDRESS,
    "no at sign": AddressFault.NO_AT_SIGN,
    "two at signs": AddressFault.TWO_AT_SIGNS,
    "two addresses in one cell": AddressFault.TWO_ADDRESSES,
    "no local part": AddressFault.NO_LOCAL_PART,
    "no domain": AddressFault.NO_DOMAIN,
    "domain has no dot": AddressFault.DOMAIN_WITHOUT_DOT,
    "domain starts with a dot": AddressFault.DOMAIN_STARTS_WITH_DOT,
    "two dots in a row": AddressFault.TWO_DOTS,
    "dot at the start of the local part": AddressFault.LOCAL_PART_STARTS_WITH_DOT,
    "dot at the end of the local part": AddressFault.LOCAL_PART_ENDS_WITH_DOT,
    "space inside": AddressFault.SPACE,
    "label starts with a hyphen": AddressFault.DOMAIN_HYPHEN,
    "dot at the end": AddressFault.DOMAIN_ENDS_WITH_DOT,
    "comma inside": AddressFault.COMMA,
    "address literal": AddressFault.ADDRESS_LITERAL,
    "local part over 64 characters": AddressFault.LOCAL_PART_TOO_LONG,
    "label over 63 characters": AddressFault.LABEL_TOO_LONG,
    "over 254 characters": AddressFault.TOO_LONG,
    "control character inside": AddressFault.CONTROL_CHARACTER,
    "quoted local part": AddressFault.QUOTED_LOCAL_PART,
}
# How that set names our fields.
FIELDS = {
    "full name": "full_name",
    "consent time": "consent_at",
    "consent address": "consent_ip",
    "JSON object to be spread or kept": "json",
    'tags, separated by " ::: "': "tags",
}
# Words of its status columns that must not come in as mailable.
NOT_MAILABLE = {
    "unsubscribed": "unsubscribed",
    "blacklisted": "suppressed",
    "blocklisted": "suppressed",
    "unconfirmed": "unconfirmed",
}


@dataclass
class Reading:
    """What the second reading makes of a file: staged rows by line, and rejects by line."""

    rows: dict[int, dict[str, str]]
    tags: dict[int, tuple[str, ...]]
    rejects: dict[int, str]


def read(survey: Survey) -> Reading:
    notes = Notes()
    stager = Stager(survey.plan, known={}, tags=(), notes=notes)
    reading = Reading({}, {}, {})
    for batch in read_batches(survey, stager, notes, after=0):
        for text, tags in batch.rows:
            row = dict(zip(COLUMNS, map(unescaped, text.split("\t")), strict=True))
            reading.rows[int(row["line"])] = row
            reading.tags[int(row["line"])] = tags
        reading.rejects.update({line: reason for line, reason, _ in batch.rejects})
    return reading


def unescaped(cell: str) -> str:
    """A cell of COPY's text format as PostgreSQL reads it."""
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), cell)


def expected_of(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    if not folder.is_dir():
        return []
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return [(folder / name, entry) for name, entry in sorted(expected.items())]


def cases(*, refused: bool, folders: tuple[Path, ...] = (OURS, EXPORTS)) -> list[Any]:
    return [
        pytest.param(path, entry, id=f"{path.parents[2].name}-{path.name}")
        for folder in folders
        for path, entry in expected_of(folder)
        if ("refuse" in entry) is refused
    ]


@pytest.mark.parametrize(("path", "expected"), cases(refused=False))
def test_a_file_is_understood(path: Path, expected: dict[str, Any]) -> None:
    survey = survey_file(path)
    layout = survey.plan.layout
    found = {
        "encoding": layout.facts.encoding,
        "bom": layout.facts.bom,
        "newline": layout.newline,
        "delimiter": "tab" if layout.delimiter == "\t" else layout.delimiter,
        "header": layout.header_line > 0,
        "columns": len(layout.columns),
        "rows_total": survey.rows_total,
        "blank_lines": survey.blank_lines,
        "importable": survey.importable,
        "duplicates": survey.duplicates,
        "invalid": survey.invalid,
    }
    assert found == {name: expected[name] for name in found}
    email = expected["email_column"]
    assert survey.plan.email.index == (email if isinstance(email, int) else layout.columns.index(email))


@pytest.mark.parametrize(("path", "expected"), cases(refused=False))
def test_columns_become_fields(path: Path, expected: dict[str, Any]) -> None:
    columns = {column.heading: column for column in survey_file(path).plan.columns}
    for heading, wanted in expected.get("mapping", {}).items():
        column = columns[heading.strip().strip("\u00a0")]
        given = column.key if column.field is Field.ATTRIBUTE else column.field.value
        assert given == FIELDS.get(wanted, wanted), heading
    kinds = {column.key: column.kind.value for column in columns.values()}
    for key, kind in expected.get("kinds", {}).items():
        assert kinds[key] == kind, key


@pytest.mark.parametrize(("path", "expected"), cases(refused=False, folders=(EXPORTS,)))
def test_every_line_of_an_export_comes_out_as_it_should(path: Path, expected: dict[str, Any]) -> None:
    survey = survey_file(path)
    reading = read(survey)
    assert {line: row["email"] for line, row in reading.rows.items()} == {
        entry["line"]: entry["email"] for entry in expected["importable_rows"]
    }
    assert {line for line, row in reading.rows.items() if row["needs_smtputf8"] == "t"} == {
        entry["line"] for entry in expected["importable_rows"] if entry.get("needs_smtputf8")
    }
    invalid = {entry["line"]: REASONS[entry["reason"]].value for entry in expected["invalid_rows"]}
    repeated = {
        entry["line"]: f"Line {entry['same_as_line']} has the same address." for entry in expected["duplicate_rows"]
    }
    assert reading.rejects == invalid | repeated


@pytest.mark.parametrize("name", ["mailwizz-upper-case-tags.csv", "listmonk-export-json-attributes.csv"])
def test_no_contact_of_an_export_becomes_mailable_against_its_status(name: str) -> None:
    path = EXPORTS / name
    if not path.is_file():
        pytest.skip("the set of exports is not on this machine")
    survey = survey_file(path)
    (column,) = survey.plan.having(Field.STATUS)
    words = [row[column.index] for row in survey.plan.layout.sample]
    statuses = [row["status"] for row in read(survey).rows.values()]
    assert statuses == [NOT_MAILABLE.get(word, "active") for word in words]
    assert set(words) & set(NOT_MAILABLE)


@pytest.mark.parametrize(("path", "expected"), cases(refused=False, folders=(OURS,)))
def test_every_line_of_our_files_comes_out_as_it_should(path: Path, expected: dict[str, Any]) -> None:
    survey = survey_file(path)
    reading = read(survey)
    assert len(reading.rows) == expected["importable"]
    if "importable_lines" in expected:
        assert list(reading.rows) == expected["importable_lines"]
    wanted = {entry["line"]: AddressFault[entry["reason"]].value for entry in expected.get("invalid_rows", [])}
    for line, first in expected.get("duplicate_lines", {}).items():
        wanted[int(line)] = f"Line {first} has the same address."
    if wanted:
        assert reading.rejects == wanted
    assert list(survey.ragged_lines) == expected.get("ragged_lines", [])
    assert survey.plan.layout.facts.strange_bytes == expected.get("strange_bytes", 0)
    for line, status in expected.get("statuses", {}).items():
        assert reading.rows[int(line)]["status"] == status, line
    for line, tags in expected.get("tags", {}).items():
        assert list(reading.tags[int(line)]) == tags
    for line, attributes in expected.get("attributes", {}).items():
        assert json.loads(reading.rows[int(line)]["attributes"]) == attributes


@pytest.mark.parametrize(("path", "expected"), cases(refused=True))
def test_a_file_that_cannot_be_imported_is_refused_in_words(path: Path, expected: dict[str, Any]) -> None:
    with pytest.raises(refusals.FileRefused) as refusal:
        survey_file(path)
    assert str(refusal.value)[0].isupper()
    assert str(refusal.value).endswith((".", "”"))
    assert refusal.value.line == expected.get("line")
    if path.parent == OURS:
        assert type(refusal.value).__name__ == expected["refuse"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unclosed-quote.csv", refusals.BrokenText),
        ("empty.csv", refusals.NothingInside),
        ("header-only.csv", refusals.NothingInside),
        ("no-email-column.csv", refusals.NoAddressColumn),
        ("workbook-renamed.csv", refusals.NotText),
    ],
)
def test_an_export_is_refused_for_the_right_reason(name: str, kind: type[Exception]) -> None:
    if not (EXPORTS / name).is_file():
        pytest.skip("the set of exports is not on this machine")
    with pytest.raises(kind):
        survey_file(EXPORTS / name)
