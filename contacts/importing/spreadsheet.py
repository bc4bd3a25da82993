"""Cells that a spreadsheet shows and does not run.

A cell that begins like a formula is given a leading apostrophe, which spreadsheets take for "this is text"
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

from collections.abc import Iterable

# The first two headings of a file of rejected rows: a file that begins so is guarded, and may come back corrected.
REJECT_HEADINGS = ("Import line", "Import reason")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_row(cells: Iterable[str]) -> list[str]:
    """The cells of a line in a file for people."""
    return [safe_cell(cell) for cell in cells]


def safe_cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_it_was(cell: str) -> str:
    """A cell without the apostrophe that `safe_cell` gave it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
