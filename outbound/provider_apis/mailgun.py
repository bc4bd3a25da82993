"""What Mailgun says of a key and of its domains (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains).

A key belongs to one region; the other answers as if it did not exist. Keys for sending only may not read domains.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

from outbound.provider_apis.asking import Conversation, ProviderError, Reply, conversation, quoted

REGIONS = ("US", "EU")
_PAGE = 100  # what Mailgun gives when nobody says how many
_MOST_PAGES = 50


class AccountRefused(ProviderError):
    """The operator's own key is not accepted: asking again is of no use."""

    temporary = False


@dataclass(frozen=True, slots=True)
class MailgunAccount:
    """A key, and where it is asked for: `url` is the base, without a path."""

    key: str = field(repr=False)
    region: str
    url: str


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """What Mailgun says of a domain. `mx`, `txt`, `cname`: it names such records, and finds all of them as they should be.
    `refusal` says why it tells nothing, and what to do."""

    accepted: bool
    verified: bool = False
    mx: bool = False
    txt: bool = False
    cname: bool = False
    may_send: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class MailgunDomain:
    """As Mailgun's list tells it; "" and None for what is not told."""

    name: str
    state: str
    type: str
    created_at: datetime | None
    smtp_login: str
    is_disabled: bool
    skip_verification: bool


def check_domain(account: MailgunAccount, domain: str) -> DomainCheck:
    """`domain` in ASCII. Raises ProviderError and Unavailable."""
    with conversation("Mailgun") as mailgun:
        reply = _get(mailgun, account, f"/v4/domains/{quote(domain, safe='')}")
        held = reply.document()
        if reply.status in (401, 403):
            return DomainCheck(accepted=False, refusal=_refusal(account, held))
        if held is None:
            raise mailgun.unusable(f"status {reply.status}, and no JSON object")
        if reply.status == 404 and isinstance(held.get("message"), str):
            return DomainCheck(accepted=False, refusal=_elsewhere(account, domain))
        if reply.status != 200:
            raise mailgun.unusable(f"status {reply.status}")
        return _read_check(mailgun, held, domain)


def list_domains(account: MailgunAccount) -> list[MailgunDomain]:
    """All of the account's, up to 5,000. Raises ProviderError, AccountRefused and Unavailable."""
    found: list[MailgunDomain] = []
    with conversation("Mailgun") as mailgun:
        for _ in range(_MOST_PAGES):
            query = urlencode({"limit": _PAGE, "skip": len(found)})
            reply = _get(mailgun, account, f"/v4/domains?{query}")
            if reply.status in (401, 403):
                raise AccountRefused(
                    f"Mailgun does not accept the key that is kept here for this workspace ({account.region}). "
                    "The operator has to correct MAILGUN_API_KEYS."
                )
            held = reply.document() or {}
            items, total = held.get("items"), held.get("total_count")
            if reply.status != 200 or not isinstance(items, list):
                raise mailgun.unusable(f"status {reply.status}, and no list of domains")
            found += [_read_domain(mailgun, item) for item in items]
            if not items or (isinstance(total, int) and len(found) >= total):
                break
    return found


def _get(mailgun: Conversation, account: MailgunAccount, path: str) -> Reply:
    shown = base64.b64encode(f"api:{account.key}".encode()).decode()
    headers = {"Authorization": f"Basic {shown}", "Accept": "application/json"}
    return mailgun.ask("GET", account.url.rstrip("/") + path, headers=headers)


def _refusal(account: MailgunAccount, held: dict[str, Any] | None) -> str:
    words = quoted((held or {}).get("message"), secrets=[account.key])
    told = f"Mailgun ({account.region}) does not accept the key{': ' if words else '.'}{words}"
    return f"{told} Is it a key of the account, not one for sending only, and is the region right?"


def _elsewhere(account: MailgunAccount, domain: str) -> str:
    other = next(region for region in REGIONS if region != account.region)
    return f"Mailgun ({account.region}) has no domain {domain} for this key. Add it there, or try the region {other}."


def _read_check(mailgun: Conversation, held: dict[str, Any], domain: str) -> DomainCheck:
    about = held.get("domain")
    if not isinstance(about, dict) or not isinstance(about.get("state"), str):
        raise mailgun.unusable("no domain with a state")
    if str(about.get("name", "")).lower().rstrip(".") != domain:
        raise mailgun.unusable("another domain than the one that was asked for")
    records = [*_records(mailgun, held, "sending_dns_records"), *_records(mailgun, held, "receiving_dns_records")]
    verified = about["state"] == "active"
    return DomainCheck(
        accepted=True,
        verified=verified,
        mx=_all_valid(records, "MX"),
        txt=_all_valid(records, "TXT"),
        cname=_all_valid(records, "CNAME"),
        may_send=verified and not _flag(about, "is_disabled"),
    )


def _records(mailgun: Conversation, held: dict[str, Any], name: str) -> list[dict[str, Any]]:
    records = held.get(name) or []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise mailgun.unusable(f"{name} is no list of records")
    return records


def _all_valid(records: Iterable[dict[str, Any]], type: str) -> bool:
    found = [record.get("valid") == "valid" for record in records if record.get("record_type") == type]
    return bool(found) and all(found)


def _read_domain(mailgun: Conversation, item: Any) -> MailgunDomain:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise mailgun.unusable("a domain without a name")
    return MailgunDomain(
        name=item["name"],
        state=_text(item, "state"),
        type=_text(item, "type"),
        created_at=_moment(_text(item, "created_at")),
        smtp_login=_text(item, "smtp_login"),
        is_disabled=_flag(item, "is_disabled"),
        skip_verification=_flag(item, "skip_verification"),
    )


def _text(item: dict[str, Any], name: str) -> str:
    given = item.get(name)
    return given if isinstance(given, str) else ""


def _flag(item: dict[str, Any], name: str) -> bool:
    return item.get(name) is True


def _moment(text: str) -> datetime | None:
    """Mailgun writes `Wed, 10 Jul 2013 20:09:20 GMT` (RFC 5322)."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
