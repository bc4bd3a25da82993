"""What the cells of a column are throughout a file: numbers, dates, answers, or text.

Text is the answer in doubt. One cell that is no number makes a column text; so do leading zeros, and signs
that could be read in two ways.
"""

from contacts.importing.fields import Kind
from contacts.importing.headings import normalised
from contacts.importing.values import CHECKS

# In order of preference, where a column fits several.
_CANDIDATES = (
    Kind.NUMBER,
    Kind.NUMBER_ENGLISH,
    Kind.NUMBER_COMMA,
    Kind.BOOLEAN,
    Kind.DATE,
    Kind.DATE_DMY,
    Kind.DATE_MDY,
)
_POINT_NUMBERS = {Kind.NUMBER, Kind.NUMBER_ENGLISH}
# Digits that nobody adds up: the words of a heading that say so.
_CODES = (
    "id",
    "ids",
    "uuid",
    "guid",
    "phone",
    "mobile",
    "sms",
    "fax",
    "tel",
    "telefon",
    "telefono",
    "telefone",
    "whatsapp",
    "zip",
    "plz",
    "postcode",
    "postal",
    "code",
    "cap",
    "cp",
    "iban",
    "bic",
    "vat",
    "ssn",
    "isbn",
    "ean",
    "sku",
    "nr",
)


class KindGuess:
    """Tell it all cells of a column, in any number of parts; then ask."""

    def __init__(self, heading: str, delimiter: str) -> None:
        self.filled = False
        self._delimiter = delimiter
        self._pointed = False
        self._slashed = False
        self._left = [] if _names_a_code(heading) else list(_CANDIDATES)

    @property
    def settled(self) -> bool:
        """Nothing more can change: it has cells, and they are text."""
        return self.filled and not self._left

    def observe(self, cells: set[str]) -> None:
        """Take note of cells without spaces around them; empty ones say nothing."""
        cells.discard("")
        if not cells:
            return
        self.filled = True
        left: list[Kind] = []
        for kind in self._left:
            if (kind is Kind.NUMBER_ENGLISH and Kind.NUMBER in left) or None not in map(CHECKS[kind], cells):
                left.append(kind)
        self._left = left
        if len(left) > 1:
            joined = "".join(cells)
            self._pointed = self._pointed or "." in joined
            self._slashed = self._slashed or "/" in joined

    def kind(self) -> Kind:
        """Of the whole column. TEXT for one without any cell."""
        left = set(self._left)
        if not self.filled or not left:
            return Kind.TEXT
        if self._is_ambiguous(left):
            return Kind.TEXT
        return next(kind for kind in _CANDIDATES if kind in left)

    def _is_ambiguous(self, left: set[Kind]) -> bool:
        """1.234 is a thousand in a file with semicolons, perhaps; 03/04/2026 is in March or in April."""
        if {Kind.DATE_DMY, Kind.DATE_MDY} <= left:
            return self._slashed
        if Kind.NUMBER_COMMA not in left or not left & _POINT_NUMBERS or self._delimiter == ",":
            return False
        return self._pointed or Kind.NUMBER not in left


def _names_a_code(heading: str) -> bool:
    words = "".join(char if char.isalnum() else " " for char in heading).split()
    return any(normalised(word) in _CODES for word in words)
