"""What is answered about providers, field by field."""

from typing import Any

from api.relay.moments import moment
from outbound.provider_apis.gmail import GmailCheck
from outbound.provider_apis.mailgun import DomainCheck, MailgunDomain


def gmail(check: GmailCheck, *, service_account: str) -> dict[str, Any]:
    """Valid is what may send for the mailbox."""
    return {
        "valid": check.may_send,
        "service_account": service_account,
        "scopes": list(check.scopes),
        "domain_wide_delegation": bool(check.scopes),
        "reason": check.refusal or None,
    }


def mailgun(check: DomainCheck) -> dict[str, Any]:
    """Valid is a key that may look at this domain in this region."""
    return {
        "valid": check.accepted,
        "domain_verified": check.verified,
        "dns_records": {"mx": check.mx, "txt": check.txt, "cname": check.cname},
        "sending_enabled": check.may_send,
        "reason": check.refusal or None,
    }


def mailgun_domain(domain: MailgunDomain) -> dict[str, Any]:
    """One of a list."""
    return {
        "name": domain.name,
        "state": domain.state,
        "type": domain.type,
        "created_at": moment(domain.created_at),
        "smtp_login": domain.smtp_login,
        "is_disabled": domain.is_disabled,
        "skip_verification": domain.skip_verification,
    }
