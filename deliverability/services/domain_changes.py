"""Changing where bounces of a sending domain come back to, and where its links lead."""

from urllib.parse import urlsplit

from common.errors import InvalidInput
from deliverability.models import SendingDomain


def update_sending_domain(domain: SendingDomain, *, bounce_domain: str, tracking_url: str) -> SendingDomain:
    """Mail planned from now on uses the new values. Raises InvalidInput."""
    bounce_domain, tracking_url = bounce_domain.strip().lower(), tracking_url.strip().rstrip("/")
    if bounce_domain and ("." not in bounce_domain or "/" in bounce_domain or "@" in bounce_domain):
        raise InvalidInput(f"{bounce_domain!r} is not a domain name.", field="bounce_domain")
    check_tracking_url(tracking_url)
    domain.bounce_domain, domain.tracking_url = bounce_domain, tracking_url
    domain.save(update_fields=["bounce_domain", "tracking_url"])
    return domain


def check_tracking_url(url: str) -> None:
    """Raises InvalidInput for what cannot stand at the beginning of a tracked link; the empty text is fine."""
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise InvalidInput(
            f"{url!r} cannot be the beginning of links.",
            field="tracking_url",
            hint="Give scheme and host only, like https://t.example.com.",
        )
