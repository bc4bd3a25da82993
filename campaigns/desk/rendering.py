"""A mail as one contact would get it, for looking at: nothing is tracked and nothing is sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import formatdate

from django.http import HttpResponse
from django.utils.html import escape

from campaigns.services.templates import TemplateText
from common.addresses import parse_address
from common.errors import InvalidInput
from common.tokens import KeyRing
from contacts.models import Contact
from outbound.compiler import Content, MergeField, Stamp, compile_message

# Nothing in a mail may run, send a form or reach the page around it; pictures and styles may be shown.
_SANDBOX = (
    "sandbox; default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' http: https:; "
    "font-src http: https: data:; form-action 'none'; frame-ancestors 'self'"
)
_COLUMNS = frozenset({"first_name", "last_name", "language", "timezone", "country"})
_STAMP = Stamp(
    tenant_id=0,
    message_id=0,
    from_address="preview@example.com",
    message_id_domain="example.com",
    bounce_domain="example.com",
    tracking_base="https://preview.invalid",
    keys=KeyRing({0: b"signs nothing that is sent"}, 0),
    track_opens=False,
    track_clicks=False,
    marketing=False,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the recipient sees; `html` is empty for a mail of text only."""

    subject: str
    html: str
    text: str


def render_for(written: TemplateText, contact: Contact | None) -> Rendered:
    """The mail for a contact; without one, every field is empty. Raises TemplateFault and RenderFault."""
    content = Content(written.subject, written.html, written.text, written.preheader)
    compiled = compile_message(content, _STAMP)
    values = [_value(field, contact) for field in compiled.fields]
    email = contact.email if contact else "somebody@example.com"
    _, raw = compiled.wire(0, email, values, formatdate(usegmt=True).encode())
    return _read(raw)


def contact_to_show(address: str) -> Contact | None:
    """The contact of an address, or, without one, the newest there is. Raises InvalidInput where the address has none."""
    if not address.strip():
        return Contact.objects.order_by("-id").first()
    found = Contact.objects.filter(email_key=parse_address(address).key).first()
    if found is None:
        raise InvalidInput(f"{address.strip()} is not among your contacts.", field="contact")
    return found


def mail_page(rendered: Rendered, *, as_text: bool = False) -> HttpResponse:
    """The mail as a document of its own, to be shown in a sandboxed frame."""
    if as_text or not rendered.html:
        return framed(
            f'<pre style="font:14px/1.5 monospace;white-space:pre-wrap;margin:16px">{escape(rendered.text)}</pre>'
        )
    return framed(rendered.html)


def note_page(words: str) -> HttpResponse:
    """A sentence in place of a mail that cannot be shown."""
    return framed(f'<p style="font:15px/1.5 sans-serif;color:#6b7280;margin:24px">{escape(words)}</p>')


def framed(document: str) -> HttpResponse:
    response = HttpResponse(document, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = _SANDBOX
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def _value(field: MergeField, contact: Contact | None) -> object:
    if contact is None:
        return None
    if field.name in _COLUMNS:
        return getattr(contact, field.name)
    value = contact.attributes.get(field.name)
    if field.kind == "json" or value is None or isinstance(value, str):
        return value
    # As PostgreSQL's ->> gives it to the engine.
    return json.dumps(value, ensure_ascii=False)


def _read(raw: bytes) -> Rendered:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    return Rendered(str(message["subject"] or ""), _part(message, "html"), _part(message, "plain"))


def _part(message: EmailMessage, kind: str) -> str:
    preferences: Sequence[str] = (kind,)
    part = message.get_body(preferencelist=preferences)
    return str(part.get_content()) if part is not None else ""
