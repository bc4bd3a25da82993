"""Puts a prepared message together as one function from recipient to bytes."""

from binascii import b2a_base64, hexlify
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b, sha256

from jinja2 import nodes

from common.headers import encode_header, header_text, wire_address
from common.tokens import TO_URL
from deliverability.dkim import Signing, relaxed_body
from outbound.compiler import marks
from outbound.compiler.content import Stamp, Tier, Wire
from outbound.compiler.expressions import Expressions, NotSegments
from outbound.compiler.heads import (
    SUBJECT,
    SUBJECT_CANONICAL,
    Field,
    Seconds,
    Subjects,
    canonical_pieces,
    header_fields,
    mail_domain,
)
from outbound.compiler.pieces import (
    ADDRESS,
    DATE,
    DAY,
    EMAIL,
    HEX,
    TOKEN,
    UNSUBSCRIBE,
    Names,
    Piece,
    Slot,
    elements,
    generated,
    joined,
    joined_parts,
)
from outbound.compiler.prepare import Prepared
from outbound.compiler.rendering import EncodedPart, PlainPart, day_of
from outbound.compiler.scan import Scanned
from outbound.compiler.segments import body_pieces, header_pieces


@dataclass(frozen=True, slots=True)
class Built:
    """The function, the tier it is of, and the fields of its messages in order."""

    wire: Wire
    tier: Tier
    header_names: tuple[str, ...]


def build(prepared: Prepared, stamp: Stamp, tier: Tier) -> Built:
    """The message in this tier. Raises NotSegments when the tier has not enough language for it."""
    return _Builder(prepared, stamp, tier).built()


