"""Who writes letters in the tests of single mail, and a mail program that reads what arrives."""

import email
import email.policy
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from common.tokens import KeyRing
from outbound.mime.letter import CompiledLetter, Letter, compile_letter
from outbound.submission.types import Attachment, Mailbox

KEYS = KeyRing({1: b"only for the tests of this file"}, 1)
DATE = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TRACKING = "https://t.acme.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 3

ACME = Letter(
    sender=Mailbox("shop@acme.example", "Acme"),
    to=(Mailbox("ann@b.example", "Ann"),),
    subject="Your order",
    text="Hello Ann\n",
    date=DATE,
    message_id="abcdefghijklmnop@acme.example",
    bounce_domain="b.acme.example",
    tenant_id=1,
    number=42,
    keys=KEYS,
    tracking_base=TRACKING,
)
LOGO = Attachment("logo.png", PNG, "image/png", "logo")
INVOICE = Attachment("invoice.pdf", PDF, "application/pdf")


@dataclass(frozen=True)
class Arrived:
    raw: bytes
    sender: bytes
    message: EmailMessage

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def attached(self) -> list[tuple[str | None, str, bytes]]:
        """Name, type and content of all parts that are no bodies."""
        parts = [part for part in self.message.walk() if part.get_content_disposition()]
        return [(part.get_filename(), part.get_content_type(), _bytes(part)) for part in parts]

    @property
    def shape(self) -> str:
        """The types of all parts, as mixed(alternative(plain, html), pdf)."""
        return _shape(self.message)

    def _body(self, subtype: str) -> str:
        for part in self.message.walk():
            if part.get_content_type() == f"text/{subtype}" and not part.get_content_disposition():
                return _bytes(part).decode().replace("\r\n", "\n")
        return ""


def posted(*, position: int = 0, to: str = "ann@b.example", **changes: Any) -> Arrived:
    return arrived(compile_letter(replace(ACME, **changes)), position=position, to=to)


def arrived(letter: CompiledLetter, *, position: int = 0, to: str = "ann@b.example") -> Arrived:
    sender, raw = letter.wire(position, to)
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    check_lines(raw)
    assert not [defect for part in message.walk() for defect in part.defects]
    return Arrived(raw, sender, message)


def check_lines(raw: bytes) -> None:
    """What SMTP and the next server ask of every line."""
    assert raw.endswith(b"\r\n")
    assert b"\0" not in raw
    assert raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")
    assert not re.search(rb"^(?:\.|From )", raw, re.MULTILINE)
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def _bytes(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def _shape(part: EmailMessage) -> str:
    if not part.is_multipart():
        return part.get_content_subtype()
    return f"{part.get_content_subtype()}({', '.join(_shape(one) for one in part.iter_parts())})"  # type: ignore[arg-type]
