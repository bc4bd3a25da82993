"""Examples of answers about templates, as the documentation shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

HTML = '<p>Hello {{ first_name | default("you") }}</p><p><a href="{{ unsubscribe_url }}">Leave</a></p>'
_HEAD = {
    "id": 5,
    "tenant_id": 1,
    "name": "News",
    "language": "fr",
    "category": "real_estate",
    "subject": "News of spring",
    "preheader": "",
    "created_at": "2026-02-16T10:30:00Z",
    "updated_at": "2026-02-16T10:30:00Z",
}
_CHECK = {
    "ok": True,
    "errors": [],
    "warnings": [],
    "fields": [{"name": "first_name", "kind": "text", "needs_default": False}],
    "links": [{"url": "https://acme.example/shop", "needs": []}],
    "tier": "segments",
}
_NOT_CLOSED = "In the html, line 1, column 4: {{ opened here is never closed: add }}."
_FAULT = {
    "ok": False,
    "errors": [{"part": "html", "line": 1, "column": 4, "excerpt": "{{ first_name </p>", "message": _NOT_CLOSED}],
    "warnings": [],
    "fields": [],
    "links": [],
    "tier": None,
}
_PREVIEW = {
    "template_id": 5,
    "language": "fr",
    "category": "real_estate",
    "contact_id": None,
    "email": "somebody@example.com",
    "subject": "News of spring",
    "preheader": "",
    "html": "<p>Hello Ana</p>",
    "text": "Hello Ana\n",
    "warnings": [],
    "empty_fields": [],
}


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200", "201"])


SHOWN = _answer("A template", {**_HEAD, "html": HTML, "text": ""})
LISTED = _answer("The last page", {"items": [_HEAD], "next_cursor": None})
CHECKED = _answer("Good", _CHECK)
FAULTY = _answer("With a fault", _FAULT)
PREVIEW = _answer("A mail", _PREVIEW)
