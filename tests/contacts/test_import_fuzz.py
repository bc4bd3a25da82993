"""Whatever bytes a file has: it is refused in words, or every row of it is accounted for."""

import random
from pathlib import Path

import pytest

from contacts.importing.layout import DELIMITERS
from contacts.importing.notes import Notes
from contacts.importing.pipeline import import_contacts
from contacts.importing.reading import read_batches
from contacts.importing.refusals import FileRefused
from contacts.importing.staging import COLUMNS, Stager, copy_text
from contacts.importing.survey import survey_file
from contacts.models import Contact
from tenants.models import Tenant

SEEDS = 400
PIECES = (
    *[f"user{n}@example.com" for n in range(20)],
    "Ünïcode@exämple.de",
    "email",
    "status",
    "tags",
    "attributes",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    "\x1e",
    "\x1f",
    "\\",
    "\\N",
    "\\.",
    "'",
    "=1+1",
    "\u2028",
    "\u200b",
    "\ufeff",
    "{",
    '{"a": 1}',
    "[1]",
    "1,5",
    "1.5",
    "2024-02-30",
    "31/12/2024",
    "yes",
    "unsubscribed",
    "sep=;",
    "x" * 300,
    "@",
    " ",
    "\t",
    "名前",
    "\U0001f600",
    "ｅ＠ｅ．ｃ",
)


def noise(dice: random.Random) -> bytes:
    """Something like a table, then damaged."""
    delimiter = dice.choice(DELIMITERS)
    rows = [
        delimiter.join(dice.choice(PIECES) for _ in range(dice.randrange(1, 7))) for _ in range(dice.randrange(1, 40))
    ]
    heading = delimiter.join(["email", *dice.sample(["status", "tags", "attributes", "score", "name"], 3)])
    text = "\n".join([heading, *rows]) if dice.random() < 0.7 else "\n".join(rows)
    encoding = dice.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
    data = bytearray(text.encode(encoding, "replace"))
    for _ in range(dice.choice((0, 0, 1, 5))):
        if data:
            data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("start", range(0, SEEDS, 50))
def test_any_bytes_are_refused_or_accounted_for(tmp_path: Path, start: int) -> None:
    path = tmp_path / "noise.csv"
    for seed in range(start, start + 50):
        path.write_bytes(noise(random.Random(seed)))
        try:
            survey = survey_file(path)
        except FileRefused:
            continue
        notes = Notes()
        stager = Stager(survey.plan, known={"score": "number", "a": "date"}, tags=("t",), notes=notes)
        (batch,) = read_batches(survey, stager, notes, after=0)
        assert len(batch.rows) == survey.importable, seed
        assert len(batch.rejects) == survey.invalid + survey.duplicates, seed
        assert batch.duplicates == survey.duplicates, seed
        text = copy_text(batch.rows, {tags: "{}" for _, tags in batch.rows}).decode()
        for row in text.split("\n")[:-1] if batch.rows else []:
            assert row.count("\t") == len(COLUMNS), seed


def test_no_bytes_make_the_database_stumble(acme: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    imported = 0
    for seed in range(1_000, 1_060):
        path.write_bytes(noise(random.Random(seed)))
        try:
            run = import_contacts(path=path, tags=["t"])
        except FileRefused:
            continue
        assert run.created + run.updated + run.unchanged + run.duplicates + run.invalid == run.rows_total, seed
        imported += run.created
    assert imported == Contact.objects.count() > 10
