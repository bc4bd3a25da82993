"""An HTML page made ready for sending: links, preheader, pixel and charset; every other byte as it was."""

import re
from dataclasses import dataclass

from outbound.compiler import marks
from outbound.compiler.links import LinkTable, is_unsubscribe
from outbound.compiler.markup import SPACE, Attribute, EndTag, Markup, StartTag, tokens
from outbound.compiler.placement import refuse_markup_from_fields
from outbound.compiler.plaintext import Target, text_of_page
from outbound.compiler.protect import Protected
from outbound.compiler.scan import Kind, Scanned


@dataclass(frozen=True, slots=True)
class Edited:
    """Template sources: the page to send, and the text version made from it."""

    html: str
    text: str


def edit_page(scanned: Scanned, table: LinkTable, *, preheader: str, pixel: str) -> Edited:
    """`preheader` and `pixel` are HTML to put in.

    Raises TemplateFault for unsafe links, and for a field where its value could become markup.
    """
    source = Protected(scanned)
    found = list(tokens(source.text))
    edits: list[_Edit] = []
    targets: dict[int, Target] = {}
    refuse_markup_from_fields(source, found)
    table.has_unsubscribe |= any(is_unsubscribe(tag) for tag in scanned.tags)
    for token in found:
        if isinstance(token, StartTag):
            if token.name in ("a", "area"):
                _edit_links(source, table, token, edits, targets)
            elif token.name == "meta":
                edits += _charset(token)
    text = text_of_page(source, found, targets)
    if preheader:
        edits.append(_insertion(_body_start(found), preheader))
    if pixel:
        edits.append(_insertion(_body_end(found, len(source.text)), pixel))
    return Edited(source.restore(_applied(source.text, edits)), text)


def pixel_tag(base: str) -> str:
    return (
        f'<img src="{base}/o/{marks.TOKEN}.gif" width="1" height="1" alt="" '
        'style="display:block;width:1px;height:1px;border:0">'
    )


def preheader_tag(template: Scanned) -> str:
    """The line that a mailbox shows beside the subject, as a hidden element. Its text is text, not HTML."""
    parts, at = [], 0
    for tag in template.tags:
        parts += [_escaped(template.source[at : tag.start]), template.source[tag.start : tag.end]]
        at = tag.end
    parts.append(_escaped(template.source[at:]))
    return f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{"".join(parts)}</div>'


_Edit = tuple[int, int, str]
_CHARSET = re.compile(r"(charset\s*=\s*)[\"']?([A-Za-z0-9_:.-]+)", re.IGNORECASE)


def _edit_links(
    source: Protected, table: LinkTable, tag: StartTag, edits: list[_Edit], targets: dict[int, Target]
) -> None:
    for attribute in tag.attributes:
        if attribute.name != "href":
            continue
        written = attribute.text.strip(SPACE)
        replacement = table.target(source, written, attribute.start, attribute.end)
        if replacement is not None:
            edits.append((attribute.start, attribute.end, replacement))
        if tag.name == "a" and tag.start not in targets:
            target = _text_target(source, written, replacement)
            if target:
                targets[tag.start] = target


def _text_target(source: Protected, written: str, replacement: str | None) -> Target | None:
    """What the text version shows for a link; nothing for one that leads nowhere outside a mail program."""
    if written.lower().startswith("mailto:"):
        return Target(written.partition("?")[0], written[len("mailto:") :].partition("?")[0])
    if written.lower().startswith(("http://", "https://")):
        return Target(written, replacement or written)
    if written.startswith(marks.TAG_BEGIN):
        only_blocks = all(tag.kind is not Kind.VARIABLE for tag in source.tags_in(written))
        return None if only_blocks and not marks.TAG.sub("", written) else Target(written, written)
    return None


def _charset(tag: StartTag) -> list[_Edit]:
    """We send UTF-8, whatever the page was saved in."""
    if tag.get("charset") is not None:
        attribute = _attribute(tag, "charset")
        return [] if attribute.text.strip().lower() == "utf-8" else [(attribute.start, attribute.end, "utf-8")]
    if (tag.get("http-equiv") or "").strip().lower() != "content-type" or tag.get("content") is None:
        return []
    content = _attribute(tag, "content")
    found = _CHARSET.search(content.value)
    if found is None or found[2].lower() == "utf-8":
        return []
    return [(content.start + found.start(2), content.start + found.end(2), "utf-8")]


def _attribute(tag: StartTag, name: str) -> Attribute:
    return next(attribute for attribute in tag.attributes if attribute.name == name)


def _insertion(at: int, text: str) -> _Edit:
    return at, at, text


def _body_start(found: list[Markup]) -> int:
    """After <body>; in a page without one after its head, or before its first element or text."""
    starts = [token for token in found if isinstance(token, StartTag)]
    bodies = [token.end for token in starts if token.name == "body"]
    heads = [token.end for token in found if isinstance(token, EndTag) and token.name == "head"]
    if bodies or heads or not starts:
        return (bodies or heads or [0])[0]
    return starts[0].end if starts[0].name == "html" else starts[0].start


def _body_end(found: list[Markup], size: int) -> int:
    for name in ("body", "html"):
        for token in reversed(found):
            if isinstance(token, EndTag) and token.name == name:
                return token.start
    return size


def _applied(text: str, edits: list[_Edit]) -> str:
    pieces, at = [], 0
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[at:start], replacement]
        at = end
    return "".join([*pieces, text[at:]])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
