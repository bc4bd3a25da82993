"""The header fields of a message, and the same as DKIM hashes them, as pieces."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from common.errors import InvalidInput
from common.headers import check_header_name, check_header_value, encode_header, encode_mailbox, wire_address
from deliverability.dkim import signed_names
from outbound.compiler.content import Stamp
from outbound.compiler.pieces import ADDRESS, DATE, HEX, Piece, Slot
from outbound.compiler.quoted import TOKEN_MARK

SUBJECT = "s"  # local names of the generated function: the whole field, and its canonical form
SUBJECT_CANONICAL = "c"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `wire` and `canonical` are complete lines."""

    name: str
    wire: tuple[Piece, ...]
    canonical: tuple[Piece, ...]


def header_fields(stamp: Stamp, base: str, subject: bytes | None, structure: Sequence[bytes]) -> list[Field]:
    """All fields in their order; `subject` is the finished field, or None when it differs by recipient.

    `structure` are the finished fields that tell how the body is made.

    Raises InvalidInput for a sender, a domain or a custom header that cannot stand in a mail.
    """
    fields = [_static(encode_mailbox("From", stamp.from_name, stamp.from_address))]
    fields.append(_field("To", Slot(ADDRESS)))
    if subject is None:
        fields.append(Field("Subject", (Slot(SUBJECT),), (Slot(SUBJECT_CANONICAL),)))
    else:
        fields.append(_static(subject))
    fields.append(_field("Date", Slot(DATE)))
    fields.append(_field("Message-ID", b"<", Slot(HEX), b"@" + mail_domain(stamp.message_id_domain) + b">"))
    if stamp.reply_to:
        fields.append(_static(encode_mailbox("Reply-To", "", stamp.reply_to)))
    if stamp.marketing:
        fields += _unsubscribe_fields(stamp, base)
    if stamp.feedback_id:
        fields.append(_static(encode_header("Feedback-ID", check_header_value(stamp.feedback_id))))
    fields += _custom_fields(stamp)
    return [*fields, *(_static(line) for line in (b"MIME-Version: 1.0\r\n", *structure))]


def canonical_pieces(fields: Sequence[Field]) -> tuple[list[str], list[Piece]]:
    """The h= list of these fields, and what is hashed for it."""
    names = signed_names([field.name for field in fields])
    waiting: dict[str, list[tuple[Piece, ...]]] = {}
    for field in fields:
        waiting.setdefault(field.name.lower(), []).append(field.canonical)
    pieces: list[Piece] = []
    for name in names:
        # Taken out as they are used, the last one first (RFC 6376 section 5.4.2): once there are none left, a further
        # mention of an oversigned name stands for no field at all.
        if left := waiting.get(name.lower()):
            pieces += left.pop()
    return names, pieces


class Subjects(dict[str, tuple[bytes, bytes]]):
    """Subject lines to their fields, on the wire and canonical. Names repeat, so do their subjects."""

    _largest = 5_000

    def __missing__(self, text: str) -> tuple[bytes, bytes]:
        if len(self) >= self._largest:
            self.clear()
        wire = encode_header("Subject", text)
        found = self[text] = (wire, _canonical(wire))
        return found


class Seconds(dict[bytes, int]):
    """RFC 5322 dates to epoch seconds."""

    def __missing__(self, date: bytes) -> int:
        if len(self) > 100:
            self.clear()
        found = self[date] = int(parsedate_to_datetime(date.decode("ascii")).timestamp())
        return found


def mail_domain(domain: str) -> bytes:
    """A domain for the right of an @, in its ASCII form. Raises InvalidInput."""
    return wire_address(f"a@{domain}")[2:]


# Fields that this message has anyhow, and fields of which RFC 5322 section 3.6 allows one.
_WRITTEN = frozenset({"subject", "reply-to", "feedback-id"})
_ONCE = frozenset({"in-reply-to", "references"})
_ONE_BREAK = re.compile(rb"\r\n[ \t]")


def _unsubscribe_fields(stamp: Stamp, base: str) -> list[Field]:
    """RFC 8058. The mail address too, for mailboxes that know RFC 2369 only."""
    web = f"<{base}/u/".encode()
    parts: list[Piece] = [web, TOKEN_MARK, b">"]
    if stamp.unsubscribe_mailto_domain:
        domain = mail_domain(stamp.unsubscribe_mailto_domain)
        parts += [b",\r\n <mailto:u-", Slot(HEX), b"@" + domain + b"?subject=unsubscribe>"]
    return [
        _field("List-Unsubscribe", *parts),
        _static(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
    ]


def _custom_fields(stamp: Stamp) -> list[Field]:
    fields, seen = [], set(_WRITTEN)
    for name, value in stamp.headers:
        lowered = check_header_name(name).lower()
        if lowered in seen:
            raise InvalidInput(f"The header {name} has its own setting or is set twice.", field="headers")
        if lowered in _ONCE:
            seen.add(lowered)
        fields.append(_static(encode_header(name, check_header_value(value))))
    return fields


def _field(name: str, *parts: Piece) -> Field:
    unfolded = [_ONE_BREAK.sub(b" ", part) if isinstance(part, bytes) else part for part in parts]
    wire = (f"{name}: ".encode(), *parts, b"\r\n")
    return Field(name, wire, (f"{name.lower()}:".encode(), *unfolded, b"\r\n"))


def _static(line: bytes) -> Field:
    return Field(line.partition(b":")[0].decode(), (line,), (_canonical(line),))


def _canonical(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.lower() + b":" + _ONE_BREAK.sub(b" ", value).strip(b" \r\n") + b"\r\n"
