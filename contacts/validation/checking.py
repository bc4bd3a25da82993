"""Checking addresses while somebody waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.addresses import Address, InvalidAddress, parse_address
from common.errors import InvalidInput
from contacts.models import ValidationReason, ValidationState
from contacts.validation.disposable import is_disposable
from contacts.validation.domain_memory import look_up_domains
from contacts.validation.judging import Verdict, judge
from contacts.validation.mail_domains import MailDomain
from contacts.validation.roles import is_role

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """`has_mx` is None where the DNS was not asked or gave no answer."""

    email: str  # as it was given
    verdict: Verdict
    has_mx: bool | None = None
    disposable: bool = False
    role: bool = False


def check_addresses(emails: Sequence[str]) -> list[Checked]:
    """One answer for each, in their order, within a few seconds. Raises InvalidInput for more than MOST_AT_ONCE."""
    if len(emails) > MOST_AT_ONCE:
        raise InvalidInput(f"At most {MOST_AT_ONCE} addresses are checked at once.", field="emails")
    parsed = [(email, _parsed(email)) for email in emails]
    domains = look_up_domains({_domain(address) for _, address in parsed if address is not None})
    return [_checked(email, address, domains) for email, address in parsed]


def _parsed(email: str) -> Address | None:
    try:
        return parse_address(email)
    except InvalidAddress:
        return None


def _checked(email: str, address: Address | None, domains: dict[str, MailDomain]) -> Checked:
    if address is None:
        return Checked(email, Verdict(ValidationState.INVALID, ValidationReason.SYNTAX))
    domain = _domain(address)
    mail = domains[domain]
    return Checked(
        email=email,
        verdict=judge(address, mail),
        has_mx=None if mail is MailDomain.UNANSWERED else mail is MailDomain.MX,
        disposable=is_disposable(domain),
        role=is_role(address.local),
    )


def _domain(address: Address) -> str:
    return address.key.rpartition("@")[2]
