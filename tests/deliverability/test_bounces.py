"""Reading bounces, complaints and automatic replies: what is hard is hard, and nothing else ever is."""

import json
from pathlib import Path

import pytest

from deliverability.bounces import BounceReport, read_bounce
from deliverability.bounces.mime import take_apart
from tests.servers import ROOT

CORPUS = ROOT.parent / "shared" / "data" / "bounces"
CLASSES = {"auto_reply": "ignore", "delivered": "ignore", "ignored": "ignore", "delayed": "soft", "unknown": "soft"}


HEAD = "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender"


def report(*parts: tuple[str, str], head: str = HEAD) -> list[BounceReport]:
    body = "".join(f"--b\nContent-Type: {kind}\n\n{text}\n" for kind, text in parts)
    return read_bounce(f'{head}\nContent-Type: multipart/report; boundary="b"\n\n{body}--b--\n'.encode())


def status_part(*groups: str) -> tuple[str, str]:
    return "message/delivery-status", "\n\n".join(("Reporting-MTA: dns; mx.example", *groups))


def failed(status: str, diagnostic: str, *, action: str = "failed", recipient: str = "a@x.example") -> str:
    return (
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}"
    )


def test_a_delivery_status_names_recipient_status_and_reason() -> None:
    (found,) = report(
        ("text/plain", "I'm sorry."),
        status_part(failed("5.1.1", "550 5.1.1\n  User unknown", recipient="Ana@Example.com")),
        ("message/rfc822", "From: us@example.net\nMessage-ID: <abc@example.net>\n\nbody"),
    )
    assert (found.kind, found.recipient, found.reason, found.status) == (
        "hard",
        "Ana@Example.com",
        "userunknown",
        "5.1.1",
    )
    assert (found.diagnostic, found.original_message_id, found.token) == (
        "smtp; 550 5.1.1 User unknown",
        "abc@example.net",
        None,
    )


def test_our_token_is_found_in_the_returned_message_id() -> None:
    token = "01" * 24
    (found,) = report(
        status_part("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1"),
        ("text/rfc822-headers", f"Message-ID: <{token}@example.net>\nSubject: x"),
    )
    assert (found.token, found.original_message_id) == (token, f"{token}@example.net")


def test_each_recipient_of_a_report_has_its_own_verdict() -> None:
    found = report(
        status_part(
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user",
            "Final-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 mailbox full",
            "Final-Recipient: rfc822; c@x.example\nAction: delivered\nStatus: 2.0.0",
        )
    )
    assert [(one.recipient, one.kind) for one in found] == [
        ("a@x.example", "hard"),
        ("b@x.example", "soft"),
        ("c@x.example", "delivered"),
    ]


def test_a_delay_is_a_warning_and_never_hard() -> None:
    (found,) = report(status_part(failed("5.1.1", "550 user unknown", action="delayed")))
    assert found.kind == "delayed"


@pytest.mark.parametrize(
    ("status", "words"),
    [("4.1.1", "450 4.1.1 user unknown"), ("4.4.4", "451 host not found"), ("", "450 no such user")],
)
def test_a_temporary_failure_is_never_hard(status: str, words: str) -> None:
    (found,) = report(status_part(failed(status, words)))
    assert found.kind == "soft"


def test_user_unknown_after_data_is_a_filter_at_work() -> None:
    (found,) = report(
        ("text/plain", "550 user unknown (in reply to end of DATA command)"),
        status_part(failed("5.0.0", "550 user unknown")),
    )
    assert (found.kind, found.reason) == ("soft", "filtered")


def test_a_complaint_is_a_complaint_and_an_opt_out_is_none() -> None:
    def feedback(kind: str) -> str:
        return report(
            ("text/plain", "x"),
            ("message/feedback-report", f"Feedback-Type: {kind}\nOriginal-Rcpt-To: <a@x.example>"),
            head="From: fbl@isp.example\nSubject: FW: news",
        )[0].kind

    assert [feedback(kind) for kind in ("abuse", "fraud", "opt-out", "auth-failure", "not-spam")] == [
        "complaint",
        "complaint",
        "unsubscribe",
        "ignored",
        "ignored",
    ]


def test_prose_is_read_where_there_is_nothing_else() -> None:
    (found,) = read_bounce(
        b"From: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: ana@example.com\nAuto-Submitted: auto-replied\n"
        b"Subject: Mail delivery failed: returning message to sender\n\nThe following address(es) failed:\n\n  ana@example.com\n"
        b"    host mx.example [192.0.2.1]: 550 5.1.1 <ana@example.com>: Recipient address rejected: User unknown\n\n"
        b"------ This is a copy of the message, including all the headers. ------\n\nFrom: us@example.net\nMessage-ID: <1@example.net>\n"
    )
    assert (found.kind, found.recipient, found.status, found.original_message_id) == (
        "hard",
        "ana@example.com",
        "5.1.1",
        "1@example.net",
    )


