"""What an SMTP refusal means for the address."""

import pytest

from deliverability.verdicts import REASONS, verdict_of_reply


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "stage", "kind", "reason"),
    [
        (550, "5.1.1", "The email account that you tried to reach does not exist.", "rcpt", "hard", "userunknown"),
        (
            550,
            "5.1.1",
            "<a@example.com>: Recipient address rejected: User unknown in local recipient table",
            "rcpt",
            "hard",
            "userunknown",
        ),
        (550, "", "No such user here", "rcpt", "hard", "userunknown"),
        (
            550,
            "5.1.10",
            "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "data",
            "hard",
            "userunknown",
        ),
        (550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281)", "rcpt", "hard", "userunknown"),
        (554, "5.1.1", "", "rcpt", "hard", "userunknown"),
        (550, "5.1.2", "Host or domain name not found", "rcpt", "hard", "hostunknown"),
        (556, "5.1.10", "Domain does not accept mail (nullMX)", "rcpt", "hard", "hostunknown"),
        (450, "4.1.1", "User unknown", "rcpt", "soft", "userunknown"),
        (550, "", "user unknown", "data", "soft", "filtered"),
        (452, "4.2.2", "The recipient's inbox is out of storage space", "rcpt", "soft", "mailboxfull"),
        (552, "5.2.2", "Mailbox full", "rcpt", "soft", "mailboxfull"),
        (550, "5.2.1", "The email account that you tried to reach is disabled", "rcpt", "soft", "suspend"),
        (451, "4.7.1", "Greylisting in action, please come back later", "rcpt", "soft", "greylisted"),
        (421, "4.7.28", "Our system has detected an unusual rate of unsolicited mail", "data", "soft", "ratelimited"),
        (421, "", "", "mail", "soft", "ratelimited"),
        (
            550,
            "5.7.26",
            "This mail is unauthenticated, which poses a security risk. DKIM = did not pass",
            "data",
            "block",
            "authfailure",
        ),
        (
            554,
            "5.7.1",
            "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            "rcpt",
            "block",
            "blocked",
        ),
        (550, "5.7.1", "Our system has detected that this message is likely spam", "data", "block", "spamdetected"),
        (
            550,
            "5.7.25",
            "The IP address sending this message does not have a PTR record",
            "mail",
            "block",
            "requireptr",
        ),
        (552, "5.3.4", "Message size exceeds fixed limit", "mail", "block", "emailtoolarge"),
        (554, "5.7.1", "<ana@example.com>: Relay access denied", "rcpt", "block", "norelaying"),
        (550, "5.0.0", "Nein.", "rcpt", "soft", "undefined"),
        (550, "", "", "rcpt", "soft", "undefined"),
    ],
)
def test_a_refusal_is_understood(code: int, enhanced: str, text: str, stage: str, kind: str, reason: str) -> None:
    verdict = verdict_of_reply(code, enhanced, text, stage)
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_no_temporary_refusal_is_hard_whatever_it_says() -> None:
    for words in ("user unknown", "no such domain", "mailbox has moved", "does not exist"):
        for stage in ("mail", "rcpt", "data"):
            assert verdict_of_reply(450, "4.1.1", words, stage).kind != "hard"
            assert verdict_of_reply(450, "", words, stage).kind != "hard"


def test_every_reason_has_a_verdict() -> None:
    assert set(REASONS.values()) == {"hard", "soft", "block"}


@pytest.mark.parametrize(
    "text",
    ["user " * 20_000, "a" * 100_000, "recipient x " * 20_000, "(" * 50_000, "\0\r\n" * 30_000, "mailbox is " * 9_000],
)
@pytest.mark.timeout(10)
def test_long_replies_cost_little(text: str) -> None:
    verdict_of_reply(550, "", text, "rcpt")
