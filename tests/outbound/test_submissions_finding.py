"""Submitted messages found again: lists, one of them with its history, and by what outsiders know them by."""

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.errors import InvalidInput
from outbound.events import record_event
from outbound.states import EventKind, RecipientState
from outbound.submission.finding import MessageFilter, UnknownMessage, find_message, list_messages, locate
from outbound.submission.ids import public_id
from outbound.submission.types import Attachment, Door, Mailbox
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.outbound.submission_cast import defer, end, later, people, row, submitted, take


def found(**wanted: Any) -> list[int]:
    return [one.message_id for one in list_messages(MessageFilter(**wanted), limit=50).messages]


def test_a_list_is_newest_first_with_an_exact_total(acme: Tenant) -> None:
    ids = [submitted(subject=f"Number {n}").message_id for n in range(5)]
    page = list_messages(MessageFilter(), limit=2, offset=1)
    assert [one.message_id for one in page.messages] == [ids[3], ids[2]]
    assert (page.total, page.is_capped) == (5, False)
    assert list_messages(MessageFilter(), limit=2, offset=4).total == 5
    beyond = list_messages(MessageFilter(), limit=2, offset=50)
    assert (beyond.messages, beyond.total) == ((), 5)


def test_counting_ends_where_it_would_take_long(acme: Tenant) -> None:
    for _ in range(4):
        submitted()
    page = list_messages(MessageFilter(), limit=1, count_at_most=2)
    assert (len(page.messages), page.total, page.is_capped) == (1, 2, True)


def test_a_summary_says_what_was_handed_in(acme: Tenant) -> None:
    when = later()
    done = submitted(
        door=Door.HOSTING, cc=people("bob@example.com"), bcc=people("cy@example.com"), priority=1, send_at=when,
        metadata={"order": 7}, campaign="spring", user="u-1",
    )  # fmt: skip
    (one,) = list_messages(MessageFilter(), limit=10).messages
    assert (one.message_id, one.public_id, one.door) == (done.message_id, done.public_id, Door.HOSTING)
    assert (one.sender, one.to) == (Mailbox("shop@acme.example", "Acme"), (Mailbox("ana@example.com", "Ana"),))
    assert (one.cc, one.bcc) == (people("bob@example.com"), people("cy@example.com"))
    assert (one.subject, one.state, one.processing, one.priority) == ("Your order", "scheduled", False, 1)
    assert (one.campaign, one.user, one.metadata) == ("spring", "u-1", {"order": 7})
    assert (one.queued_at, one.send_at, one.processed_at) == (done.queued_at, when, None)
    assert (one.error, one.retries) == ("", 0)


def test_each_filter_narrows_the_list(acme: Tenant) -> None:
    plain = submitted().message_id
    other = submitted(
        door=Door.AEGIS, sender=Mailbox("News@acme.example"), to=people("Bob@Example.com"), cc=people("cy@example.com"),
        campaign="spring", user="u-1",
    ).message_id  # fmt: skip
    assert found(sender="news@ACME.example") == found(recipient="bob@example.COM") == [other]
    assert found(recipient="cy@example.com") == found(campaign="spring") == found(user="u-1") == [other]
    assert found(door="aegis") == [other]
    assert found(sender="shop@acme.example", recipient="ana@example.com", state="queued") == [plain]
    assert found(sender="nobody") == found(recipient="ana@example") == found(key_id=7) == []
    now = row("SELECT now()")[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET created_at = created_at - interval '2 hours' WHERE message_id = %s", [plain]
        )
    assert found(created_to=now - timedelta(hours=1, minutes=30)) == [plain]
    assert found(created_from=now - timedelta(hours=1)) == [other]
    assert found(created_from=now - timedelta(hours=3), created_to=now + timedelta(minutes=1)) == [other, plain]
    assert found(created_from=now + timedelta(days=40)) == found(created_to=now - timedelta(days=40)) == []


def test_states_are_those_of_this_moment(acme: Tenant) -> None:
    waits, scheduled, tried, sent = (submitted().message_id for _ in range(4))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET state = 'scheduled', send_at = now() + interval '1 hour' WHERE message_id = %s",
            [scheduled],
        )
    defer(tried)
    end(sent, RecipientState.SENT)
    assert (found(state="queued"), found(state="scheduled")) == ([waits], [scheduled])
    assert (found(state="deferred"), found(state="sent"), found(state="failed")) == ([tried], [sent], [])
    assert found(states=("queued", "sent")) == [sent, waits]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbound_submission SET send_at = now() - interval '1 second' WHERE message_id = %s", [scheduled]
        )
    assert (found(state="queued"), found(state="scheduled")) == ([scheduled, waits], [])
    assert find_message(scheduled).state == "queued"


def test_what_a_sender_has_in_hand_can_be_told_from_what_waits(acme: Tenant) -> None:
    waits, held = submitted().message_id, submitted().message_id
    take(held)
    assert (found(processing=True), found(processing=False)) == ([held], [waits])
    assert (found(state="queued", processing=True), found(state="queued", processing=False)) == ([held], [waits])
    detail = find_message(held)
    assert (detail.state, detail.processing, detail.recipients[0].state) == ("queued", True, "processing")