class _Builder:
    def __init__(self, prepared: Prepared, stamp: Stamp, tier: Tier) -> None:
        self._prepared, self._stamp, self._tier = prepared, stamp, tier
        self._names = Names()
        self._expressions = Expressions(prepared.fields, self._names)
        self._boundary = _boundary(prepared, stamp)

    def built(self) -> Built:
        body = self._body()
        lines, subject = self._subject()
        fields = header_fields(self._stamp, self._prepared.base, subject, self._structure())
        head: list[Piece] = [piece for field in fields for piece in field.wire]
        if self._stamp.signers:
            lines += self._signed(fields, [*head, b"\r\n"], body)
        else:
            parts = elements([*head, b"\r\n", *body], self._names)
            lines.append(f"return {self._sender()}, {joined_parts(parts, self._names)}")
        wire = generated(self._source(lines), self._names.constants, "wire")
        return Built(wire, self._tier, self._header_names(fields))

    def _header_names(self, fields: list[Field]) -> tuple[str, ...]:
        return ("DKIM-Signature",) * len(self._stamp.signers) + tuple(field.name for field in fields)

    def _structure(self) -> list[bytes]:
        if self._prepared.html is None:
            return _PART_HEAD.format("plain").encode().splitlines(keepends=True)[:-1]
        return [f'Content-Type: multipart/alternative; boundary="{self._boundary}"\r\n'.encode()]

    def _body(self) -> list[Piece]:
        text = self._part(self._prepared.text, html=False)
        if self._prepared.html is None:
            return text
        html = self._part(self._prepared.html, html=True)
        line = f"--{self._boundary}"
        return [
            f"{line}\r\n{_PART_HEAD.format('plain')}".encode(),
            *text,
            f"\r\n{line}\r\n{_PART_HEAD.format('html')}".encode(),
            *html,
            f"\r\n{line}--\r\n".encode(),
        ]

    def _part(self, part: Scanned, *, html: bool) -> list[Piece]:
        tree = self._prepared.tree(part)
        if self._tier is Tier.SEGMENTS:
            return body_pieces(tree, html=html, expressions=self._expressions, names=self._names)
        if self._tier is Tier.JINJA:
            if self._prepared.needs > Tier.JINJA:
                raise NotSegments
            function: Callable[..., bytes] = EncodedPart(
                tree, self._prepared.fields, part.part, self._unsubscribe(), html=html
            )
        else:
            function = PlainPart(tree, self._prepared.fields, part.part, self._unsubscribe(), html=html).encoded
        return [Slot(f"{self._names.of(function)}{_ARGUMENTS}")]

    def _subject(self) -> tuple[list[str], bytes | None]:
        """Lines that make the subject's field for one recipient, or the field when it is the same for all."""
        tree = self._prepared.tree(self._prepared.subject)
        constant = _constant_text(tree)
        if constant is not None:
            return [], encode_header("Subject", constant)
        try:
            pieces = header_pieces(tree, expressions=self._expressions, names=self._names)
            source = joined(pieces, self._names, "")
        except NotSegments:
            tree = self._prepared.tree(self._prepared.subject)
            part = PlainPart(tree, self._prepared.fields, "subject", self._unsubscribe(), html=False)
            source = f"{self._names.of(part.line)}{_ARGUMENTS}"
        return [f"{SUBJECT}, {SUBJECT_CANONICAL} = {self._names.of(Subjects())}[{source}]"], None

    def _signed(self, fields: list[Field], head: list[Piece], body: list[Piece]) -> list[str]:
        of = self._names.of
        names, canonical = canonical_pieces(fields)
        sign = of(Signing(self._stamp.signers, names))
        arguments = f"{joined(canonical, self._names)}, h, {of(Seconds())}[{DATE}]"
        parts = [f"{sign}({arguments})", *elements(head, self._names), "b"]
        return [
            f"b = {joined(body, self._names)}",
            f"h = {of(b2a_base64)}({of(sha256)}({self._hashed()}).digest(), newline=False)",
            f"return {self._sender()}, {joined_parts(parts, self._names)}",
        ]

    def _hashed(self) -> str:
        """Several parts end with their boundary; a single text may end in blank lines, which are not hashed."""
        return "b" if self._prepared.html is not None else f"{self._names.of(relaxed_body)}(b)"

    def _sender(self) -> str:
        domain = b"@" + mail_domain(self._stamp.bounce_domain)
        return f"{self._names.of(b'b-')} + {HEX} + {self._names.of(domain)}"

    def _unsubscribe(self) -> str:
        return f"{self._prepared.base}/u/"

    def _source(self, lines: list[str]) -> str:
        of, used = self._names.of, self._expressions.used
        minter = self._stamp.keys.minter(self._stamp.tenant_id, self._stamp.message_id)
        begin = [
            f"r = {of(minter)}(position)",
            f"{TOKEN} = {of(b2a_base64)}(r, newline=False).translate({of(TO_URL)})",
            f"{HEX} = {of(hexlify)}(r)",
            f"{ADDRESS} = {of(wire_address)}({EMAIL})",
        ]
        if self._prepared.fields:
            begin.append("".join(f"v{at}, " for at in range(len(self._prepared.fields))) + "= values")
        if "unsubscribe_url" in used:
            begin.append(f"{UNSUBSCRIBE} = {of(self._unsubscribe())} + {TOKEN}.decode()")
        if "message_date" in used:
            begin.append(f"{DAY} = {of(day_of)}({DATE})")
        body = "".join(f"    {line}\n" for line in (*begin, *lines))
        return f"def wire(position, {EMAIL}, values, {DATE}):\n{body}"


_ARGUMENTS = f"(values, {EMAIL}, {TOKEN}, {DATE})"
_PART_HEAD = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"


def _boundary(prepared: Prepared, stamp: Stamp) -> str:
    """Fixed per message; "=_" cannot occur in a quoted-printable part."""
    seed = f"{stamp.tenant_id}/{stamp.message_id}/{prepared.text.source}".encode("utf-8", "replace")
    return f"=_{blake2b(seed, digest_size=12).hexdigest()}"


def _constant_text(tree: nodes.Template) -> str | None:
    """The subject when it is the same for everybody."""
    texts = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            return None
        for child in statement.nodes:
            if not isinstance(child, nodes.TemplateData) or marks.TOKEN in child.data:
                return None
            texts.append(child.data)
    return header_text("".join(texts))
