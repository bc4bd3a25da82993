"""Mails as documents of their own, for sandboxed frames on a desk."""

from django.http import HttpResponse
from django.utils.html import escape

from campaigns.services.previewing import Preview

# Nothing in a mail may run, send a form or reach the page around it; pictures and styles may be shown.
_SANDBOX = (
    "sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' http: https:; "
    "font-src http: https: data:; form-action 'none'; frame-ancestors 'self'"
)


def mail_page(rendered: Preview, *, as_text: bool = False) -> HttpResponse:
    """What the recipient sees."""
    if as_text or not rendered.html:
        return _framed(
            f'<pre style="font:14px/1.5 monospace;white-space:pre-wrap;margin:16px">{escape(rendered.text)}</pre>'
        )
    return _framed(rendered.html)


def note_page(words: str) -> HttpResponse:
    """A sentence in place of a mail that cannot be shown."""
    return _framed(f'<p style="font:15px/1.5 sans-serif;color:#6b7280;margin:24px">{escape(words)}</p>')


def _framed(document: str) -> HttpResponse:
    response = HttpResponse(document, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = _SANDBOX
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
