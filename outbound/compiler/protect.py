"""HTML with its template tags put out of sight, so that it can be looked at as HTML."""

from bisect import bisect_right

from outbound.compiler import marks
from outbound.compiler.faults import TemplateFault
from outbound.compiler.scan import Kind, Scanned, Tag


class Protected:
    """A source whose tags are replaced by marks. `restore` undoes that, also in text cut out of it."""

    def __init__(self, scanned: Scanned) -> None:
        self.scanned = scanned
        pieces: list[str] = []
        self._starts, self._origins = [0], [0]
        at = size = 0
        for number, tag in enumerate(scanned.tags):
            mark = marks.tag_mark(number)
            pieces += [scanned.source[at : tag.start], mark]
            size += tag.start - at
            self._note(size, tag.start)
            size, at = size + len(mark), tag.end
            self._note(size, at)
        self.text = "".join([*pieces, scanned.source[at:]])

    def tags_in(self, text: str) -> list[Tag]:
        return [self.scanned.tags[int(found[1])] for found in marks.TAG.finditer(text)]

    def has_variable(self, text: str) -> bool:
        return marks.TAG_BEGIN in text and any(tag.kind is Kind.VARIABLE for tag in self.tags_in(text))

    def restore(self, text: str) -> str:
        source, tags = self.scanned.source, self.scanned.tags
        return marks.TAG.sub(lambda found: source[(tag := tags[int(found[1])]).start : tag.end], text)

    def fault(self, message: str, start: int, end: int) -> TemplateFault:
        """A fault at a place of the protected text, told as its place in the source."""
        return self.scanned.fault(message, self._origin(start), self._origin(end))

    def line(self, at: int) -> int:
        return self.scanned.source.count("\n", 0, self._origin(at)) + 1

    def _note(self, start: int, origin: int) -> None:
        self._starts.append(start)
        self._origins.append(origin)

    def _origin(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        return self._origins[index] + at - self._starts[index]