@pytest.mark.parametrize(
    "mail",
    [
        "From: Ana <ana@example.com>\nSubject: Out of office: Re: News\n\nUser unknown, mailbox does not exist: just kidding.",
        "From: Ana <ana@example.com>\nSubject: Automatic reply: News\nAuto-Submitted: auto-replied\n\nAway; no such user here then.",
        "From: help@shop.example\nSubject: We got your mail [#123]\nAuto-Submitted: auto-replied\n\nticket 550",
    ],
)
def test_an_automatic_reply_is_no_bounce_whatever_it_says(mail: str) -> None:
    assert [found.kind for found in read_bounce(mail.encode())] == ["auto_reply"]


@pytest.mark.parametrize(
    "mail",
    ["", "\n", "From: ana@example.com\nSubject: Hello\n\nHow are you? My 550 cars.", "\0\0\0", "no headers at all"],
)
def test_an_ordinary_mail_is_no_bounce(mail: str) -> None:
    assert read_bounce(mail.encode()) == []


def nested(depth: int) -> bytes:
    return b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(depth))


@pytest.mark.parametrize(
    "bomb",
    [
        nested(2_000),
        b'Content-Type: multipart/report; boundary="b"\n\n' + b"--b\n\nx\n" * 100_000,
        b"To: " + b"a@b.c, " * 100_000 + b"\n\nfailed",
        b"Content-Type: text/plain" + b"; a=b" * 50_000 + b"\n\nx",
        b"Subject: undelivered\nTo: " + b"(" * 50_000 + b"\n\nx",
        b"Subject: Undelivered\n\n" + b"<a@" * 200_000,
        b"Subject: Undelivered\n\n" + b"user " * 100_000,
        b"Subject: Undelivered\n\n" + b"a.b-" * 100_000 + b"@" + b"x-." * 100_000,
        b"Subject: failed\n\n" + b"> " * 300_000,
        b"X:" + b" \n" * 200_000,
        b"Subject: =?utf-8?q?" + b"=41" * 50_000 + b"?=\n\nx",
        b"From: MAILER-DAEMON\nSubject: failure\nContent-Type: text/html\n\n" + b"<" * 300_000,
        b"From: MAILER-DAEMON\nSubject: failure\nContent-Type: text/html\n\n" + b"<style>" * 60_000,
        b"Content-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822; a@b.example\n" * 20_000,
        b"Content-Type: text/plain; charset=punycode\nFrom: mailer-daemon\n\n" + b"a-" * 100_000,
        bytes(range(256)) * 4_000,
    ],
)
@pytest.mark.timeout(20)  # the standard library takes minutes, or its stack, for some of these
def test_no_mail_costs_much_time(bomb: bytes) -> None:
    read_bounce(bomb)


def corpus() -> dict[str, dict[str, object]]:
    if not (CORPUS / "expected.json").exists():
        pytest.skip("the corpus of bounces is not on this machine")
    found: dict[str, dict[str, object]] = json.loads((CORPUS / "expected.json").read_text())
    return found


def read(name: str) -> list[BounceReport]:
    return read_bounce(Path(CORPUS / name).read_bytes())


def test_most_real_bounces_are_read_as_careful_people_read_them() -> None:
    events = recipients = classes = 0
    for name, expected in corpus().items():
        found = read(name)
        for number, event in enumerate(expected["events"] or []):  # type: ignore[var-annotated,arg-type]
            events += 1
            same = [one for one in found if (one.recipient or "").lower() == (event["recipient"] or "").lower()]
            one = same[0] if same else found[number] if number < len(found) else None
            recipients += bool(same or not event["recipient"] or event["class"] == "ignore")
            wanted = {"soft" if event["class"] == "unknown" else event["class"]}
            if expected.get("disputed"):
                wanted |= {"hard", "soft", "block"}
            classes += one is not None and CLASSES.get(one.kind, one.kind) in wanted
    assert recipients / events > 0.94
    assert classes / events > 0.84


def test_no_full_mailbox_complaint_delay_or_automatic_reply_is_ever_hard() -> None:
    for name, expected in corpus().items():
        events = expected["events"] or []
        if events and all(
            event["reason"] in ("mailboxfull", "vacation", "feedback", "expired", "delivered") for event in events
        ):  # type: ignore[attr-defined]
            assert all(one.kind != "hard" for one in read(name)), name


def test_line_ends_make_no_difference() -> None:
    for name in list(corpus())[::7]:
        raw = (CORPUS / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert read_bounce(raw) == read_bounce(raw.replace(b"\n", b"\r\n")) == read_bounce(raw.replace(b"\n", b"\r")), (
            name
        )


def test_a_cut_off_or_damaged_mail_is_read_as_far_as_it_goes() -> None:
    for name in list(corpus())[::9]:
        raw = (CORPUS / name).read_bytes()
        for cut in range(0, len(raw), max(1, len(raw) // 12)):
            read_bounce(raw[:cut])
            read_bounce(raw[:cut] + b"\xff\x00\r" + raw[cut + 7 :])
            take_apart(raw[cut:])
