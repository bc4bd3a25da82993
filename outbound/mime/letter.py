"""A submitted message made into the mail of each of its recipients.

Neither Precedence nor Auto-Submitted is written. RFC 3834 section 5 forbids `auto-generated` on what a person wrote, and
whether one did only the caller knows: who sends receipts may set the field, who runs a help desk must not. Automatic
answers go to the envelope sender (section 4), where the bounce door takes and forgets them.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b, sha256

from common.errors import InvalidInput
from common.headers import wire_address
from common.tokens import KeyRing, hex_form, url_form
from deliverability.dkim import DkimSigner, Signing
from deliverability.dkim.canonical import relaxed_body
from outbound.compiler import Link
from outbound.compiler.heads import mail_domain
from outbound.mime.fields import Line, canonical_head, check_head, custom_lines, line, mailboxes
from outbound.mime.pages import pages_of
from outbound.mime.parts import Part, Pieces, body_of
from outbound.submission.types import Attachment, Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to be sent: what it says, and what surrounds it.

    Hidden recipients have no place in it. `message_id` has no brackets; `number` is the message's own in its tenant.
    `date` has a time zone. Attachments have been checked. `tracking_base` is an origin such as
    `https://t.acme.example`. Signatures are dated `signed_at`, or else as the letter is, and valid for seven days.
    """

    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    date: datetime
    message_id: str
    bounce_domain: str
    tenant_id: int
    number: int
    keys: KeyRing
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    html: str = ""
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    signers: tuple[DkimSigner, ...] = ()
    tracking_base: str = ""
    track_opens: bool = False
    track_clicks: bool = False
    feedback_id: str = ""
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CompiledLetter:
    """A letter ready for its recipients.

    `links` is its link table, as a campaign's: the index is the number in a tracked link. `seven_bit`: it is ASCII; where
    it is not, an address in its head wants SMTPUTF8, whoever the recipient is.
    """

    links: tuple[Link, ...]
    seven_bit: bool
    _lines: tuple[Line, ...] = field(repr=False)
    _mint: Callable[[int], bytes] = field(repr=False)
    _bounces: bytes = field(repr=False)
    _message: Callable[[bytes], bytes] = field(repr=False)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The fields as sent, in order and unfolded; signatures aside."""
        return tuple((one.name, _unfolded(one.wire)) for one in self._lines)

    def wire(self, position: int, address: str) -> tuple[bytes, bytes]:
        """The envelope sender and the message of one recipient: CRLF line ends only, no line that begins with a dot,
        signed. Without tracking all recipients get the same bytes. Raises InvalidInput for an address that is none."""
        wire_address(address)
        raw = self._mint(position)
        return b"b-" + hex_form(raw) + self._bounces, self._message(url_form(raw))


def compile_letter(letter: Letter) -> CompiledLetter:
    """Makes all that is the same for every recipient, signatures included where everything is.

    Raises InvalidInput for an address, a header, a domain or a message id that cannot stand in a mail.
    """
    pages = pages_of(
        letter.html, letter.text, base=letter.tracking_base, opens=letter.track_opens, clicks=letter.track_clicks
    )
    seed = blake2b(letter.message_id.encode("utf-8", "replace"), digest_size=12).hexdigest()
    body = body_of(pages.text, pages.html, letter.attachments, seed=seed)
    lines = _lines(letter, body)
    head = b"".join([one.wire for one in lines])
    check_head(head, [one.name for one in lines])
    return CompiledLetter(
        pages.links,
        head.isascii(),
        tuple(lines),
        letter.keys.minter(letter.tenant_id, letter.number),
        b"@" + mail_domain(letter.bounce_domain),
        _message(letter, lines, head + b"\r\n", body.body),
    )


_MESSAGE_ID_LEFT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,180}")


def _lines(letter: Letter, body: Part) -> list[Line]:
    lines = [mailboxes("From", [letter.sender]), mailboxes("To", letter.to)]
    if letter.cc:
        lines.append(mailboxes("Cc", letter.cc))
    lines.append(line("Subject", letter.subject))
    lines.append(Line("Date", f"Date: {format_datetime(letter.date)}\r\n".encode()))
    lines.append(Line("Message-ID", b"Message-ID: <" + _message_id(letter.message_id) + b">\r\n"))
    if letter.reply_to:
        lines.append(mailboxes("Reply-To", letter.reply_to))
    if letter.feedback_id:
        lines.append(line("Feedback-ID", letter.feedback_id))
    lines += custom_lines(letter.headers)
    lines.append(Line("MIME-Version", b"MIME-Version: 1.0\r\n"))
    return lines + [Line(wire.partition(b":")[0].decode(), wire) for wire in body.head]


def _message_id(text: str) -> bytes:
    left, _, domain = text.rpartition("@")
    if _MESSAGE_ID_LEFT.fullmatch(left) is None:
        raise InvalidInput("This is not a message id.", field="message_id")
    return left.encode() + b"@" + mail_domain(domain)


def _message(letter: Letter, lines: list[Line], head: bytes, pieces: Pieces) -> Callable[[bytes], bytes]:
    """From a recipient's token to the message."""
    sign = _signature(letter, lines)
    if None not in pieces:
        body = b"".join([piece for piece in pieces if piece is not None])
        whole = b"".join((sign(body), head, body))
        return lambda token: whole

    def message(token: bytes) -> bytes:
        body = b"".join([token if piece is None else piece for piece in pieces])
        return b"".join((sign(body), head, body))

    return message


def _signature(letter: Letter, lines: list[Line]) -> Callable[[bytes], bytes]:
    """From a body to the DKIM-Signature fields. The head is the same for all recipients, so it is hashed as it is here."""
    if not letter.signers:
        return lambda body: b""
    names, canonical = canonical_head(lines)
    signing = Signing(letter.signers, names)
    now = int((letter.signed_at or letter.date).timestamp())

    def sign(body: bytes) -> bytes:
        digest = sha256(relaxed_body(body)).digest()
        return signing(canonical, b2a_base64(digest, newline=False), now)

    return sign


def _unfolded(wire: bytes) -> str:
    return wire.partition(b":")[2].replace(b"\r\n", b"").strip().decode()
