"""What goes into the compiler and what comes out of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from common.tokens import KeyRing
from deliverability.dkim import DkimSigner


class Tier(IntEnum):
    """How the bytes of one recipient are made; each tier makes the same mail as the others."""

    SEGMENTS = 1  # fields, simple filters and conditions: encoded segments joined by one generated function
    JINJA = 2  # loops and assignments: Jinja over text that is encoded already
    FULL = 3  # everything: Jinja over plain text, encoded afterwards


@dataclass(frozen=True, slots=True)
class Content:
    """What an author wrote; every part is a template. An empty `text` is made from the HTML."""

    subject: str
    html: str
    text: str = ""
    preheader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What surrounds the content: who sends, how it is tracked, whose keys sign.

    `tracking_base` is an origin such as `https://t.acme.example`. Custom `headers` have gone through nothing
    yet. With `marketing`, the List-Unsubscribe fields of RFC 8058 are written.
    """

    tenant_id: int
    message_id: int
    from_address: str
    message_id_domain: str
    bounce_domain: str
    tracking_base: str
    keys: KeyRing
    from_name: str = ""
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    track_opens: bool = True
    track_clicks: bool = True
    unsubscribe_mailto_domain: str = ""
    feedback_id: str = ""
    signers: tuple[DkimSigner, ...] = ()
    marketing: bool = True


@dataclass(frozen=True, slots=True)
class MergeField:
    """One value of a recipient that the message needs.

    `text`: a string or None is enough. `json`: numbers, truth values, lists and objects matter as such.
    """

    name: str
    kind: Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class Link:
    """One tracked link; its number in the URL is its place in the table.

    `url` is ASCII and absolute. Where it has `{{ … }}` in path or query, `needs` names the fields that
    `fill_link` wants at click time.
    """

    url: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What an author is told about content that can be sent."""

    fields: tuple[MergeField, ...]
    links: tuple[Link, ...]
    warnings: tuple[str, ...]
    tier: Tier


Wire = Callable[[int, str, Sequence[object], bytes], tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """A message ready for any number of recipients.

    `wire(position, email, values, date)` gives the envelope sender and the message. `values` follow `fields`,
    `date` is an RFC 5322 date in ASCII. The message has CRLF line ends only, ends in one, has no line
    that begins with a dot, and is signed. Raises InvalidInput for an address that is none, and RenderFault
    when the template asks for more than a template may. `seven_bit`: to an address in ASCII the message is ASCII.
    """

    tier: Tier
    fields: tuple[MergeField, ...]
    links: tuple[Link, ...]
    warnings: tuple[str, ...]
    wire: Wire
    seven_bit: bool = False
