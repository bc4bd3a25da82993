"""The content of a single message as a document of its own, for a sandboxed frame on the desk."""

import re
from base64 import b64encode
from typing import Any
from urllib.parse import unquote

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import escape

from common.database import connection
from outbound.submission.finding import UnknownMessage, find_message
from tenants.desk.admin import needs

# Nothing in a mail may run, send a form, reach the page around it or tell anybody that it was looked at here: pictures
# from elsewhere stay away, those that came with it are shown.
_SANDBOX = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LARGEST_PICTURES = 5_000_000  # bytes, all together

_INLINE = """
SELECT a.content_id, a.content_type, a.content FROM outbound_message m
JOIN outbound_attachment a ON a.month = m.month AND a.message_id = m.id
WHERE m.id = %s AND a.content_id <> '' AND a.content_type = ANY(%s) AND a.size <= %s ORDER BY a.number LIMIT 20
"""
_CID = re.compile(r"cid:([^\"'\s)>]{1,255})", re.IGNORECASE)


@needs("outbound.view_message")
def preview_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """What the recipients see, `?as=text` its text part."""
    try:
        found = find_message(pk)
    except UnknownMessage as error:
        raise Http404(str(error)) from None
    if request.GET.get("as") == "text" or not found.html:
        words = escape(found.text or "This message has no text part of its own; one is made from the HTML.")
        return _framed(f'<pre style="font:14px/1.5 monospace;white-space:pre-wrap;margin:16px">{words}</pre>')
    return _framed(_with_pictures(pk, found.html))


def _with_pictures(message_id: int, html: str) -> str:
    """The pictures that came with it stand in the document: a frame cannot ask for them."""
    if not _CID.search(html):
        return html
    pictures: dict[str, str] = {}
    left = _LARGEST_PICTURES
    with connection.cursor() as cursor:
        cursor.execute(_INLINE, [message_id, sorted(_PICTURES), _LARGEST_PICTURES])
        for content_id, content_type, content in cursor.fetchall():
            left -= len(content)
            if left < 0:
                break
            pictures[content_id.strip("<>")] = f"data:{content_type};base64,{b64encode(content).decode()}"
    return _CID.sub(lambda found: pictures.get(unquote(found[1]), found[0]), html)


def _framed(document: str) -> HttpResponse:
    response = HttpResponse(document, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = _SANDBOX
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
