"""Where in a page a field may stand.

A value is escaped, which makes it text within text and within quotation marks. Anywhere else it could
become a tag, an attribute or a program, so a field is refused there.
"""

from collections.abc import Iterable

from outbound.compiler import marks
from outbound.compiler.faults import TemplateFault
from outbound.compiler.markup import EndTag, Markup, Other, StartTag, Text
from outbound.compiler.protect import Protected


def refuse_markup_from_fields(source: Protected, tokens: Iterable[Markup]) -> None:
    """Raises TemplateFault for the first field that stands where its value could become markup."""
    if not source.scanned.tags:
        return
    before: Markup | None = None
    for token in tokens:
        written = source.text[token.start : token.end]
        if isinstance(token, Text):
            _check_text(source, token, before)
        elif isinstance(token, StartTag):
            _check_tag(source, token)
        elif _is_declaration(token, written) and source.has_variable(written):
            raise _no_tag(source, token)
        before = token


def _check_text(source: Protected, token: Text, before: Markup | None) -> None:
    text = source.text
    if isinstance(before, StartTag) and before.name == "script" and source.has_variable(text[token.start : token.end]):
        raise source.fault(
            "A field cannot stand in a script; no mail program runs it anyhow.", before.start, before.end
        )
    if not token.raw and text[token.end - 1] == "<" and text.startswith(marks.TAG_BEGIN, token.end):
        mark = text[token.end : text.index(marks.TAG_END, token.end) + 1]
        if source.has_variable(mark):
            raise _no_tag(source, token)


def _check_tag(source: Protected, token: StartTag) -> None:
    if not source.has_variable(source.text[token.start : token.end]):
        return
    if source.has_variable(token.name):
        raise _no_tag(source, token)
    for attribute in token.attributes:
        if source.has_variable(attribute.name):
            message = (
                "A field cannot stand between the attributes of a tag, only in the value of one, in quotation marks."
            )
        elif not source.has_variable(attribute.value):
            continue
        elif not attribute.quote:
            message = f'Put quotation marks around the value of {attribute.name}, like {attribute.name}="…".'
        elif attribute.name.startswith("on"):
            message = f"A field cannot stand in {attribute.name}, which is a script."
        else:
            continue
        raise source.fault(message, token.start, token.end)


def _is_declaration(token: Markup, written: str) -> bool:
    """An end tag, a declaration or an instruction; in a comment a value stays a comment."""
    return isinstance(token, EndTag) or (isinstance(token, Other) and not written.startswith("<!--"))


def _no_tag(source: Protected, token: Markup) -> TemplateFault:
    return source.fault(
        "A field cannot be part of an HTML tag, other than as the value of an attribute.", token.start, token.end
    )
