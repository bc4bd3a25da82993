"""From what is known about an address to a verdict."""

from dataclasses import dataclass

from common.addresses import Address
from contacts.models import ValidationReason, ValidationState
from contacts.validation.disposable import is_disposable
from contacts.validation.mail_domains import MailDomain
from contacts.validation.providers import known_slip, similar_provider
from contacts.validation.roles import is_role

_IMPOSSIBLE = {
    MailDomain.NO_DOMAIN: ValidationReason.NO_DOMAIN,
    MailDomain.NO_SERVER: ValidationReason.NO_MAIL_SERVER,
    MailDomain.NULL_MX: ValidationReason.NULL_MX,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """State and reason of an address. `suggestion` is the address that was perhaps meant, or ""."""

    state: ValidationState
    reason: ValidationReason | None = None
    suggestion: str = ""


def judge(address: Address, domain: MailDomain) -> Verdict:
    """What the DNS says against mail weighs most; then a slip of the keyboard, a throw-away address, a role.

    An address that looks wrong without being so is risky, never invalid.
    """
    name = address.key.rpartition("@")[2]
    meant = known_slip(name) or (similar_provider(name) if domain is not MailDomain.MX else "")
    suggestion = f"{address.local}@{meant}" if meant else ""
    if domain in _IMPOSSIBLE:
        return Verdict(ValidationState.INVALID, _IMPOSSIBLE[domain], suggestion)
    if domain is MailDomain.UNANSWERED:
        return Verdict(ValidationState.PENDING, ValidationReason.UNANSWERED, suggestion)
    if meant:
        return Verdict(ValidationState.RISKY, ValidationReason.TYPO, suggestion)
    if is_disposable(name):
        return Verdict(ValidationState.RISKY, ValidationReason.DISPOSABLE)
    if is_role(address.local):
        return Verdict(ValidationState.RISKY, ValidationReason.ROLE)
    return Verdict(ValidationState.VALID)
