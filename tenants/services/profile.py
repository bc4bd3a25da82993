"""What a tenant shows of itself: its brand's domain, and as whom it writes when nobody says."""

import re
from dataclasses import dataclass, fields

from django.db import transaction

from common.addresses import Address, parse_address, parse_mailbox, wire_form
from common.errors import InvalidInput, LettershopError, NotFound
from tenants.models import Tenant

_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}\Z")
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Profile:
    """`sender` is `Name <address>` or an address; "" where nothing is set."""

    brand_domain: str = ""
    sender_name: str = ""
    sender_address: str = ""
    reply_to: str = ""


def tenant_as_it_is(tenant: Tenant) -> Tenant:
    """Its row with plan and hosts, whatever a remembered row says. Raises NotFound when it is gone."""
    row: Tenant | None = Tenant.objects.select_related("plan").prefetch_related("domains").filter(pk=tenant.pk).first()
    if row is None:
        raise _gone()
    return row


def profile_of(tenant: Tenant) -> Profile:
    """As it is now, whatever a remembered row says. Raises NotFound when the tenant is gone."""
    names = [field.name for field in fields(Profile)]
    row = Tenant.objects.filter(pk=tenant.pk).values_list(*names).first()
    if row is None:
        raise _gone()
    return Profile(*row)


def set_profile(
    *, tenant: Tenant, brand_domain: str | None = None, sender: str | None = None, reply_to: str | None = None
) -> Profile:
    """Change what is given; "" takes it away, None leaves it. Raises InvalidInput."""
    changes = check_profile(brand_domain=brand_domain, sender=sender, reply_to=reply_to)
    if changes:
        Tenant.objects.filter(pk=tenant.pk).update(**changes)
    return profile_of(tenant)


def set_profile_parts(
    *,
    tenant: Tenant,
    brand_domain: str | None = None,
    sender_name: str | None = None,
    sender_address: str | None = None,
    reply_to: str | None = None,
) -> Profile:
    """As `set_profile`, with the sender in its two parts: the one that is not given stays. Without an address there is
    no name. Raises InvalidInput, at `sender` for either part."""
    with transaction.atomic():
        held = Tenant.objects.select_for_update(of=("self",)).filter(pk=tenant.pk).first()
        if held is None:
            raise _gone()
        sender = None
        if sender_name is not None or sender_address is not None:
            address = held.sender_address if sender_address is None else sender_address
            name = held.sender_name if sender_name is None else sender_name
            # With its address goes the name that nobody gave anew.
            sender = _mailbox(name if sender_name is not None or address.strip() else "", address)
        return set_profile(tenant=held, brand_domain=brand_domain, sender=sender, reply_to=reply_to)


def check_profile(
    *, brand_domain: str | None = None, sender: str | None = None, reply_to: str | None = None
) -> dict[str, str]:
    """What `set_profile` would write, by the names of the fields of Profile. Raises InvalidInput."""
    changes: dict[str, str] = {}
    if brand_domain is not None:
        changes["brand_domain"] = _checked_domain(brand_domain)
    if sender is not None:
        changes["sender_name"], changes["sender_address"] = _checked_sender(sender)
    if reply_to is not None:
        changes["reply_to"] = _checked_address(reply_to)
    return changes


def _gone() -> NotFound:
    return NotFound("This tenant is gone.", field="tenant_id")


def _mailbox(name: str, address: str) -> str:
    """One text of both, whatever characters the name has. Raises InvalidInput for a name alone."""
    name, address = name.strip(), address.strip()
    if not address:
        if name:
            raise InvalidInput("A sender's name needs an address.", field="sender")
        return ""
    # An address that holds a name of its own would be taken for both parts.
    _sender_address(address)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>' if name else address


def _sender_address(text: str) -> Address:
    try:
        return parse_address(text)
    except LettershopError as error:
        raise InvalidInput(f"The sender cannot be used. {error.message}", field="sender", hint=error.hint) from error


def _checked_domain(name: str) -> str:
    name = name.strip().lower().rstrip(".")
    if name and not _DOMAIN.match(name):
        raise InvalidInput(f"{name!r} is not a domain name.", field="brand_domain", hint="Give it in ASCII form.")
    return name


def _checked_sender(text: str) -> tuple[str, str]:
    if not text.strip():
        return "", ""
    try:
        name, address = parse_mailbox(text)
    except LettershopError as error:
        raise InvalidInput(f"The sender cannot be used. {error.message}", field="sender", hint=error.hint) from error
    if address.needs_smtputf8 or len(name) > _LONGEST_NAME:
        raise InvalidInput(
            f"A sender has a name of up to {_LONGEST_NAME} characters and an address in plain ASCII before the @.",
            field="sender",
        )
    return name, wire_form(address)


def _checked_address(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return wire_form(parse_address(text))
    except LettershopError as error:
        raise InvalidInput(f"The reply address cannot be used. {error.message}", field="reply_to") from error
