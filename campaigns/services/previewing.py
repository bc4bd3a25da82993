"""A mail as one person would get it, made by the real compiler: nothing is tracked and nothing is sent."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import formatdate
from typing import Any

from campaigns.audiences import pick_version
from campaigns.models import Campaign, Template
from campaigns.services.templates import TemplateText, check_template, text_of
from common.addresses import parse_address, wire_form
from common.errors import InvalidInput, NotFound
from common.tokens import KeyRing
from contacts.models import Contact
from deliverability.dkim import DkimSigner
from outbound.compiler import CompiledMessage, Content, MergeField, RenderFault, Stamp, compile_message
from outbound.stamping import Sender, make_stamp
from tenants.scope import current_tenant

_COLUMNS = ("first_name", "last_name", "language", "timezone", "country")
_NOBODY = "somebody@example.com"
# Links made with them lead nowhere: whoever clicks "unsubscribe" in a preview unsubscribes nobody.
_NO_KEYS = KeyRing({0: b"signs nothing that is sent"}, 0)
_NOT_SHOWN = frozenset({"mime-version", "content-type", "content-transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a mail is shown for: an address, and values by the names of the fields."""

    email: str = _NOBODY
    values: Mapping[str, object] = field(default_factory=dict)
    contact_id: int | None = None

    @property
    def language(self) -> str:
        return str(self.values.get("language") or "")


@dataclass(frozen=True, slots=True)
class Preview:
    """What the person would see. `empty_fields` are those the template asks for and the person has not.

    `html` is empty for a mail of text only; `template` is the version that the person gets.
    """

    template: Template
    person: Person
    subject: str
    preheader: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    empty_fields: tuple[str, ...]


def person_to_show(
    *, contact_id: int | None = None, email: str = "", attributes: Mapping[str, object] | None = None
) -> Person:
    """A contact by its id or address, with `attributes` in place of its own; with neither, only these.

    Raises NotFound for an id that is nobody's, InvalidInput for an address that no contact has.
    """
    given = dict(attributes or {})
    contact = _contact(contact_id, email)
    if contact is None:
        return Person(values=given)
    person = person_of(contact)
    return replace(person, values={**person.values, **given})


def person_of(contact: Contact) -> Person:
    columns = {name: getattr(contact, name) for name in _COLUMNS}
    return Person(contact.email, {**contact.attributes, **columns}, contact.pk)


def preview_campaign(*, campaign: Campaign, person: Person) -> Preview:
    """The campaign's mail in the version that the person's language gets. Raises TemplateFault and InvalidInput."""
    version = version_for(campaign, person, versions_of(campaign))
    return _preview(version, person, untracked_stamp(campaign, keys=_NO_KEYS))


def preview_template(*, template: Template, person: Person) -> Preview:
    """A version as it stands, whatever the person's language. Raises TemplateFault and InvalidInput."""
    return _preview(template, person, None)


def version_for(campaign: Campaign, person: Person, versions: Iterable[Template]) -> Template:
    """The version of the campaign's template that this person gets; `versions` are all of the template's name."""
    if not person.language:
        return campaign.template
    return pick_version(versions, language=person.language, category=campaign.category) or campaign.template


def versions_of(campaign: Campaign) -> list[Template]:
    return list(Template.objects.filter(name=campaign.template.name))


def untracked_stamp(campaign: Campaign, *, keys: KeyRing, signers: tuple[DkimSigner, ...] = ()) -> Stamp:
    """The campaign's head with links that lead straight to their targets. Message 0 is nobody's: what comes back is
    counted nowhere."""
    sender = Sender(campaign.from_address, campaign.from_name, campaign.reply_to, track_opens=False, track_clicks=False)
    given: dict[str, Any] = {**make_stamp(sender), "headers": ()}
    return Stamp(**given, tenant_id=current_tenant().pk, message_id=0, keys=keys, signers=signers)


def values_for(compiled: CompiledMessage, person: Person) -> list[object]:
    """What the compiled message asks for, as the engine would read it from the database."""
    return [_value(field, person.values.get(field.name)) for field in compiled.fields]


def content_of(written: TemplateText) -> Content:
    return Content(written.subject, written.html, written.text, written.preheader)


def _preview(template: Template, person: Person, stamp: Stamp | None) -> Preview:
    written = text_of(template)
    check_template(written)  # its faults tell the place in words
    compiled = compile_message(content_of(written), stamp or _PLAIN)
    message = _rendered(compiled, person)
    return Preview(
        template=template,
        person=person,
        subject=str(message["subject"] or ""),
        preheader=_line(written.preheader, person),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        headers=_headers(message) if stamp else (),
        warnings=compiled.warnings,
        empty_fields=tuple(field.name for field in compiled.fields if person.values.get(field.name) in (None, "")),
    )


def _contact(contact_id: int | None, email: str) -> Contact | None:
    if contact_id is not None:
        found = Contact.objects.filter(pk=contact_id).first()
        if found is None:
            raise NotFound(f"There is no contact {contact_id}.", field="contact_id")
        return found
    if not email.strip():
        return None
    found = Contact.objects.filter(email_key=parse_address(email).key).first()
    if found is None:
        raise InvalidInput(
            f"{email.strip()} is not among your contacts.", field="email", hint="Give attributes to show somebody else."
        )
    return found


_PLAIN = Stamp(
    tenant_id=0,
    message_id=0,
    from_address="preview@example.com",
    message_id_domain="example.com",
    bounce_domain="example.com",
    tracking_base="https://preview.invalid",
    keys=_NO_KEYS,
    track_opens=False,
    track_clicks=False,
)


def _rendered(compiled: CompiledMessage, person: Person) -> EmailMessage:
    address = wire_form(parse_address(person.email))
    try:
        _, raw = compiled.wire(0, address, values_for(compiled, person), formatdate(usegmt=True).encode())
    except RenderFault as fault:
        raise InvalidInput(f"The template cannot be shown for this person. {fault.message}", field="html") from fault
    return BytesParser(policy=policy.default).parsebytes(raw)


def _line(written: str, person: Person) -> str:
    """One line rendered by itself: a subject is exactly that."""
    if not written.strip():
        return ""
    compiled = compile_message(Content(subject=written, html="", text="-"), replace(_PLAIN, marketing=False))
    return str(_rendered(compiled, person)["subject"] or "")


def _headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    shown = [(name, " ".join(str(value).split())) for name, value in message.items() if name.lower() not in _NOT_SHOWN]
    return tuple(shown)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def _value(field: MergeField, value: object) -> object:
    if field.kind == "json" or value is None or isinstance(value, str):
        return value
    # As PostgreSQL's ->> gives it to the engine.
    return json.dumps(value, ensure_ascii=False)
