"""The few pages that recipients see. No script, no outside resource, no cookie; light and dark, narrow and wide."""

import base64
import hashlib
from html import escape

from api.public.answers import Answer, answer

_STYLE = """
:root{color-scheme:light dark;--page:#f3f4f6;--card:#fff;--ink:#111827;--soft:#4b5563;
--line:#d1d5db;--main:#1d4ed8;--on:#fff}
@media (prefers-color-scheme:dark){:root{--page:#0b0f19;--card:#161c2a;--ink:#f3f4f6;--soft:#a9b2c3;
--line:#2b3446;--main:#8ab4ff;--on:#0b1020}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;align-items:center;justify-content:center;padding:1rem;background:var(--page);
color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:30rem;padding:2.25rem 2rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;
overflow-wrap:anywhere}
.from{margin:0 0 .75rem;color:var(--soft);font-size:.9375rem}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}
p{margin:0 0 1rem}
p:last-child{margin-bottom:0}
form{margin:1.5rem 0 0}
button{width:100%;min-height:3rem;padding:.75rem 1rem;border:0;border-radius:.625rem;background:var(--main);color:var(--on);
font:inherit;font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.08)}
button:focus-visible{outline:3px solid var(--main);outline-offset:3px}
@media (max-width:24rem){main{padding:1.5rem 1.25rem;border-radius:.75rem}h1{font-size:1.3125rem}}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex, nofollow"),
)


def unsubscribe_page(sender: str) -> Answer:
    """The button posts to the page's own address, with what RFC 8058 has mail programs post."""
    return _page(
        200,
        "Unsubscribe",
        "",
        f"<h1>Unsubscribe from {escape(sender)}?</h1>"
        "<p>We will stop sending newsletters and offers to this address. One click is enough; you do not need to log in.</p>"
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        '<button type="submit">Unsubscribe</button></form>',
    )


def unsubscribed_page(sender: str) -> Answer:
    return _page(
        200,
        "Unsubscribed",
        sender,
        "<h1>Unsubscribed Successfully</h1><p>You have been unsubscribed from our mailing list.</p>"
        "<p>You can close this page.</p>",
    )


def unknown_page() -> Answer:
    """For every link that is not, or no longer, ours: it tells nothing about why."""
    return _page(
        404,
        "Link not found",
        "",
        "<h1>This link does not work</h1>"
        "<p>It may have been cut off on its way. Go back to the mail and follow the link again, or copy it as a whole.</p>",
    )


def bad_form_page() -> Answer:
    return _page(
        400, "Not understood", "", "<h1>That did not work</h1><p>What was sent to this page could not be read.</p>"
    )


def try_again_page() -> Answer:
    page = _page(
        503,
        "Try again",
        "",
        "<h1>Please try again in a moment</h1><p>This page cannot be reached just now. Nothing has been changed.</p>",
    )
    return Answer(page.status, (*page.headers, (b"retry-after", b"10")), page.body)


def _page(status: int, title: str, sender: str, content: str) -> Answer:
    above = f'<p class="from">{escape(sender)}</p>' if sender else ""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{above}{content}</main></body></html>"
    )
    return answer(status, "text/html; charset=utf-8", body.encode(), _HEADERS)
