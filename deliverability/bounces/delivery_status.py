"""Delivery status notifications: the part of a bounce that is made for programs (RFC 3464, RFC 6533)."""

import re
from collections.abc import Iterator

from deliverability.bounces.mime import fields_of
from deliverability.bounces.report import BounceReport, Kind
from deliverability.bounces.words import about, address_in, after_data, said_by_server, status_in
from deliverability.refusals import reason_in_words
from deliverability.status_codes import reason_of_numbers
from deliverability.verdicts import verdict_of

TYPES = ("message/delivery-status", "message/global-delivery-status")
_MOST_RECIPIENTS = 100
_BLANK_LINES = re.compile(r"\n[ \t]*\n+")
_NEXT_RECIPIENT = re.compile(r"\n(?=(?:final|original)-recipient[ \t]*:)", re.IGNORECASE)
_SMTP_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_NO_FAILURE: dict[str, Kind] = {"delivered": "delivered", "relayed": "delivered", "expanded": "delivered"}


def read_delivery_status(text: str, explained: str) -> list[BounceReport]:
    """One report a recipient. `explained` is the prose for people in the same mail, asked where the fields say too little."""
    found = [(_recipient(fields), fields) for fields in _recipients(text)]
    everybody = [address for address, _ in found if address]
    return [
        _report(address, fields, about(address, explained, everybody) if address and len(everybody) > 1 else explained)
        for address, fields in found
    ]


def _recipients(text: str) -> Iterator[dict[str, str]]:
    found = 0
    for group in _BLANK_LINES.split(text.strip("\n")):
        fields = fields_of(group)
        if not ("final-recipient" in fields or "original-recipient" in fields or "x-actual-recipient" in fields):
            continue
        repeated = len(re.findall(r"(?im)^final-recipient[ \t]*:", group)) > 1
        for piece in _NEXT_RECIPIENT.split(group) if repeated else [group]:
            fields = fields_of(piece)
            if "final-recipient" in fields or not repeated:
                found += 1
                if found > _MOST_RECIPIENTS:
                    return
                yield fields


def _recipient(fields: dict[str, str]) -> str | None:
    named = (
        fields.get(name, "").rpartition(";")[2]
        for name in ("final-recipient", "original-recipient", "x-actual-recipient")
    )
    return next((address for text in named if (address := address_in(text))), None)


def _report(recipient: str | None, fields: dict[str, str], explained: str) -> BounceReport:
    diagnostic = " ".join(fields.get("diagnostic-code", "").split())
    status = status_in(fields.get("status", ""))
    said = status_in(diagnostic)
    if said and (not status or status.endswith(".0.0")):
        status = said
    action = fields.get("action", "").partition("(")[0].strip().lower()
    code = _SMTP_CODE.search(diagnostic)
    number = int(code[1]) if code else None
    if action in _NO_FAILURE:
        return BounceReport(_NO_FAILURE[action], recipient, "", status, diagnostic)
    told = reason_in_words(said_by_server(explained))
    reason = reason_in_words(diagnostic) or told or reason_of_numbers(status, number)
    if told == "mailboxfull":
        reason = told  # some filters answer "user unknown" for a full mailbox and tell the truth to people only
    temporary = status.startswith("4.") or (number is not None and number < 500 and not status.startswith("5."))
    if action == "delayed":
        return BounceReport("delayed", recipient, reason, status, diagnostic)
    if reason == "undefined":
        return BounceReport("unknown", recipient, reason, status, diagnostic)
    verdict = verdict_of(reason, temporary=temporary, after_data=after_data(explained + diagnostic), enhanced=status)
    return BounceReport(verdict.kind, recipient, verdict.reason, status, diagnostic)
