"""Reading records one by one, each with the number of the physical line it begins in."""

import csv
import sys
from collections.abc import Iterator
from itertools import chain

from contacts.importing.decoding import FileFacts, open_text
from contacts.importing.refusals import BrokenText

LONGEST_LINE = 1 << 20  # characters; beyond it a file is not a table
MOST_LINES = 500  # of one record: a long note, not the rest of the file
_BLOCK = 1 << 19  # characters read at once; the csv module then takes the lines without our help


class Records:
    """The records of a file in order; blank lines come as empty lists.

    Iterating yields (line, cells) with lines counted from 1. Raises BrokenText where a quote is opened and
    not closed within `MOST_LINES` lines or the csv module's limit of a cell (128 KB), and where the quote that
    closes it clearly belongs to another cell.
    """

    def __init__(self, facts: FileFacts, delimiter: str, *, skip_lines: int = 0) -> None:
        self._text, self._raw = open_text(facts)
        self._delimiter = delimiter
        self._skip_lines = skip_lines
        self._has_nul = facts.has_nul
        self._line = 1
        self._block_line = 1
        self._last_line = sys.maxsize
        self._recent: list[str] = []

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def bytes_read(self) -> int:
        """How much of the file has been read, to the nearest buffer."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for _ in range(self._skip_lines):
            self._text.readline(LONGEST_LINE)
        self._line = self._block_line = line = 1 + self._skip_lines
        reader = csv.reader(chain.from_iterable(self._blocks()), delimiter=self._delimiter)
        try:
            for cells in reader:
                after = reader.line_num + 1 + self._skip_lines
                if after - line > 1:
                    self._check_closed(line, after)
                elif not cells and line > self._last_line:
                    return
                yield line, cells
                self._line = line = after
        except csv.Error as error:
            raise _unclosed(self._line) from error

    def _blocks(self) -> Iterator[list[str]]:
        """Lines by the thousand. The last block is remembered, and of the one before it what may be needed."""
        read = 0
        while lines := self._text.readlines(_BLOCK):
            if self._has_nul:  # PostgreSQL's text has no place for it
                lines = [text.replace("\0", "") for text in lines]
            if max(map(len, lines)) >= LONGEST_LINE:
                raise _endless(self._line)
            kept = self._recent[-MOST_LINES:]
            self._block_line = 1 + self._skip_lines + read - len(kept)
            self._recent = kept + lines
            read += len(lines)
            yield lines
        self._last_line = self._skip_lines + read
        yield [""]  # a quote that is open at the end would pass for closed: this makes its record one line longer

    def _check_closed(self, line: int, after: int) -> None:
        """A forgotten quote ends at the next opening one, in the middle of a cell; or at no quote at all."""
        lines = self._recent[line - self._block_line : after - self._block_line]
        if after - line > MOST_LINES:
            raise _unclosed(line)
        try:
            list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            raise _unclosed(line) from None


def _unclosed(line: int) -> BrokenText:
    return BrokenText(
        f"In line {line} a quotation mark is opened and never closed.",
        hint="Close it or remove it, then import the file again.",
        line=line,
    )


def _endless(line: int) -> BrokenText:
    return BrokenText(
        f"After line {line} comes one of more than {LONGEST_LINE:,} characters.",
        hint="Is this a CSV file with one contact a line?",
        line=line,
    )
