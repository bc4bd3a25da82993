"""How a file is laid out: what divides its cells, and whether its first record is a heading."""

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice

from common.addresses import SPACES, plain_key
from contacts.importing.decoding import FileFacts, open_text
from contacts.importing.headings import field_of_heading
from contacts.importing.refusals import NothingInside

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 1 << 18
_SAMPLE_RECORDS = 300
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_NUMERIC = re.compile(r"[-+]?[\d.,/: ()-]*\d[\d.,/: ()-]*")

Row = list[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a reader must know. `header_line` is 0 where there is no heading; `columns` then are numbered."""

    facts: FileFacts
    delimiter: str
    newline: str
    sep_line: bool
    header_line: int
    columns: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]

    def cells(self, index: int) -> list[str]:
        """What a column holds in the sample, without empty cells."""
        cells = (row[index].strip(_BLANK) for row in self.sample if index < len(row))
        return [cell for cell in cells if cell]


def sniff_layout(facts: FileFacts, *, delimiter: str = "", header: bool | None = None) -> Layout:
    """The layout, from the beginning of the file; `delimiter` and `header` are a person's word against
    ours. Raises NothingInside where there is no record at all."""
    text = _beginning(facts)
    said = _SEP_LINE.match(text)
    delimiter = delimiter or (said[1] if said else "") or _likeliest_delimiter(text)
    rows = _rows(text, delimiter, first_line=1)[1 if said else 0 :]
    filled = [(line, row) for line, row in rows if not is_blank(row)]
    if not filled:
        raise NothingInside("The file holds nothing but empty lines.")
    first_line, first = filled[0]
    if header is None:
        header = _looks_like_heading(first)
    return Layout(
        facts=facts,
        delimiter=delimiter,
        newline=_newline(text),
        sep_line=bool(said),
        header_line=first_line if header else 0,
        columns=_names(first, header, max(len(row) for _, row in filled)),
        sample=tuple(tuple(row) for _, row in filled[1 if header else 0 :]),
    )


def is_blank(row: Row) -> bool:
    """Nothing but spaces, seen or unseen."""
    return not "".join(row).strip(_BLANK)


_BLANK = SPACES + "\r\n\v\f"


def _beginning(facts: FileFacts) -> str:
    stream, _ = open_text(facts)
    with stream:
        text = stream.read(_SAMPLE_CHARACTERS)
    if len(text) < _SAMPLE_CHARACTERS:
        return text.replace("\0", "")
    cut = max(text.rfind("\n"), text.rfind("\r")) + 1  # the last line of the sample may be half a line
    return (text[:cut] if cut else text).replace("\0", "")


def _likeliest_delimiter(text: str) -> str:
    """The one that makes cells of addresses; where there are none, the one that makes equal rows."""
    return max(DELIMITERS, key=lambda delimiter: _score(text, delimiter))


def _score(text: str, delimiter: str) -> tuple[float, bool, float, int]:
    rows = [row for _, row in _rows(text, delimiter, first_line=1) if not is_blank(row)]
    if not rows:
        return 0.0, False, 0.0, 0
    width = len(rows[0])
    addresses = sum(any(holds_address(cell) for cell in row) for row in rows) / len(rows)
    return round(addresses, 2), width > 1, sum(len(row) == width for row in rows) / len(rows), width


def _rows(text: str, delimiter: str, *, first_line: int) -> list[tuple[int, Row]]:
    """Records of the sample with their lines; a record that cannot be read ends the list."""
    rows: list[tuple[int, Row]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = first_line
    try:
        for row in islice(reader, _SAMPLE_RECORDS):
            rows.append((line, row))
            line = first_line + reader.line_num
    except csv.Error:
        return rows  # the survey reads the same place with the right words for it
    return rows


def holds_address(cell: str) -> bool:
    return "@" in cell and plain_key(cell.strip(_BLANK)) is not None


def _looks_like_heading(row: Row) -> bool:
    """A heading has no address and no number in it, unless one of its words is known."""
    if any("@" in cell for cell in row):
        return False
    if any(field_of_heading(cell) for cell in row):
        return True
    return not any(_NUMERIC.fullmatch(cell.strip(_BLANK)) for cell in row)


def _names(first: Row, header: bool, width: int) -> tuple[str, ...]:
    if header:
        return tuple(name.strip(_BLANK) or f"Column {n}" for n, name in enumerate(first, 1))
    return tuple(f"Column {n}" for n in range(1, width + 1))


def _newline(text: str) -> str:
    if "\r\n" in text:
        return "CRLF"
    return "LF" if "\n" in text else "CR"
