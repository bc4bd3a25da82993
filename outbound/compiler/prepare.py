"""Content made ready for every tier: checked, links and pixel in place, the text version made."""

import re
from dataclasses import dataclass

from jinja2 import Environment, nodes

from common.errors import InvalidInput
from outbound.compiler import language
from outbound.compiler.content import Content, Link, MergeField, Tier
from outbound.compiler.faults import TemplateFault
from outbound.compiler.fields import fields_of, local_names
from outbound.compiler.links import LinkTable, rewrite_text
from outbound.compiler.page import edit_page, pixel_tag, preheader_tag
from outbound.compiler.protect import Protected
from outbound.compiler.rewrite import tree_of, unsubscribe_mark
from outbound.compiler.scan import Scanned, scan
from outbound.compiler.syntax import check_syntax
from outbound.compiler.urls import UnsafeUrl, web_address

CLIPPED_AT = 102 * 1024  # bytes; Gmail shows no more of a page


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts as they are sent, still templates; a message without HTML has one part."""

    base: str
    subject: Scanned
    text: Scanned
    html: Scanned | None
    fields: tuple[MergeField, ...]
    links: tuple[Link, ...]
    warnings: tuple[str, ...]
    needs: Tier  # the fastest tier that may do, macros and captured blocks considered

    def tree(self, part: Scanned) -> nodes.Template:
        """A fresh tree: the tiers change theirs."""
        return tree_of(part, _environment(part), unsubscribe_mark(self.base))


def prepare(content: Content, *, base: str, tracking: bool, pixel: bool, marketing: bool) -> Prepared:
    """Raises TemplateFault, and InvalidInput for a tracking base that is no web address."""
    base = _checked_base(base)
    subject = _scanned("subject", content.subject)
    preheader = _scanned("preheader", content.preheader)
    html = _scanned("html", content.html) if content.html.strip() else None
    text = _scanned("text", content.text) if content.text.strip() else None
    if html is None and text is None:
        raise TemplateFault("There is nothing to send yet.", part="html", line=1, column=1, excerpt="")
    local = {name for part in (html, text, preheader) if part for name in local_names(_checked(part))}
    _checked(subject)
    table = LinkTable(base, local=local, tracking=tracking)
    page = None
    if html is not None:
        hidden = preheader_tag(preheader) if preheader.source.strip() else ""
        page = edit_page(html, table, preheader=hidden, pixel=pixel_tag(base) if pixel else "")
    plain = rewrite_text(Protected(text), table) if text is not None else page.text if page else ""
    parts = (
        subject,
        _finished("text", plain),
        _finished("html", page.html) if page else None,
    )
    return _prepared(base, parts, table, marketing=marketing)


def _checked_base(base: str) -> str:
    try:
        address = web_address(base.rstrip("/"))
    except UnsafeUrl as error:
        raise InvalidInput(f"The tracking address {base} cannot be used: {error}", field="tracking_base") from None
    if address is None or not _BASE.fullmatch(address.origin + address.rest):
        raise InvalidInput(f"The tracking address {base} cannot be used.", field="tracking_base")
    return address.origin + address.rest


_BASE = re.compile(r"https?://[a-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")


def _scanned(part: str, text: str) -> Scanned:
    scanned = scan(part, text)
    check_syntax(scanned)
    return scanned


def _checked(scanned: Scanned) -> nodes.Template:
    return tree_of(scanned, _environment(scanned), "")


def _environment(scanned: Scanned) -> Environment:
    return language.PLAIN_HTML if scanned.part == "html" else language.PLAIN_TEXT


def _finished(part: str, source: str) -> Scanned:
    """A part as it is rendered. Its last line is closed, so that the body's boundary begins a line."""
    return Scanned(part, source if source.endswith("\n") else source + "\n", ())


def _prepared(
    base: str,
    parts: tuple[Scanned, Scanned, Scanned | None],
    table: LinkTable,
    *,
    marketing: bool,
) -> Prepared:
    subject, text, html = parts
    mark = unsubscribe_mark(base)
    trees = [tree_of(subject, language.PLAIN_TEXT, mark), tree_of(text, language.PLAIN_TEXT, mark)]
    if html is not None:
        trees.append(tree_of(html, language.PLAIN_HTML, mark))
    warnings = [*table.warnings, *_warnings(parts, table, marketing=marketing)]
    needs = Tier.FULL if any(tree.find(kind) for tree in trees[1:] for kind in _FULL_ONLY) else Tier.SEGMENTS
    return Prepared(base, subject, text, html, fields_of(trees), tuple(table.links), tuple(warnings), needs)


# What captures output in a variable, where encoded text must not go.
_FULL_ONLY = (nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)


def _warnings(parts: tuple[Scanned, Scanned, Scanned | None], table: LinkTable, *, marketing: bool) -> list[str]:
    subject, _, html = parts
    warnings = []
    if not subject.source.strip():
        warnings.append("The subject is empty.")
    if marketing and not table.has_unsubscribe:
        warnings.append("There is no unsubscribe link: put one in with {{ unsubscribe_url }}.")
    if html is not None and len(html.source.encode()) > CLIPPED_AT:
        warnings.append("The HTML is larger than 102 KB: Gmail will cut it off.")
    return warnings
