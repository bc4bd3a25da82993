"""What can be wrong with content, in words for its author."""

from common.errors import InvalidInput, LettershopError

_LONGEST_EXCERPT = 60


class TemplateFault(InvalidInput):
    """A part of the content cannot be used; says where, counted from 1."""

    code = "template_fault"

    def __init__(self, message: str, *, part: str, line: int, column: int, excerpt: str) -> None:
        super().__init__(message, field=part)
        self.part = part
        self.line = line
        self.column = column
        self.excerpt = excerpt


class RenderFault(LettershopError):
    """The template ran into one of its limits with the data of this recipient."""

    code = "render_fault"


class CompilerFault(LettershopError):
    """A compiled message is not what it should be: a fault in the compiler, found before anything is sent."""

    code = "compiler_fault"


def fault_at(message: str, part: str, source: str, at: int, end: int | None = None) -> TemplateFault:
    """A fault at an offset of the source; the excerpt ends at `end`, or where its line does."""
    line_end = source.find("\n", at)
    stop = line_end if line_end >= 0 else len(source)
    excerpt = source[at : stop if end is None else min(end, stop)]
    if len(excerpt) > _LONGEST_EXCERPT:
        excerpt = excerpt[: _LONGEST_EXCERPT - 1] + "…"
    return TemplateFault(
        message,
        part=part,
        line=source.count("\n", 0, at) + 1,
        column=at - source.rfind("\n", 0, at),
        excerpt=excerpt,
    )
