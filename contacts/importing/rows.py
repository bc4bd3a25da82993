"""The rows of a file: blank lines dropped, cells fitted to the columns, addresses checked."""

from collections.abc import Iterator

from common.addresses import Address, InvalidAddress, plain_key
from contacts.importing.address_cells import address_in_cell
from contacts.importing.layout import Layout, Row, is_blank
from contacts.importing.records import Records
from contacts.importing.spreadsheet import REJECT_HEADINGS, as_it_was

# line, cells, key of the address, and the address where the key alone does not say how it is written.
# Instead of an address stands the refusal; the key then is "".
CheckedRow = tuple[int, Row, str, Address | InvalidAddress | None]


class Rows:
    """Iterates over the rows below the heading; counts what it passes over.

    Every row has one cell more than there are columns: an empty one, for fields that no column has.
    Raises BrokenText as Records does.
    """

    def __init__(self, layout: Layout, email_column: int) -> None:
        self.blank_lines = 0
        self.ragged_lines: list[int] = []
        self.ragged = 0
        self.records = Records(layout.facts, layout.delimiter, skip_lines=1 if layout.sep_line else 0)
        self._layout = layout
        self._email = email_column

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self.records.__exit__()

    def __iter__(self) -> Iterator[CheckedRow]:
        width, email, header_line = len(self._layout.columns), self._email, self._layout.header_line
        guarded = self._layout.columns[:2] == REJECT_HEADINGS
        for line, row in self.records:
            if line <= header_line:
                continue
            if guarded:
                row = [as_it_was(cell) for cell in row]
            if len(row) == width:
                row.append("")
            elif is_blank(row):
                self.blank_lines += 1
                continue
            else:
                row = self._fitted(line, row, width)
            cell = row[email]
            key = plain_key(cell)
            if key is not None:
                yield line, row, key, None
                continue
            if is_blank(row):
                self.blank_lines += 1
                continue
            try:
                address = address_in_cell(cell)
            except InvalidAddress as refusal:
                yield line, row, "", refusal
            else:
                yield line, row, address.key, address

    def _fitted(self, line: int, row: Row, width: int) -> Row:
        """Missing cells are empty. Cells beyond the columns are dropped, and noted unless they are empty."""
        if len(row) < width or any(row[width:]):
            self.ragged += 1
            if len(self.ragged_lines) < _MOST_LINES_KEPT:
                self.ragged_lines.append(line)
        return [*row[:width], *[""] * (width - len(row)), ""]


_MOST_LINES_KEPT = 100
