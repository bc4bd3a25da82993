"""Bounces over real SMTP: recorded before the 250, counted once, and nobody without a token gets in."""

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from api.hooks.bounce_door import start_bounce_door
from common.database import conninfo
from common.tokens import hex_form
from contacts.models import Suppression
from outbound.models import Event, Message, Tally
from outbound.states import EventKind, RecipientState
from tenants.models import Tenant
from tests.api.doors import KEYS, RETIRED
from tests.outbound.recipients import contact_of, sent_message, state_of


def dsn(status: str, diagnostic: str, action: str = "failed", explained: str = "") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: x@bounces.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="=b"\r\n\r\n'
        f"--=b\r\nContent-Type: text/plain\r\n\r\n{explained}\r\n"
        "--=b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; p2@example.com\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {diagnostic}\r\n\r\n--=b--\r\n"
    ).encode()


ARF = (
    b'From: fbl@isp.example\r\nSubject: complaint\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nabuse\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
    b"Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\nOriginal-Rcpt-To: p2@example.com\r\n\r\n--b--\r\n"
)
VACATION = b"From: Ana <ana@example.com>\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday. User unknown.\r\n"


@pytest.fixture
def message(live_tenant: Tenant) -> Message:
    return sent_message(5)


@contextmanager
def door(database: str = "") -> Iterator[int]:
    """The listener in a thread with a loop of its own; gives the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(
        start_bounce_door("127.0.0.1", 0, conninfo=database or conninfo(), keys=KEYS, hostname="mx.test"), loop
    ).result(10)
    try:
        yield opened.port
    finally:
        asyncio.run_coroutine_threadsafe(opened.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def port() -> Iterator[int]:
    with door() as port:
        yield port


def address(message: Message, position: int = 2, keys: object = KEYS) -> str:
    raw = keys.minter(connection.tenant.pk, message.pk)(position)  # type: ignore[attr-defined]
    return f"b-{hex_form(raw).decode()}@bounces.example"


def deliver(port: int, to: str, content: bytes, sender: str = "") -> tuple[int, bytes]:
    """The last reply."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo("mx.example")
        client.mail(sender)
        code, text = client.rcpt(to)
        return client.data(content) if code == 250 else (code, text)


def test_a_hard_bounce_suppresses_the_contact_before_its_250(message: Message, port: int) -> None:
    code, text = deliver(
        port, address(message), dsn("5.1.1", "550 5.1.1 <p2@example.com>: Recipient address rejected: User unknown")
    )
    assert (code, text) == (250, b"2.0.0 Ok: recorded")
    assert (state_of(message, 2), contact_of(message, 2).status) == (RecipientState.BOUNCED_HARD, "bounced")
    event = Event.objects.get()
    assert (event.kind, event.position) == (EventKind.BOUNCE_HARD, 2)
    assert (
        event.detail == "userunknown: 5.1.1 smtp; 550 5.1.1 <p2@example.com>: Recipient address rejected: User unknown"
    )
    assert Suppression.objects.get().email_key == "p2@example.com"
    assert [contact_of(message, position).status for position in (0, 1, 3, 4)] == ["active"] * 4


def test_the_same_bounce_again_is_taken_and_counted_once(message: Message, port: int) -> None:
    for _ in range(3):
        assert deliver(port, address(message), dsn("5.1.1", "550 5.1.1 user unknown"))[0] == 250
    assert list(Tally.objects.values_list("kind", "count", "uniques")) == [(EventKind.BOUNCE_HARD, 1, 1)]


@pytest.mark.parametrize(
    ("content", "kind", "state", "status"),
    [
        (dsn("4.2.2", "452 4.2.2 mailbox full"), EventKind.BOUNCE_SOFT, RecipientState.BOUNCED_SOFT, "active"),
        (dsn("5.2.2", "552 5.2.2 over quota"), EventKind.BOUNCE_SOFT, RecipientState.BOUNCED_SOFT, "active"),
        (
            dsn("5.7.1", "550 5.7.1 rejected: listed at spamhaus"),
            EventKind.BLOCK,
            RecipientState.BOUNCED_SOFT,
            "active",
        ),
        (ARF, EventKind.COMPLAINT, RecipientState.COMPLAINED, "complained"),
        (dsn("2.0.0", "250 ok", "delivered"), EventKind.DELIVERY, RecipientState.DELIVERED, "active"),
        (b"Subject: hm\r\n\r\nsomething else\r\n", EventKind.BOUNCE_SOFT, RecipientState.BOUNCED_SOFT, "active"),
        (b"\r\n", EventKind.BOUNCE_SOFT, RecipientState.BOUNCED_SOFT, "active"),
    ],
)
def test_each_kind_of_report_does_what_it_says(
    message: Message, port: int, content: bytes, kind: EventKind, state: RecipientState, status: str
) -> None:
    assert deliver(port, address(message), content)[0] == 250
    assert Event.objects.get().kind == kind
    assert (state_of(message, 2), contact_of(message, 2).status) == (state, status)


@pytest.mark.parametrize(
    ("content", "sender"),
    [
        (dsn("4.4.1", "timed out", "delayed"), ""),
        (VACATION, ""),
        (VACATION, "ana@example.com"),
        (b"Subject: hello\r\n\r\nhi\r\n", "ana@example.com"),
    ],
)
def test_delays_automatic_replies_and_letters_change_nothing(
    message: Message, port: int, content: bytes, sender: str
) -> None:
    assert deliver(port, address(message), content, sender)[0] == 250
    assert not Event.objects.exists()
    assert (state_of(message, 2), contact_of(message, 2).status) == (RecipientState.SENT, "active")


def test_addresses_without_a_good_token_are_refused(message: Message, port: int) -> None:
    good = address(message)
    flipped = good[:-17] + ("0" if good[-17] != "0" else "1") + good[-16:]
    for bad in (
        "postmaster@bounces.example",
        "info@bounces.example",
        "b-@bounces.example",
        flipped,
        "x" + good,
        good.replace("b-", "b-00"),
        address(message, keys=RETIRED),
        good.replace("b-", ""),
    ):
        assert deliver(port, bad, dsn("5.1.1", "550 user unknown"))[0] == 550, bad
    assert not Event.objects.exists()


def test_upper_case_addresses_are_read(message: Message, port: int) -> None:
    assert deliver(port, address(message).upper(), dsn("5.1.1", "550 5.1.1 user unknown"))[0] == 250
    assert state_of(message, 2) == RecipientState.BOUNCED_HARD


def test_hostile_words_are_stored_as_one_harmless_line(message: Message, port: int) -> None:
    assert (
        deliver(port, address(message), dsn("5.0.0", "550 <script>alert(1)</script> \x1b[2J\u202e" + "x" * 1500))[0]
        == 250
    )
    detail = Event.objects.get().detail
    assert detail is not None
    assert len(detail) == 1000
    assert detail.isprintable()


def test_without_a_database_the_sender_is_told_to_try_again(live_tenant: Tenant, message: Message) -> None:
    with door("postgresql://nobody@127.0.0.1:9/none") as port:
        assert deliver(port, address(message), dsn("5.1.1", "550 user unknown"))[0] == 451


def test_a_bounce_settles_a_doubt(live_tenant: Tenant, port: int) -> None:
    message = sent_message(3, state=RecipientState.IN_DOUBT)
    deliver(port, address(message), dsn("5.2.2", "552 over quota"))
    assert (state_of(message, 2), state_of(message, 1)) == (RecipientState.BOUNCED_SOFT, RecipientState.IN_DOUBT)
