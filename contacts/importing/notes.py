"""What an import wants to say about a file without refusing it: each thing once, counted."""

from collections.abc import Iterable
from typing import TypedDict


class Note(TypedDict):
    """`line` is the first line in which it was seen, `example` what stood there."""

    message: str
    example: str
    count: int
    line: int


class Notes:
    """Collects notes; a hundred thousand rows with the same fault make one note."""

    _MOST = 200  # different messages

    def __init__(self, earlier: Iterable[Note] = ()) -> None:
        self._notes: dict[str, Note] = {note["message"]: note for note in earlier}

    def add(self, message: str, line: int, example: str = "") -> None:
        note = self._notes.get(message)
        if note:
            note["count"] += 1
        elif len(self._notes) < self._MOST:
            self._notes[message] = {
                "message": message,
                "example": example.strip()[:60],
                "count": 1,
                "line": line,
            }

    def all(self) -> list[Note]:
        """In the order of the lines; a copy."""
        return sorted((note.copy() for note in self._notes.values()), key=lambda note: note["line"])
