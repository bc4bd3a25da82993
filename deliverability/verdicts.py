"""What a refusal means for the address: a few words of a server, read as a reason, and the reason as a verdict.

**hard**: the address is dead, suppress it. **soft**: may work later; count it. **block**: our side, our
reputation or this mail was refused; never held against the address. In doubt never hard: a living address that
is suppressed is lost for good, a dead one that is tried again tells the same next time.
"""

from dataclasses import dataclass
from typing import Literal

from deliverability.refusals import reason_in_words
from deliverability.status_codes import reason_of_numbers

Kind = Literal["hard", "soft", "block"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is a key of REASONS."""

    kind: Kind
    reason: str


REASONS: dict[str, Kind] = {
    "userunknown": "hard",  # no such mailbox at the domain
    "hostunknown": "hard",  # the domain does not exist or takes no mail at all (null MX)
    "hasmoved": "hard",  # the mailbox has moved and is not forwarded
    "mailboxfull": "soft",
    "suspend": "soft",  # the account exists but is suspended, unpaid or idle
    "filtered": "soft",  # refused by a setting of the recipient
    "notaccept": "soft",  # the server takes no mail just now
    "expired": "soft",  # given up, or still waiting, after a long time in a queue
    "networkerror": "soft",  # DNS failure, loop, unreachable
    "systemerror": "soft",  # something broke at the receiving side
    "systemfull": "soft",  # the receiving server's disk is full
    "mailererror": "soft",  # a delivery program behind the server failed
    "ratelimited": "soft",  # too many connections, sent too fast: slow down
    "greylisted": "soft",
    "undefined": "soft",
    "emailtoolarge": "block",
    "authfailure": "block",  # SPF, DKIM or DMARC failed
    "badreputation": "block",
    "blocked": "block",  # our IP address or host name is on a list
    "requireptr": "block",  # reverse DNS is missing or wrong
    "rejected": "block",  # the envelope sender is refused
    "norelaying": "block",
    "policyviolation": "block",
    "contenterror": "block",
    "spamdetected": "block",
    "virusdetected": "block",
    "syntaxerror": "block",  # the SMTP dialogue was wrong
    "failedstarttls": "block",
}


def verdict_of_reply(code: int, enhanced: str, text: str, stage: str) -> Verdict:
    """The verdict on an SMTP refusal: `code` 4xx or 5xx, enhanced status ("5.1.1" or ""), its text, and what it answered.

    `stage` is "mail", "rcpt", "data" (after the body, too), or anything else. A temporary refusal is never hard, and
    neither is one after DATA: who accepted the recipient first and then refuses the mail has a filter at work.
    """
    reason = reason_of(text, enhanced, code)
    temporary = 400 <= code < 500 or enhanced.startswith("4.")
    return verdict_of(reason, temporary=temporary, after_data=stage not in ("mail", "rcpt"), enhanced=enhanced)


def verdict_of(reason: str, *, temporary: bool, after_data: bool = False, enhanced: str = "") -> Verdict:
    """A reason in its circumstances."""
    if reason == "userunknown" and after_data and enhanced not in _SURELY_UNKNOWN:
        reason = "filtered"
    kind = REASONS.get(reason, "soft")
    return Verdict("soft" if temporary and kind == "hard" else kind, reason)


def reason_of(text: str, enhanced: str = "", code: int | None = None) -> str:
    """The reason, from the words first, because servers choose their words with more care than their numbers."""
    return reason_in_words(text) or reason_of_numbers(enhanced, code)


_SURELY_UNKNOWN = ("5.1.1", "5.1.10")
