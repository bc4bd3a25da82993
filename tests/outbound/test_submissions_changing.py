"""Cancelling, trying again, sending anew and deleting a submitted message."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections

from common.errors import Conflict
from contacts.services.suppressing import suppress, unsuppress
from outbound.events import record_event
from outbound.states import EventKind, RecipientState
from outbound.submission.changing import (
    NotCancellable,
    NotRetriable,
    cancel_submission,
    delete_submission,
    resend_submission,
    retry_submission,
)
from outbound.submission.finding import MessageFilter, UnknownMessage, find_message, list_messages
from outbound.submission.types import Attachment, Door, Mailbox
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.outbound.submission_cast import NOBODY, counted, defer, end, later, people, row, submitted, take

FAILED, SENT, SOFT = RecipientState.FAILED, RecipientState.SENT, RecipientState.BOUNCED_SOFT


def waiting(message_id: int) -> int:
    return int(row("SELECT count(*) FROM outbound_queue WHERE message_id = %s", message_id)[0])


def test_a_message_that_waits_is_cancelled(acme: Tenant) -> None:
    done = submitted(cc=people("bob@example.com"))
    cancel_submission(done.message_id)
    detail = find_message(done.message_id)
    assert detail.state == "cancelled"
    assert [(one.state, one.attempts) for one in detail.recipients] == [("cancelled", 0)] * 2
    assert detail.timeline[-1].kind == "cancelled"
    assert waiting(done.message_id) == 0
    assert counted("cancelled") == 2
    assert row("SELECT state FROM outbound_message WHERE id = %s", done.message_id) == ("cancelled",)
    assert row("SELECT count(*) FROM outbound_news") == (0,)


def test_scheduled_and_deferred_ones_are_cancelled_too(acme: Tenant) -> None:
    scheduled, tried = submitted(send_at=later()), submitted()
    defer(tried.message_id)
    for one in (scheduled, tried):
        cancel_submission(one.message_id)
        assert find_message(one.message_id).recipients[0].state == "cancelled"
    assert find_message(tried.message_id).recipients[0].attempts == 1


def test_whoever_listens_hears_of_a_cancellation(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO outbound_listener (kind) VALUES ('cancelled') ON CONFLICT DO NOTHING")
    done = submitted(cc=people("bob@example.com"))
    cancel_submission(done.message_id)
    news = (
        "SELECT array_agg(position ORDER BY position) FROM outbound_news WHERE message_id = %s AND kind = 'cancelled'"
    )
    assert row(news, done.message_id) == ([0, 1],)


def test_what_is_on_its_way_or_has_an_outcome_is_not_cancelled(acme: Tenant) -> None:
    held, partly, sent, cancelled = (submitted(cc=people("bob@example.com")).message_id for _ in range(4))
    take(held)
    end(sent, SENT, SENT)
    cancel_submission(cancelled)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbound_queue WHERE message_id = %s AND position = 0", [partly])
    for message_id, words in (
        (held, "just now"),
        (partly, "part"),
        (sent, "is sent already"),
        (cancelled, "is cancelled already"),
    ):
        left = waiting(message_id)
        with pytest.raises(NotCancellable, match=words):
            cancel_submission(message_id)
        assert waiting(message_id) == left
    assert counted("cancelled") == 2


def test_messages_of_nobody_are_unknown(acme: Tenant, globex: Tenant) -> None:
    done = submitted()
    with tenant_scope(globex):
        for change in (cancel_submission, retry_submission, delete_submission):
            for message_id in (done.message_id, 0, 2**63):
                with pytest.raises(UnknownMessage):
                    change(message_id)
        with pytest.raises(UnknownMessage):
            resend_submission(done.message_id, submitter=NOBODY)
    assert waiting(done.message_id) == 1


def test_a_failed_message_is_tried_again_with_its_tries_counted_on(acme: Tenant) -> None:
    done = submitted(priority=1)
    end(done.message_id, FAILED, reason="the deadline passed")
    assert counted("failed") == 1
    retry_submission(done.message_id)
    detail = find_message(done.message_id)
    assert (detail.state, detail.retries, detail.error, detail.processed_at) == ("queued", 1, "", None)
    found = row("SELECT email, priority, attempt, due_at <= now(), since = now(), batch_id FROM outbound_queue")
    assert found == ("ana@example.com", 1, 2, True, True, None)
    assert row("SELECT state FROM outbound_message WHERE id = %s", done.message_id) == ("sending",)
    assert [entry.kind for entry in detail.timeline] == ["accepted", "failed"]
    assert counted("failed") == 0
    assert row("SELECT due_at <= now() FROM public.tenants_waitingmail WHERE schema = 'acme'") == (True,)
    end(done.message_id, SENT)
    assert [entry.kind for entry in find_message(done.message_id).timeline] == ["accepted", "failed", "sent"]


def test_only_those_are_tried_again_who_did_not_get_it(acme: Tenant) -> None:
    done = submitted(to=people(*(f"{name}@example.com" for name in "abcdef")))
    states = (FAILED, SENT, SOFT, RecipientState.BOUNCED_HARD, RecipientState.IN_DOUBT, RecipientState.DELIVERED)
    end(done.message_id, *states)
    retry_submission(done.message_id)
    assert row("SELECT array_agg(position ORDER BY position) FROM outbound_queue") == ([0, 2],)
    assert (counted("failed"), counted("refused_soft"), counted("refused_hard"), counted("in_doubt")) == (0, 0, 1, 1)


def test_those_in_doubt_are_tried_again_only_when_that_is_wanted(acme: Tenant) -> None:
    done = submitted()
    end(done.message_id, RecipientState.IN_DOUBT)
    with pytest.raises(NotRetriable):
        retry_submission(done.message_id)
    retry_submission(done.message_id, in_doubt=True)
    assert waiting(done.message_id) == 1


def test_who_is_suppressed_is_not_tried_again_until_the_entry_is_gone(acme: Tenant) -> None:
    done = submitted()
    suppress(reason="complaint", origin="test", addresses=["Ana@example.com"])
    end(done.message_id, RecipientState.SUPPRESSED)
    with pytest.raises(NotRetriable):
        retry_submission(done.message_id)
    unsuppress(addresses=["ana@example.com"])
    retry_submission(done.message_id)
    assert waiting(done.message_id) == 1


def test_what_the_provider_took_is_not_tried_again(acme: Tenant) -> None:
    waits, sent, bounced, cancelled = (submitted().message_id for _ in range(4))
    end(sent, SENT)
    end(bounced, SENT)
    record_event(kind=EventKind.BOUNCE_SOFT, message_id=bounced, position=0)
    cancel_submission(cancelled)
    assert find_message(bounced).recipients[0].state == "bounced"
    for message_id in (waits, sent, bounced, cancelled):
        with pytest.raises(Conflict, match="nobody is left"):
            retry_submission(message_id)
    assert (waiting(waits), waiting(sent), waiting(bounced)) == (1, 0, 0)
    assert find_message(sent).retries == 0


def test_a_message_is_sent_anew_with_all_that_it_said(acme: Tenant) -> None:
    given = {
        "cc": people("bob@example.com"), "bcc": people("cy@example.com"), "subject": "Your {{ order }}", "html": "<p>{{ x }}</p>",
        "reply_to": (Mailbox("help@acme.example", "Help"),), "headers": (("X-Order", "7"),), "priority": 2,
        "attachments": (Attachment("a.txt", b"hello", "text/plain"),), "metadata": {"a": [1]}, "campaign": "spring", "user": "u",
    }  # fmt: skip
    first = submitted(**given)
    end(first.message_id, FAILED, FAILED, FAILED)
    again = resend_submission(first.message_id, submitter=NOBODY, door=Door.HOSTING)
    assert again.message_id != first.message_id
    old, new = find_message(first.message_id), find_message(again.message_id)
    for name in (
        "sender",
        "to",
        "cc",
        "bcc",
        "subject",
        "html",
        "text",
        "reply_to",
        "attachments",
        "priority",
        "metadata",
        "campaign",
        "user",
    ):
        assert getattr(new, name) == getattr(old, name), name
    assert dict(new.headers)["X-Order"] == "7"
    assert (old.state, new.state, new.door, new.retries) == ("failed", "queued", "hosting", 0)


def test_a_deleted_message_is_unknown_and_its_outcome_stays_counted(acme: Tenant) -> None:
    done = submitted(attachments=(Attachment("a.txt", b"hello", "text/plain"),))
    end(done.message_id, SENT)
    delete_submission(done.message_id)
    for look in (find_message, delete_submission, cancel_submission, retry_submission):
        with pytest.raises(UnknownMessage):
            look(done.message_id)
    assert list_messages(MessageFilter(), limit=5).total == 0
    assert row("SELECT count(*) FROM outbound_attachment WHERE message_id = %s", done.message_id) == (0,)
    assert row("SELECT state FROM outbound_recipient WHERE message_id = %s", done.message_id) == (3,)
    assert counted("sent") == 1


def test_deleting_what_waits_cancels_it_and_what_is_in_hand_stays(acme: Tenant) -> None:
    waits, held = submitted().message_id, submitted().message_id
    take(held)
    delete_submission(waits)
    assert (waiting(waits), counted("cancelled")) == (0, 1)
    assert row("SELECT state FROM outbound_message WHERE id = %s", waits) == ("cancelled",)
    with pytest.raises(NotCancellable, match="just now"):
        delete_submission(held)
    assert find_message(held).processing


CLAIM = """
UPDATE outbound_queue q SET batch_id = 1, place = 0
WHERE q.id IN (SELECT id FROM outbound_queue WHERE batch_id IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING q.message_id
"""


def test_of_a_cancellation_and_a_sender_exactly_one_wins(live_tenant: Tenant) -> None:
    """A sender and a cancellation want each of many messages at the same moment: nobody gets what was cancelled."""
    ids = [submitted().message_id for _ in range(60)]
    claimed: list[int] = []
    cancelled: list[int] = []
    begin = threading.Barrier(3)

    def claim() -> None:
        with connection.cursor() as cursor:
            while True:
                cursor.execute(CLAIM)
                taken = cursor.fetchone()
                if taken is None:
                    return
                claimed.append(taken[0])

    def cancel(mine: list[int]) -> Callable[[], None]:
        def work() -> None:
            for message_id in mine:
                try:
                    cancel_submission(message_id)
                    cancelled.append(message_id)
                except NotCancellable:
                    pass

        return work

    _together(live_tenant, begin, claim, cancel(ids[20:]), cancel(ids[::-1]))
    assert sorted(claimed + cancelled) == ids
    assert {find_message(one).state for one in cancelled} <= {"cancelled"}
    assert counted("cancelled") == len(cancelled)


def test_a_sender_who_took_one_recipient_a_moment_before_keeps_the_message(live_tenant: Tenant) -> None:
    """The cancellation begins while a sender's claim is not committed yet: it waits for it, and sees it."""
    done = submitted(cc=people("bob@example.com"))
    outcome: list[Exception] = []

    def cancel() -> None:
        try:
            cancel_submission(done.message_id)
        except NotCancellable as error:
            outcome.append(error)

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(CLAIM)
        other = threading.Thread(target=_inside, args=(live_tenant, cancel))
        other.start()
        _until_somebody_waits()
        cursor.execute("COMMIT")
    other.join(20)
    assert len(outcome) == 1
    assert waiting(done.message_id) == 2


def _until_somebody_waits() -> None:
    while row("SELECT count(*) FROM pg_locks WHERE NOT granted")[0] == 0:
        time.sleep(0.01)


def _together(tenant: Tenant, begin: threading.Barrier, *works: Callable[[], None]) -> None:
    def run(work: Callable[[], None]) -> None:
        begin.wait(20)
        _inside(tenant, work)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def _inside(tenant: Tenant, work: Callable[[], None]) -> None:
    try:
        with tenant_scope(tenant):
            work()
    finally:
        connections.close_all()
