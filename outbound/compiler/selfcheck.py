"""A compiled message is read back before it is used: as any mail program would read it.

The tiers, the generated function and the encoder each have their own idea of the message. One
sample that differs from a plain rendering, and the tier is not used.
"""

import email
import email.policy
from collections.abc import Sequence
from email.message import EmailMessage

from outbound.compiler.build import Built
from outbound.compiler.content import MergeField, Stamp
from outbound.compiler.faults import CompilerFault, RenderFault
from outbound.compiler.prepare import Prepared
from outbound.compiler.rendering import PlainPart
from outbound.compiler.scan import Scanned

_EMAIL = "sample@example.com"
_DATE = b"Sat, 21 Nov 2026 09:30:00 +0000"
_ODD = 'Zoë "O\'Neil" <b>&amp; = .\n.\u202e\u05d0😀\x00' + "long " * 40


def check_message(built: Built, prepared: Prepared, stamp: Stamp) -> None:
    """Raises CompilerFault, and RenderFault when the template fails whatever the data."""
    expected = _Plain(prepared, stamp)
    for position, values in enumerate(_samples(prepared.fields)):
        try:
            parts = expected.parts(position, values)
        except RenderFault:
            if position == 0:
                raise
            continue
        sender, raw = built.wire(position, _EMAIL, values, _DATE)
        _compare(built, raw, parts)
        if b"\r" in sender or b"\n" in sender:
            raise _fault(built, "its envelope sender has line breaks")


def _samples(fields: Sequence[MergeField]) -> list[list[object]]:
    """Nothing known; the oddest text; and for fields that are data, other kinds of it."""
    samples: list[list[object]] = [[None] * len(fields), [_ODD] * len(fields)]
    if any(field.kind == "json" for field in fields):
        for data in (7, ["a", _ODD], {"name": _ODD}):
            samples.append([data if field.kind == "json" else "Ann" for field in fields])
    return samples


class _Plain:
    """The parts as plain Jinja makes them."""

    def __init__(self, prepared: Prepared, stamp: Stamp) -> None:
        parts = [part for part in (prepared.text, prepared.html) if part is not None]
        self._parts = [self._part(prepared, part) for part in parts]
        self._keys = stamp.keys, stamp.tenant_id, stamp.message_id

    def _part(self, prepared: Prepared, part: Scanned) -> PlainPart:
        return PlainPart(
            prepared.tree(part), prepared.fields, part.part, f"{prepared.base}/u/", html=part.part == "html"
        )

    def parts(self, position: int, values: list[object]) -> list[str]:
        keys, tenant, message = self._keys
        token = keys.mint(tenant, message, position)
        return [part.line(values, _EMAIL, token, _DATE) for part in self._parts]


def _compare(built: Built, raw: bytes, parts: list[str]) -> None:
    lines = raw.split(b"\r\n")
    if any(b"\r" in line or b"\n" in line or line.startswith(b".") or len(line) > 998 for line in lines):
        raise _fault(built, "a line of it cannot be sent as it is")
    if lines[-1]:
        raise _fault(built, "its last line has no end")
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    if tuple(message.keys()) != built.header_names:
        raise _fault(built, "its header fields are not those intended")
    found = [_decoded(part) for part in message.walk() if not part.is_multipart()]
    if found != parts:
        raise _fault(built, "its text differs from a plain rendering")


def _decoded(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8").replace("\r\n", "\n") if isinstance(payload, bytes) else ""


def _fault(built: Built, what: str) -> CompilerFault:
    return CompilerFault(f"The message compiled as {built.tier.name} cannot be used: {what}.")
