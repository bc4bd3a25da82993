"""Complaints of readers, as mailbox providers pass them on (Abuse Reporting Format, RFC 5965)."""

import re

from deliverability.bounces.mime import fields_of
from deliverability.bounces.report import BounceReport, Kind
from deliverability.bounces.words import address_in

TYPE = "message/feedback-report"
_KINDS: dict[str, Kind] = {
    "abuse": "complaint",
    "fraud": "complaint",
    "virus": "complaint",
    "miscategorized": "complaint",
    "other": "complaint",
    "opt-out": "unsubscribe",
    "opt-out-list": "unsubscribe",
    "auth-failure": "ignored",
    "not-spam": "ignored",
    "dmarc": "ignored",
}
_RECIPIENT = re.compile(r"(?im)^(?:original-rcpt-to|removal-recipient)[ \t]*:[ \t]*(.{1,300})$")
_MOST_RECIPIENTS = 100


def read_feedback(text: str, original: str) -> list[BounceReport]:
    """One report a recipient; without any named, one with the To of the mail that was complained about, if it tells."""
    fields = fields_of(text)
    kind = _KINDS.get(fields.get("feedback-type", "").strip().lower(), "complaint")
    diagnostic = f"feedback-type: {fields.get('feedback-type', '')}".strip()
    named = [address for line in _RECIPIENT.findall(text)[:_MOST_RECIPIENTS] if (address := address_in(line))]
    if not named:
        addressed = address_in(fields_of(original.partition("\n\n")[0]).get("to", ""))
        named = [addressed] if addressed else []
    found = list(dict.fromkeys(named))
    return [BounceReport(kind, address, diagnostic=diagnostic) for address in found] or [
        BounceReport(kind, diagnostic=diagnostic)
    ]