@pytest.mark.parametrize(
    "wrong",
    [{"state": "lost"}, {"states": ("sent", "x")}, {"door": "window"}, {"campaign": "a\x00"}, {"sender": "\ud800"}],
)
def test_a_filter_that_no_message_can_meet_is_refused(acme: Tenant, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        list_messages(MessageFilter(**wrong), limit=10)


def test_one_message_comes_with_all_that_is_known_of_it(acme: Tenant) -> None:
    done = submitted(
        cc=people("bob@example.com"),
        reply_to=(Mailbox("help@acme.example", "Help"),),
        headers=(("X-Order", "7"),),
        attachments=(Attachment("a.txt", b"hello", "text/plain"),),
    )
    end(done.message_id, RecipientState.SENT, RecipientState.BOUNCED_HARD, code=550, reason="5.1.1 no such user")
    detail = find_message(done.message_id)
    assert (detail.html, detail.text) == ("<p>It is on its way.</p>", "It is on its way.")
    head = dict(detail.headers)
    assert head["Message-ID"] == f"<{done.public_id}@acme.example>"
    assert (parsedate_to_datetime(head["Date"]), head["X-Order"]) == (done.queued_at.replace(microsecond=0), "7")
    (file,) = detail.attachments
    assert (file.filename, file.content_type, file.size, file.content_id) == ("a.txt", "text/plain", 5, "")
    assert detail.reply_to == (Mailbox("help@acme.example", "Help"),)
    assert (detail.provider, detail.error) == ("Relay", "5.1.1 no such user")
    assert detail.size > 0
    first, second = detail.recipients
    assert (first.kind, first.email, first.name, first.state, first.attempts) == (
        "to",
        "ana@example.com",
        "Ana",
        "sent",
        1,
    )
    assert (second.kind, second.email, second.state, second.code) == ("cc", "bob@example.com", "bounced", 550)
    assert second.reason == "5.1.1 no such user"


def test_a_timeline_tells_tries_outcome_and_what_people_did(acme: Tenant) -> None:
    done = submitted()
    defer(done.message_id)
    end(done.message_id, RecipientState.SENT)
    at = row("SELECT now()")[0]
    for minutes, kind in enumerate(
        (EventKind.DELIVERY, EventKind.OPEN, EventKind.CLICK, EventKind.UNSUBSCRIBE, EventKind.COMPLAINT), 1
    ):
        record_event(kind=kind, message_id=done.message_id, position=0, at=at + timedelta(minutes=minutes))
    detail = find_message(done.message_id)
    assert sorted(entry.kind for entry in detail.timeline) == sorted(
        ["accepted", "deferred", "sent", "delivered", "opened", "clicked", "unsubscribed", "complained"]
    )
    assert [entry.kind for entry in detail.timeline][-5:] == [
        "delivered",
        "opened",
        "clicked",
        "unsubscribed",
        "complained",
    ]
    tried = next(entry for entry in detail.timeline if entry.kind == "deferred")
    assert (tried.email, tried.provider, tried.code, tried.text) == ("ana@example.com", "Relay", 451, "4.3.0 try again")
    assert detail.recipients[0].state == "complained"


def test_a_bounce_that_came_later_leaves_the_sending_in_the_timeline(acme: Tenant) -> None:
    done = submitted()
    end(done.message_id, RecipientState.SENT)
    at = row("SELECT now() + interval '1 minute'")[0]
    record_event(kind=EventKind.BOUNCE_HARD, message_id=done.message_id, position=0, at=at, detail="550 5.1.1 gone")
    detail = find_message(done.message_id)
    assert [entry.kind for entry in detail.timeline] == ["accepted", "sent", "bounced"]
    assert detail.timeline[-1].text == "550 5.1.1 gone"
    assert detail.recipients[0].state == "bounced"


def test_a_deferred_recipient_shows_the_last_reply(acme: Tenant) -> None:
    done = submitted()
    defer(done.message_id, code=450, reason="4.2.0 busy")
    (one,) = find_message(done.message_id).recipients
    assert (one.state, one.attempts, one.code, one.reason) == ("deferred", 1, 450, "4.2.0 busy")


def test_a_scheduled_message_says_until_when(acme: Tenant) -> None:
    when = later()
    detail = find_message(submitted(send_at=when).message_id)
    assert [(entry.kind, entry.text) for entry in detail.timeline] == [
        ("accepted", ""),
        ("scheduled", when.isoformat()),
    ]
    assert detail.recipients[0].state == "scheduled"


def test_lists_and_messages_take_a_fixed_number_of_queries(acme: Tenant) -> None:
    first = submitted(to=people("a@example.com"))
    for n in range(12):
        submitted(to=people(*(f"p{n}.{m}@example.com" for m in range(8))))
    crowd = submitted(to=people(*(f"p{n}@example.com" for n in range(40))))
    end(crowd.message_id, *[RecipientState.SENT] * 40)
    with CaptureQueriesContext(connection) as queries:
        list_messages(MessageFilter(states=("queued", "sent")), limit=10)
    assert len(queries) == 2
    for one in (first, crowd):
        with CaptureQueriesContext(connection) as queries:
            find_message(one.message_id)
        assert len(queries) == 5


def test_a_public_id_leads_to_tenant_and_message(acme: Tenant) -> None:
    done = submitted()
    connection.set_schema_to_public()
    for text in (done.public_id, f"msg_{done.public_id}", f"msg-{done.public_id}", done.public_id.upper()):
        assert locate(text) == (acme, done.message_id)
    assert connection.schema_name == "public"


def test_an_id_that_leads_nowhere_is_unknown(acme: Tenant, globex: Tenant) -> None:
    done = submitted()
    for text in (
        "",
        "msg_",
        "x" * 26,
        public_id(acme.pk, done.message_id + 999),
        public_id(globex.pk, done.message_id),
        public_id(99999, 1),
    ):
        with pytest.raises(UnknownMessage):
            locate(text)
    with tenant_scope(globex), pytest.raises(UnknownMessage):
        find_message(done.message_id)
    for number in (0, -1, 2**63, done.message_id + 999):
        with pytest.raises(UnknownMessage):
            find_message(number)
    connection.set_schema_to_public()
    Tenant.objects.filter(pk=acme.pk).update(is_active=False)
    with pytest.raises(UnknownMessage):
        locate(done.public_id)
