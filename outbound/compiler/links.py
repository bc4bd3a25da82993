"""Links: which are tracked, under which number, and what stands in the mail instead.

A tracked link is the token and a number. The number is the link's place in the table of the message, so
nobody can make the redirect lead anywhere else. What an author wrote is checked here, when it is
compiled, not when somebody clicks.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import Template, nodes

from outbound.compiler import marks
from outbound.compiler.content import Link
from outbound.compiler.fields import names_of
from outbound.compiler.language import BUDGET, LINK, MESSAGE_DATE, UNSUBSCRIBE_URL, Budget
from outbound.compiler.protect import Protected
from outbound.compiler.rewrite import expression_tree
from outbound.compiler.scan import Kind, Tag
from outbound.compiler.urls import UnsafeUrl, ascii_path, scheme_of, web_address

MOST_LINKS = 1_000


def fill_link(link: Link, values: Mapping[str, object]) -> str:
    """The address a click leads to. `values` by the names of `link.needs`; each is percent-encoded."""
    if not link.needs:
        return link.url
    template = _link_template(link.url)
    return "".join(template.root_render_func(template.new_context({**values, BUDGET: Budget()})))


class LinkTable:
    """Collects the tracked links of all parts, and what the author should know about the others.

    With `tracking` off, links are checked and stay what they are.
    """

    def __init__(self, base: str, *, local: set[str], tracking: bool = True) -> None:
        self.links: list[Link] = []
        self.warnings: list[str] = []
        self.has_unsubscribe = False
        self._base = base
        self._local = local
        self._tracking = tracking

    def target(self, source: Protected, url: str, start: int, end: int) -> str | None:
        """What replaces a link's target, or None where it stays. Raises TemplateFault.

        `url` stands at `start` to `end` of the protected source; blanks and references are resolved.
        """
        try:
            return self._target(source, url, start, end)
        except UnsafeUrl as error:
            raise source.fault(str(error), start, end) from None

    def _target(self, source: Protected, url: str, start: int, end: int) -> str | None:
        tags = source.tags_in(url)
        self.has_unsubscribe |= any(is_unsubscribe(tag) for tag in tags)
        if not url or url.startswith("#"):
            return None
        if url.startswith(marks.TAG_BEGIN):
            return self._dynamic(source, url, tags[0], start)
        scheme = scheme_of(url)
        if not scheme:
            if not url.startswith(("[", "*|", "%", "<%", "{")):
                self._warn(source, start, "has no https:// before it and will not work in a mail", url)
            return None
        if scheme not in ("http", "https"):
            return None
        address = web_address(marks.TAG.sub("{", url)) if marks.TAG_BEGIN in url else web_address(url)
        if address is None:
            self._warn(source, start, "is not tracked: its host is not known before sending", url)
            return None
        if not self._tracking:
            return None
        needs = self._needs(source, tags)
        if needs is None:
            self._warn(source, start, "is not tracked: it depends on more than the contact's fields", url)
            return None
        return self._track(source, Link(address.origin + _path(source, url), needs), start, end)

    def _dynamic(self, source: Protected, url: str, tag: Tag, start: int) -> str | None:
        """A target that a field begins: its scheme is only known for each recipient."""
        if is_unsubscribe(tag):
            return None
        self._warn(source, start, "is not tracked: its host is not known before sending", url)
        if tag.kind is not Kind.VARIABLE:
            return None
        rest = url[url.index(marks.TAG_END) + 1 :]
        return f"{{{{ ({source.scanned.expression(tag)})|href }}}}{rest}"

    def _needs(self, source: Protected, tags: list[Tag]) -> tuple[str, ...] | None:
        """The fields in a link's path and query; None when a click cannot know them."""
        names: dict[str, None] = {}
        for tag in tags:
            if tag.kind is not Kind.VARIABLE:
                return None
            tree = expression_tree(source.scanned.source[tag.start : tag.end], LINK)
            names.update(dict.fromkeys(names_of(tree)))
            if any(True for _ in tree.find_all(nodes.Call)):
                return None
        if self._local & names.keys() or {UNSUBSCRIBE_URL, MESSAGE_DATE} & names.keys():
            return None
        return tuple(names)

    def _track(self, source: Protected, link: Link, start: int, end: int) -> str:
        if len(self.links) >= MOST_LINKS:
            raise source.fault(f"A message has at most {MOST_LINKS} links.", start, end)
        self.links.append(link)
        return f"{self._base}/c/{marks.TOKEN}/{len(self.links) - 1}"

    def _warn(self, source: Protected, at: int, what: str, url: str) -> None:
        shown = source.restore(url)
        if len(shown) > 80:
            shown = shown[:79] + "…"
        part = source.scanned.part
        self.warnings.append(f"The link {shown} (line {source.line(at)} of the {part}) {what}.")


def rewrite_text(source: Protected, table: LinkTable) -> str:
    """A plain text with its written addresses tracked, template tags restored."""

    def replaced(found: "re.Match[str]") -> str:
        url = _without_sentence_end(found[0])
        target = table.target(source, url, found.start(), found.start() + len(url))
        return found[0] if target is None else target + found[0][len(url) :]

    table.has_unsubscribe |= any(is_unsubscribe(tag) for tag in source.scanned.tags)
    return source.restore(_WRITTEN.sub(replaced, source.text))


_WRITTEN = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)
_PAIRS = {")": "(", "]": "["}


def _without_sentence_end(url: str) -> str:
    """Without the punctuation around it; a bracket that was opened inside belongs to the address."""
    counts, end = Counter(url), len(url)
    while end:
        last = url[end - 1]
        if last not in ".,;:!?'" and not (last in _PAIRS and counts[last] > counts[_PAIRS[last]]):
            break
        counts[last] -= 1
        end -= 1
    return url[:end]


def is_unsubscribe(tag: Tag) -> bool:
    return tag.kind is Kind.VARIABLE and tag.word == UNSUBSCRIBE_URL


def _path(source: Protected, url: str) -> str:
    """All that follows the host, as ASCII text and `{{ … }}`."""
    after = url.partition("//")[2]
    host_end = re.search(r"[/?#]|$", after)
    rest = after[host_end.start() if host_end else 0 :]
    at, parts = 0, []
    for found in marks.TAG.finditer(rest):
        tag = source.scanned.tags[int(found[1])]
        parts += [ascii_path(rest[at : found.start()]), "{{ " + source.scanned.expression(tag) + " }}"]
        at = found.end()
    return "".join([*parts, ascii_path(rest[at:])])


@lru_cache(maxsize=512)
def _link_template(url: str) -> Template:
    return Template.from_code(LINK, LINK.compile(expression_tree(url, LINK)), dict(LINK.globals))
