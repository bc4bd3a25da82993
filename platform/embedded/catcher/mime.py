"""A mail taken apart (RFC 2045, RFC 2046): its texts, attachments and pictures. Never fails, always bounded."""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from embedded.catcher import limits
from embedded.catcher.headers import (
    Fields,
    decode_text,
    decode_words,
    first,
    parse_parameters,
    split_header,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the tree. `encoded` is the body as it stands in the mail."""

    kind: str
    charset: str
    filename: str
    content_id: str
    attached: bool
    encoding: str
    encoded: bytes

    def content(self) -> bytes:
        """Decoded; what is not decodable as it stands in the mail."""
        try:
            if self.encoding == "base64":
                return binascii.a2b_base64(self.encoded + b"===")
            if self.encoding == "quoted-printable":
                return binascii.a2b_qp(self.encoded)
        except ValueError:
            return self.encoded
        return self.encoded

    def text(self) -> str:
        return decode_text(self.content(), self.charset)[: limits.SHOWN_CHARACTERS]


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """`html` and `text` are the first parts of their kind; None if there is none."""

    fields: Fields
    text: str | None
    html: str | None
    attachments: tuple[Part, ...]
    pictures: Mapping[str, Part]  # by Content-ID
    incomplete: bool  # it has more parts, or deeper ones, than are looked at


def parse_mail(message: bytes) -> ParsedMail:
    """Any octets give a result."""
    fields, body = split_header(message)
    budget = _Budget()
    parts = list(_leaves(fields, body, limits.DEPTH, budget))
    texts = [part for part in parts if part.kind == "text/plain" and not part.attached]
    htmls = [part for part in parts if part.kind == "text/html" and not part.attached]
    shown = (*texts[:1], *htmls[:1])
    return ParsedMail(
        fields=tuple((name, decode_words(value)) for name, value in fields),
        text=texts[0].text() if texts else None,
        html=htmls[0].text() if htmls else None,
        attachments=tuple(part for part in parts if part not in shown),
        pictures={part.content_id: part for part in parts if part.content_id and _is_picture(part)},
        incomplete=budget.exhausted,
    )


@dataclass(slots=True)
class _Budget:
    parts: int = limits.PARTS
    exhausted: bool = False

    def take(self) -> bool:
        self.parts -= 1
        self.exhausted = self.exhausted or self.parts < 0
        return self.parts >= 0


def _leaves(fields: Fields, body: bytes, depth: int, budget: _Budget) -> Iterator[Part]:
    kind, parameters = parse_parameters(first(fields, "Content-Type") or "text/plain")
    boundary = parameters.get("boundary", "")
    if not kind.startswith("multipart/") or not boundary:
        if budget.take():
            yield _leaf(fields, kind, parameters, body)
        return
    if depth == 0:
        budget.exhausted = True
        return
    for section in _sections(body, boundary):
        if budget.parts <= 0:
            budget.exhausted = True
            return
        part_fields, part_body = split_header(section)
        yield from _leaves(part_fields, part_body, depth - 1, budget)


def _sections(body: bytes, boundary: str) -> Iterator[bytes]:
    """What stands between the delimiter lines; the last one may lack its end (RFC 2046 section 5.1.1)."""
    delimiter = re.escape(boundary[:200].encode("utf-8", "replace"))
    # The line end after a delimiter is not taken: it may be the one before the next delimiter.
    lines = re.compile(rb"(?:\A|\r?\n)--" + delimiter + rb"(--)?[ \t]*+(?=(\r?\n|\Z))")
    start = None
    for line in lines.finditer(body):
        if start is not None:
            yield body[start : line.start()]
        if line[1]:
            return
        start = line.end(2)
    if start is not None and start < len(body):
        yield body[start:]


def _leaf(fields: Fields, kind: str, parameters: Mapping[str, str], body: bytes) -> Part:
    disposition, details = parse_parameters(first(fields, "Content-Disposition"))
    return Part(
        kind=kind if "/" in kind else "text/plain",
        charset=parameters.get("charset", ""),
        filename=(details.get("filename") or parameters.get("name") or "")[:255],
        content_id=first(fields, "Content-ID").strip("<> "),
        attached=disposition == "attachment",
        encoding=first(fields, "Content-Transfer-Encoding").strip().lower(),
        encoded=body,
    )


def _is_picture(part: Part) -> bool:
    return part.kind in {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"}
