"""Asking a source for a page."""

import base64
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from common.outgoing import Answer, AnswerRefused, Limits, fetch
from contacts.sources.config import Auth, SourceConfig
from contacts.sources.faults import SourceAway, SourceFault
from contacts.sources.mapping import at_path
from contacts.sources.paging import Page, Request

_MOST_ITEMS = 50_000  # of one page: they are written in one transaction
PAGE_LIMITS = Limits(seconds=30, largest=20_000_000)
_TRY_AGAIN = (408, 425, 429)


def read_page(config: SourceConfig, request: Request, *, secret: str, limits: Limits = PAGE_LIMITS) -> Page:
    """Raises SourceAway when it may work later, SourceFault when it will not, and what `fetch` raises."""
    headers = {"Accept": "application/json", **config.headers, **auth_headers(config.auth, secret)}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    try:
        answer = fetch(request.method, request.url, headers=headers, body=request.body, limits=limits)
    except AnswerRefused as refusal:
        raise SourceFault(refusal.message, hint=refusal.hint) from refusal
    check_status(answer)
    if answer.status == 204:
        return Page([], None, answer.headers)
    document = _document(answer.body)
    items = at_path(document, config.items_path)
    if items is None and document is not None and config.items_path:
        raise SourceFault(
            f"There is nothing at “{config.items_path}” in the answer.", hint="Check items_path in the config."
        )
    if not isinstance(items, list):
        raise SourceFault(
            f"At “{config.items_path}” in the answer stands no list.", hint="Check items_path in the config."
        )
    if len(items) > _MOST_ITEMS:
        raise SourceFault(f"A page has {len(items):,} items, more than {_MOST_ITEMS:,}.", hint="Ask for smaller pages.")
    return Page(items, document, answer.headers)


def auth_headers(auth: Auth, secret: str) -> dict[str, str]:
    if auth.kind == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if auth.kind == "header":
        return {auth.name: secret}
    if auth.kind == "basic":
        return {"Authorization": "Basic " + base64.b64encode(f"{auth.username}:{secret}".encode()).decode()}
    return {}


def check_status(answer: Answer) -> None:
    """Raises SourceAway or SourceFault for whatever is not a page."""
    status = answer.status
    if status in (200, 201, 203, 204):
        return
    if status in _TRY_AGAIN or status >= 500:
        raise SourceAway(f"The source answered {status}.", wait=_retry_after(answer.headers.get("retry-after", "")))
    if 300 <= status < 400:
        raise SourceFault(
            f"The source answered {status}: it leads elsewhere, and redirects are not followed.",
            hint="Enter the address it leads to.",
        )
    if status in (401, 403):
        raise SourceFault(f"The source answered {status}: it does not accept our credentials.", hint="Check auth.")
    raise SourceFault(f"The source answered {status}.", hint="Check the URL and the parameters.")


def _document(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        # Answers of overloaded servers are often half a document, or a page that says so.
        raise SourceAway("The answer is not JSON.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


def _retry_after(text: str) -> float | None:
    """Seconds, or a date (RFC 9110 section 10.2.3); None for neither."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    now = datetime.now(UTC)
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())
