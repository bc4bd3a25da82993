"""The header fields of a mail as finished lines, and a last look at them before they go out."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from common.errors import InvalidInput
from common.headers import (
    WISHED_LINE,
    check_header_name,
    check_header_value,
    encode_header,
    encode_phrase,
    wire_address,
)
from deliverability.dkim import signed_names
from deliverability.dkim.canonical import relaxed_header
from outbound.compiler import CompilerFault
from outbound.submission.types import Mailbox

NOBODY = b"undisclosed-recipients:;"  # RFC 5322 section 3.6.3: a mail to hidden recipients only
_LONGEST_NAME = 300  # characters of a display name


class Line(NamedTuple):
    """One field, complete with its folds and its CRLF."""

    name: str
    wire: bytes


def line(name: str, value: str) -> Line:
    """An unstructured field; `name` is one of ours."""
    return Line(name, encode_header(name, value))


def mailboxes(name: str, people: Iterable[Mailbox]) -> Line:
    """An address field, folded between names and addresses. Raises InvalidInput for what is no address."""
    written = [word for mailbox in people for word in _words(mailbox)]
    if not written:
        return Line(name, f"{name}: ".encode() + NOBODY + b"\r\n")
    written[-1] = written[-1].removesuffix(",")
    lines, current = [], f"{name}: {written[0]}"
    for word in written[1:]:
        if len(current) + 1 + len(word) > WISHED_LINE:
            lines.append(current)
            current = f" {word}"
        else:
            current += f" {word}"
    return Line(name, "\r\n".join([*lines, current]).encode() + b"\r\n")


def custom_lines(headers: Iterable[tuple[str, str]]) -> list[Line]:
    """The caller's own fields. Raises InvalidInput, the field being `headers.<name>`."""
    lines, seen = [], set[str]()
    for name, value in headers:
        lowered = _checked(name, value)
        if lowered in _OURS or (lowered in _ONCE and lowered in seen):
            raise InvalidInput(f"The header {name} has its own setting or is set twice.", field=f"headers.{name}")
        seen.add(lowered)
        lines.append(line(name, value))
    return lines


def check_head(head: bytes, names: Sequence[str]) -> None:
    """Raises CompilerFault unless a server that reads `head` sees just the fields `names`, in this order.

    `head` ends with its last field. The one check that does not trust what made the lines.
    """
    lines = head.split(b"\r\n")
    found = [one.partition(b":")[0] for one in lines[:-1] if not one.startswith(b" ")]
    broken = head.translate(None, _IN_LINES) != b"\r\n" * (len(lines) - 1)
    # A dot at the start of a line is taken away by the next server, and another field appears.
    if broken or lines[-1] or found != [name.encode() for name in names] or b"\r\n." in head or head.startswith(b"."):
        raise CompilerFault("The head of a message is not what it should be.")


def canonical_head(lines: Sequence[Line]) -> tuple[list[str], bytes]:
    """The h= list for these fields and what is hashed for it; of several with one name the last comes first (RFC 6376
    section 5.4.2)."""
    names = signed_names([one.name for one in lines])
    waiting: dict[str, list[bytes]] = {}
    for one in lines:
        waiting.setdefault(one.name.lower(), []).append(one.wire)
    signed = []
    for name in names:
        left = waiting.get(name.lower())
        if left:
            field, _, value = left.pop().partition(b":")
            signed.append(relaxed_header(field, value))
    return names, b"".join(signed)


_OURS = frozenset({"subject", "reply-to", "feedback-id"})
_ONCE = frozenset(
    {"in-reply-to", "references", "auto-submitted", "precedence"}
)  # RFC 5322 section 3.6, RFC 3834 section 5
_IN_LINES = bytes([*range(32, 127), *range(128, 256)])


@lru_cache(maxsize=2_000)
def _words(mailbox: Mailbox) -> tuple[str, ...]:
    """What a line may be broken between; the last word ends in a comma. Senders come again and again."""
    phrase = encode_phrase(mailbox.name[:_LONGEST_NAME]) if mailbox.name else ""
    address = wire_address(mailbox.address).decode()
    if not phrase:
        return (f"{address},",)
    return *(phrase.split(" ") if phrase.startswith("=?") else [phrase]), f"<{address}>,"


def _checked(name: str, value: str) -> str:
    """The name in lower case."""
    try:
        check_header_value(value)
        lowered = check_header_name(name).lower()
    except InvalidInput as error:
        raise InvalidInput(error.message, field=f"headers.{name[:80]}", hint=error.hint) from None
    if lowered.startswith("."):
        raise InvalidInput("A header name does not begin with a dot.", field=f"headers.{name}")
    return lowered
