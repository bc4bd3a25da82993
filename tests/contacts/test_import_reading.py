"""Files that are large, broken or hostile: bounded memory, the right line, the right words."""

import csv
import os
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from contacts.importing.decoding import examine
from contacts.importing.notes import Notes
from contacts.importing.plan import MOST_COLUMNS
from contacts.importing.reading import BATCH, Batch, read_batches
from contacts.importing.records import LONGEST_LINE, MOST_LINES, Records
from contacts.importing.refusals import BrokenText, FileRefused, NotText
from contacts.importing.repeats import FirstLines, repeated_hashes
from contacts.importing.staging import Stager
from contacts.importing.survey import MOST_TAGS, survey_file


def write(folder: Path, data: str | bytes) -> Path:
    path = folder / "contacts.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def batches(path: Path, *, after: int = 0) -> list[Batch]:
    survey, notes = survey_file(path), Notes()
    stager = Stager(survey.plan, known={}, tags=(), notes=notes)
    return list(read_batches(survey, stager, notes, after=after))


def lines_of(found: list[Batch]) -> list[int]:
    return [int(text.partition("\t")[0]) for batch in found for text, _ in batch.rows]


def test_a_quote_that_is_never_closed_does_not_eat_a_large_file(tmp_path: Path) -> None:
    rows = [f"user{n}@example.com,name {n}" for n in range(20_000)]
    rows[7_000] = 'user7000@example.com,"forgotten'
    with pytest.raises(BrokenText) as refusal:
        survey_file(write(tmp_path, "email,name\n" + "\n".join(rows) + "\n"))
    assert refusal.value.line == 7_002


def test_a_forgotten_quote_is_found_where_it_stands_though_others_follow(tmp_path: Path) -> None:
    rows = [f'user{n}@example.com,"name {n}"' for n in range(3_000)]
    rows[10] = 'user10@example.com,"forgotten'
    with pytest.raises(BrokenText) as refusal:
        survey_file(write(tmp_path, "email,name\n" + "\n".join(rows) + "\n"))
    assert refusal.value.line == 12


def test_a_long_note_is_a_note_and_a_longer_one_is_a_mistake(tmp_path: Path) -> None:
    note = "\n".join("word" for _ in range(MOST_LINES - 1))
    path = write(tmp_path, f'email,note\na@example.com,"{note}"\nb@example.com,x\n')
    assert lines_of(batches(path)) == [2, 2 + MOST_LINES - 1]
    with pytest.raises(BrokenText):
        survey_file(write(tmp_path, f'email,note\na@example.com,"{note}\n\n"\n'))


def test_lines_are_counted_over_the_borders_of_what_is_read_at_once(tmp_path: Path) -> None:
    wide = "x" * 900
    rows = [f'user{n}@example.com,"{wide}\n{wide}"' for n in range(2_000)]
    path = write(tmp_path, "email,note\n" + "\n".join(rows) + "\n")
    with Records(examine(path), ",") as records:
        assert [line for line, _ in records] == [1, *range(2, 2 + 2 * 2_000, 2)]


def test_a_file_without_line_ends_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    with pytest.raises(NotText):
        survey_file(write(tmp_path, b"email," + b"x" * 3_000_000))
    with pytest.raises(BrokenText):
        survey_file(write(tmp_path, "email,name\na@example.com," + "y" * LONGEST_LINE + "\n" + "z" * 10 + "\n"))


def test_a_cell_beyond_all_measure_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = "email,name\na@example.com,Ann\nb@example.com," + "y" * (csv.field_size_limit() + 1) + "\n"
    with pytest.raises(BrokenText) as refusal:
        survey_file(write(tmp_path, rows))
    assert refusal.value.line == 3


def test_too_many_columns_are_refused_in_words(tmp_path: Path) -> None:
    heading = ",".join(["email", *(f"c{n}" for n in range(MOST_COLUMNS))])
    with pytest.raises(FileRefused, match="1,001 columns"):
        survey_file(write(tmp_path, f"{heading}\na@example.com\n"))


