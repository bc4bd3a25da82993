"""Who sends in the tests of the compiler, and a mail program that reads what they send."""

import email
import email.policy
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Any

from common.tokens import KeyRing
from outbound.compiler import CompiledMessage, Content, Stamp, Tier, compile_message

KEYS = KeyRing({1: b"only for the tests of this file"}, 1)
DATE = b"Sat, 21 Nov 2026 09:30:00 +0000"
TRACKING = "https://t.acme.example"
UNSUBSCRIBE = "{{ unsubscribe_url }}"

ACME = Stamp(
    tenant_id=1,
    message_id=42,
    from_address="news@acme.example",
    from_name="Acme",
    message_id_domain="acme.example",
    bounce_domain="b.acme.example",
    tracking_base=TRACKING,
    keys=KEYS,
)
PLAIN = replace(ACME, track_opens=False, track_clicks=False)

HOSTILE = [
    None,
    "",
    "Ann",
    'Ann "the" <script>alert(1)</script> & Co',
    "it's",
    "=\r\n.\r\n",
    "\r\n.\r\nMAIL FROM:<x@y>\r\n",
    ".",
    "..",
    "From here",
    "--=_0",
    " leading and trailing ",
    "two  blanks and\ttab \t ",
    "\n\n\n",
    "x" * 5000,
    "ü" * 2000,
    "😀👩‍👩‍👧‍👦🇩🇪",
    "שלום\u202eevil\u202c",
    "nul\x00l\x1b[2J\x7f",
    "lone \ud800 surrogate",
    "marks \ufdd0\ufdd1" + "0\ufdd2",
    "=3D=20=",
    "{{ 7 * 7 }}{% if x %}",
    "line\u2028separator\u2029",
    "=?utf-8?q?Hi=0D=0ABcc:_evil@x.test?=",
    "Subject\r\nBcc: evil@x.test",
    "https://evil.example/?a=b&c=d",
    "javascript:alert(1)",
]


@dataclass(frozen=True)
class Mail:
    """What a mail program shows."""

    raw: bytes
    sender: bytes
    message: EmailMessage
    text: str
    html: str

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])


def compiled(html: str = "", *, stamp: Stamp = PLAIN, tier: Tier | None = None, **parts: str) -> CompiledMessage:
    return compile_message(Content(parts.pop("subject", "News"), html, **parts), stamp, tier=tier)


def send(message: CompiledMessage, *, to: str = "ann@b.example", position: int = 0, **values: Any) -> Mail:
    sender, raw = message.wire(position, to, tuple(values.get(field.name) for field in message.fields), DATE)
    return read(raw, sender)


def mail(html: str = "", *, stamp: Stamp = PLAIN, tier: Tier | None = None, **rest: Any) -> Mail:
    """Compiles and sends in one; what is no part of the content is a value."""
    parts = {name: rest.pop(name) for name in ("subject", "text", "preheader") if name in rest}
    return send(compiled(html, stamp=stamp, tier=tier, **parts), **rest)


def body(html: str, **rest: Any) -> str:
    """The HTML that arrives, without the line end that closes it."""
    return mail(html, **rest).html.removesuffix("\n")


def read(raw: bytes, sender: bytes = b"") -> Mail:
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    parts = {part.get_content_type(): _decoded(part) for part in parsed.walk() if not part.is_multipart()}
    return Mail(raw, sender, parsed, parts.get("text/plain", ""), parts.get("text/html", ""))


def _decoded(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8").replace("\r\n", "\n")
