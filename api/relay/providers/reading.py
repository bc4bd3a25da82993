"""Bodies about providers, read field by field before anybody is asked; no refusal repeats a credential."""

import re
from dataclasses import dataclass, field
from typing import Any

from common.addresses import InvalidAddress, parse_address, wire_form
from common.errors import InvalidInput
from outbound.provider_apis.mailgun import REGIONS
from outbound.provider_apis.service_account import ServiceAccount, read_service_account
from outbound.submission.faults import MissingField

# A key file has some 2,400 characters.
LARGEST_BODY = 64 * 1024
LONGEST_KEY = 200
_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class GmailAsked:
    """`mailbox`: whose mail the account would send."""

    account: ServiceAccount
    mailbox: str


@dataclass(frozen=True, slots=True)
class MailgunAsked:
    """`domain` in ASCII, `region` one of REGIONS."""

    key: str = field(repr=False)
    domain: str
    region: str


def read_gmail(body: Any) -> GmailAsked:
    """Raises InvalidInput and MissingField."""
    given = _object(body)
    file = _text(given, "service_account_json", "Send the content of the service account's key file, as text.")
    mailbox = _text(given, "test_email", "Name a mailbox that the account shall send for.")
    return GmailAsked(read_service_account(file), _mailbox(mailbox))


def read_mailgun(body: Any) -> MailgunAsked:
    """Raises InvalidInput and MissingField."""
    given = _object(body)
    key = _text(given, "api_key", "Send a key of the Mailgun account.").strip()
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise InvalidInput(
            f"A key has at most {LONGEST_KEY} characters, all of them visible ASCII characters.", field="api_key"
        )
    return MailgunAsked(key, _domain(_text(given, "domain", "Name the domain.")), _region(given.get("region")))


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object, as in {}.")
    return body


def _text(given: dict[str, Any], name: str, missing: str) -> str:
    value = given.get(name)
    if value is None or value == "":
        raise MissingField(missing, field=name)
    if not isinstance(value, str):
        raise InvalidInput("This must be text.", field=name)
    return value


def _mailbox(text: str) -> str:
    try:
        return wire_form(parse_address(text))
    except InvalidAddress as error:
        error.field = "test_email"
        raise


def _domain(text: str) -> str:
    name = text.strip().removesuffix(".")
    try:
        return parse_address(f"postmaster@{name}").key.rpartition("@")[2]
    except InvalidAddress:
        raise InvalidInput("This is no domain as in mg.example.com.", field="domain") from None


def _region(value: object) -> str:
    if value is None:
        return REGIONS[0]
    if not isinstance(value, str) or value.upper() not in REGIONS:
        raise InvalidInput(f"This must be one of {', '.join(REGIONS)}.", field="region")
    return value.upper()