def test_a_column_that_would_make_thousands_of_tags_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"user{n}@example.com,group {n}\n" for n in range(MOST_TAGS + 2_000))
    with pytest.raises(FileRefused, match="5,000 tags"):
        survey_file(write(tmp_path, "email,tags\n" + rows))


def test_one_late_cell_decides_that_a_column_is_text(tmp_path: Path) -> None:
    rows = "".join(f"user{n}@example.com,{n}\n" for n in range(5_000))
    plan = survey_file(write(tmp_path, f"email,score\n{rows}last@example.com,n/a\n")).plan
    assert plan.columns[1].kind.value == "text"


def test_windows_letters_are_found_wherever_they_stand(tmp_path: Path) -> None:
    """A file's beginning may be plain ASCII for megabytes."""
    rows = b"".join(b"user%d@example.com,Ann\n" % n for n in range(60_000))
    path = write(tmp_path, b"email,name\n" + rows + b"last@example.com,J\xf6rg\n")
    assert examine(path).encoding == "windows-1252"
    assert "Jörg" in batches(path)[-1].rows[-1][0]


def test_utf_8_cut_by_the_border_of_a_block_is_still_utf_8(tmp_path: Path) -> None:
    start = b"email,name\n" + b"a@example.com,Ann\n" * 58_254
    path = write(tmp_path, start + b"#" * ((1 << 20) - 1 - len(start)) + "ö,x\nb@example.com,ö\n".encode())
    assert (examine(path).encoding, examine(path).strange_bytes) == ("utf-8", 0)


def test_batches_have_one_size_and_all_rows_once(tmp_path: Path) -> None:
    rows = 2 * BATCH + 5
    path = write(tmp_path, "email,n\n" + "".join(f"user{n}@example.com,{n}\n" for n in range(rows)))
    found = batches(path)
    assert [len(batch.rows) for batch in found] == [BATCH, BATCH, 5]
    assert lines_of(found) == list(range(2, rows + 2))
    assert found[-1].position == path.stat().st_size


def test_a_second_part_knows_the_addresses_of_the_first(tmp_path: Path) -> None:
    path = write(tmp_path, "email\na@example.com\nb@example.com\nA@example.com\nc@example.com\nb@example.com\n")
    (rest,) = batches(path, after=3)
    assert lines_of([rest]) == [5]
    assert [(line, reason) for line, reason, _ in rest.rejects] == [
        (4, "Line 2 has the same address."),
        (6, "Line 3 has the same address."),
    ]


def test_repeated_addresses_are_found_in_large_and_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"user{n}@example.com" for n in range(5_000)] + ["user7@example.com"] * 2 + ["user9@example.com"]
    expected = {hash("user7@example.com"): 3, hash("user9@example.com"): 2}
    hashes = array("q", map(hash, keys))
    assert repeated_hashes(hashes) == expected
    monkeypatch.setattr("contacts.importing.repeats._SORTED_AT_ONCE", 100)
    assert repeated_hashes(hashes) == expected


def test_the_first_line_of_an_address_wins() -> None:
    firsts = FirstLines({hash("a@example.com"): 2})
    assert [
        firsts.before(key, line) for line, key in enumerate(("a@example.com", "b@example.com", "a@example.com"), 1)
    ] == [0, 0, 1]


def test_rejected_rows_come_back_corrected_without_their_guards(tmp_path: Path) -> None:
    text = "Import line,Import reason,email,phone\n3,There is no @ in it.,a@example.com,'+4930123\n"
    (batch,) = batches(write(tmp_path, text))
    assert '{"phone": "+4930123"}' in batch.rows[0][0]
    assert batch.attributes == {"phone": ("phone", "text")}


def test_reading_a_file_needs_no_django() -> None:
    program = "import sys, contacts.importing.reading; sys.exit('django' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    environ = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'platform'}"}
    assert subprocess.run([sys.executable, "-c", program], env=environ, check=False).returncode == 0
