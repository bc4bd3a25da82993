"""Subject and bodies of one message as templates, filled from the variables that came with it.

The language is the campaigns', with its sandbox and its limits, and so are the rules for where in a page a field may
stand. There is no contact here: what the variables do not name is nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from markupsafe import escape

from common.errors import InvalidInput
from outbound.compiler import MergeField, RenderFault, marks
from outbound.compiler.fields import names_of
from outbound.compiler.language import EMAIL, PLAIN_HTML, PLAIN_TEXT, UNSUBSCRIBE_URL
from outbound.compiler.links import LinkTable
from outbound.compiler.page import edit_page
from outbound.compiler.rendering import Rendering
from outbound.compiler.rewrite import tree_of
from outbound.compiler.scan import Scanned, scan
from outbound.compiler.syntax import check_syntax
from outbound.compiler.values import shown
from outbound.mime.outline import MOST_TAGS, check_outline, too_many_tags
from outbound.mime.pages import is_readable
from outbound.submission.types import Submission


def personalized(submission: Submission) -> Submission:
    """The message with its templates filled and without variables; the same message where it has none to begin with.

    `{{ message_date }}` is the day it is to be sent. Raises TemplateFault for a template that cannot be read, with
    line and column, and InvalidInput for one that runs into a limit with these variables; the field is "subject",
    "html" or "text".
    """
    if submission.variables is None:
        return submission
    return replace(
        submission,
        subject=_filled("subject", submission.subject, submission),
        html=_filled("html", submission.html, submission),
        text=_filled("text", submission.text, submission),
        variables=None,  # what is filled in must never be read as a template again
    )


_OPENERS = ("{{", "{%", "{#")
_LONGEST_KEPT = 32_000  # characters


def _filled(part: str, source: str, submission: Submission) -> str:
    if not any(opener in source for opener in _OPENERS):
        return source
    names, rendering = (_kept if len(source) <= _LONGEST_KEPT else _compiled)(part, source)
    variables = submission.variables or {}
    day = format_datetime(submission.send_at or datetime.now(UTC)).encode()
    link = shown(variables.get(UNSUBSCRIBE_URL))
    try:
        text = rendering.text([variables.get(name) for name in names], shown(variables.get(EMAIL)), link, day)
    except RenderFault as fault:
        raise InvalidInput(fault.message, field=part) from None
    return text.replace(marks.TOKEN, str(escape(link)) if part == "html" else link)


_Compiled = tuple[tuple[str, ...], Rendering]


def _compiled(part: str, source: str) -> _Compiled:
    """The names that it needs, and the template. Where the unsubscribe address stands there is a mark."""
    check_outline(part, source)
    scanned = scan(part, source)
    if len(scanned.tags) > MOST_TAGS:
        raise scanned.fault(too_many_tags(), scanned.tags[MOST_TAGS].start)
    if part == "html" and not is_readable(scanned.source):
        raise scanned.fault("This page is too large for a template, or its lists are nested too deeply.", 0)
    check_syntax(scanned)
    environment = PLAIN_HTML if part == "html" else PLAIN_TEXT
    tree = tree_of(scanned, environment, marks.TOKEN)
    if part == "html":
        page = edit_page(scanned, LinkTable("", local=set(), tracking=False), preheader="", pixel="")
        tree = tree_of(Scanned(part, page.html, ()), environment, marks.TOKEN)
    names = tuple(name for name in names_of(tree) if name not in (EMAIL, UNSUBSCRIBE_URL))
    return names, Rendering(environment, tree, [MergeField(name, "json") for name in names], part)


# A program sends the same template again and again, with other variables.
_kept: Callable[[str, str], _Compiled] = lru_cache(maxsize=256)(_compiled)
