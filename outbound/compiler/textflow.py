"""White space of a page as plain text: runs of blanks become one, blocks get lines of their own."""

import re


class Page:
    """Collects text and tags of the template; the tags have no part in where lines break."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._breaks = 2  # line breaks at the end so far; a page begins as if after a gap
        self._wanted = 0
        self._blank = False

    def text(self, text: str) -> None:
        collapsed = _BLANKS.sub(" ", text)
        if collapsed.startswith(" "):
            self._blank = True
        words = collapsed.strip(" ")
        if words:
            self.literal(words)
            self._blank = collapsed.endswith(" ")

    def literal(self, text: str) -> None:
        self._settle()
        self.pieces.append(text)
        self._breaks = 0

    def tag(self, mark: str, *, visible: bool) -> None:
        if visible:
            self.literal(mark)
            return
        self._settle()
        self.pieces.append(mark)

    def lines(self, count: int) -> None:
        if count:
            self._wanted = max(self._wanted, count)
            self._blank = False

    def blank(self) -> None:
        self._blank = True

    def line_break(self) -> None:
        self._blank = False
        self._settle()
        self._wanted = min(self._breaks + 1, 2)

    def finished(self) -> str:
        return "".join(self.pieces).strip("\n") + "\n"

    def _settle(self) -> None:
        missing = self._wanted - self._breaks
        if missing > 0:
            self.pieces.append("\n" * missing)
            self._breaks = self._wanted
        if self._blank and self._breaks == 0 and not self.pieces[-1].endswith(" "):
            self.pieces.append(" ")
        self._wanted, self._blank = 0, False


_BLANKS = re.compile("[ \t\n\r\f\u00a0]+")
