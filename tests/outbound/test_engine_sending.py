"""What becomes of recipients when providers answer well, badly or not at all. Real PostgreSQL, real SMTP sessions."""

import resource
import threading
import time

import pytest

from common.database import connection
from contacts.models import Contact, Suppression
from outbound.models import Message, ProviderAccount
from outbound.services import cancel_message, pause_message, resume_message, work_on
from outbound.states import MessageState, RecipientState
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider, books_agree, make_contacts, make_due, start_mailing, states
from tests.outbound.smtp_server import HangUp

pytestmark = pytest.mark.usefixtures("live_tenant")


def send(message: Message, seconds: float = 20) -> str:
    return work_on(message.pk, stop=lambda: False, slice_seconds=seconds).state


def once(seen: set[str], key: str) -> bool:
    """True the first time."""
    first = key not in seen
    seen.add(key)
    return first


def test_every_recipient_gets_the_mail_once_and_has_a_row() -> None:
    make_contacts(2_500)
    with Provider() as provider:
        message = start_mailing(provider.account())
        assert send(message) == MessageState.FINISHED
        assert provider.received == {f"user{i}@example.com": 1 for i in range(2_500)}
        assert provider.server.faults == []
    assert states(message) == {RecipientState.SENT: 2_500}
    assert books_agree(message)


def test_a_deferred_recipient_is_tried_again_and_keeps_the_first_reply() -> None:
    make_contacts(50)
    seen: set[str] = set()

    def greylist(verb: str, argument: str) -> str | None:
        if verb == "RCPT" and "user7@" in argument and once(seen, argument):
            return "451 4.7.1 greylisted, come back"
        return None

    with Provider(greylist) as provider:
        message = start_mailing(provider.account())
        assert send(message) == MessageState.SENDING
        assert states(message) == {RecipientState.SENT: 49, RecipientState.DEFERRED: 1}
        assert books_agree(message)
        make_due(message)
        assert send(message) == MessageState.FINISHED
        assert provider.received["user7@example.com"] == 1
    assert states(message) == {RecipientState.SENT: 50}
    assert books_agree(message)
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, code, reason FROM outbound_attempt")
        assert cursor.fetchall() == [(1, 451, "4.7.1 greylisted, come back")]


def test_a_dead_address_bounces_hard_and_is_suppressed_at_once() -> None:
    make_contacts(5)

    def refuse(verb: str, argument: str) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "user3@" in argument else None

    with Provider(refuse) as provider:
        message = start_mailing(provider.account())
        assert send(message) == MessageState.FINISHED
    assert states(message) == {RecipientState.SENT: 4, RecipientState.BOUNCED_HARD: 1}
    assert books_agree(message)
    assert Contact.objects.get(email="user3@example.com").status == "bounced"
    assert Suppression.objects.get().reason == "hard_bounce"


def test_a_connection_lost_after_the_final_dot_leaves_its_recipient_in_doubt_and_nobody_else() -> None:
    make_contacts(30)

    def drop(verb: str, argument: str) -> str | None:
        if verb == "BODY" and "user4@" in argument:
            raise HangUp
        return None

    with Provider(drop) as provider:
        message = start_mailing(provider.account(connections=1))
        assert send(message) == MessageState.FINISHED
        received = provider.received
    assert states(message) == {RecipientState.SENT: 29, RecipientState.IN_DOUBT: 1}
    assert books_agree(message)
    assert set(received.values()) == {1}


def test_an_unsubscribe_between_freezing_and_sending_counts() -> None:
    make_contacts(10)
    with Provider() as provider:
        message = start_mailing(provider.account())
        Contact.objects.filter(email="user1@example.com").update(status="unsubscribed")
        Suppression.objects.create(email="user2@example.com", email_key="user2@example.com", reason="manual")
        Contact.objects.filter(email="user3@example.com").delete()
        assert send(message) == MessageState.FINISHED
        assert len(provider.received) == 7
    assert states(message) == {RecipientState.SENT: 7, RecipientState.SUPPRESSED: 2, RecipientState.CANCELLED: 1}
    assert books_agree(message)


def test_a_refused_sender_pauses_the_message_and_loses_nobody() -> None:
    make_contacts(20)
    refusing = True

    def refuse(verb: str, argument: str) -> str | None:
        return "553 5.7.1 sender not allowed" if verb == "MAIL" and refusing else None

    with Provider(refuse) as provider:
        message = start_mailing(provider.account())
        assert send(message) == MessageState.PAUSED
        message.refresh_from_db()
        assert "sender not allowed" in message.error
        assert states(message) == {}
        refusing = False
        resume_message(message)
        assert send(message) == MessageState.FINISHED
        assert len(provider.received) == 20
        assert set(provider.received.values()) == {1}
    assert books_agree(message)


def test_a_provider_that_is_down_is_named_and_sending_goes_on_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outbound.engine.runner._DOWN_PATIENCE", 0.5)
    make_contacts(10)
    with Provider() as provider:
        account = provider.account()
        port = account.port
        ProviderAccount.objects.update(port=1)
        message = start_mailing(account)
        assert send(message) == MessageState.SENDING
        message.refresh_from_db()
        account.refresh_from_db()
        assert message.error
        assert account.last_error
        ProviderAccount.objects.update(port=port)
        assert send(message) == MessageState.FINISHED
        assert len(provider.received) == 10
    message.refresh_from_db()
    assert message.error == ""


def test_a_full_disk_stops_sending_with_a_sentence_and_loses_nobody() -> None:
    make_contacts(10)
    with Provider() as provider:
        message = start_mailing(provider.account())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
        try:
            assert send(message) == MessageState.SENDING
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        message.refresh_from_db()
        assert "cannot write its journal" in message.error
        assert "Free space in" in message.error
        assert len(provider.received) == 0
        with connection.cursor() as cursor:
            cursor.execute("UPDATE outbound_chunk SET lease_until = now()")
        assert send(message) == MessageState.FINISHED
        assert len(provider.received) == 10
    message.refresh_from_db()
    assert message.error == ""


def test_mails_that_cannot_be_built_stop_the_message_before_it_burns_its_audience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outbound.engine.pump._UNBUILT_IN_A_ROW", 5)
    make_contacts(30)
    Contact.objects.update(attributes={"orders": list(range(10_050))})
    with Provider() as provider:
        message = start_mailing(provider.account(), html="{% for one in orders %}<p>{{ one }}</p>{% endfor %}")
        assert send(message) == MessageState.PAUSED
        assert provider.received == {}
    message.refresh_from_db()
    assert "5 mails in a row could not be built" in message.error
    assert states(message) == {RecipientState.FAILED: 5}


def test_pause_stops_within_seconds_and_resume_mails_the_rest_once(live_tenant: Tenant) -> None:
    make_contacts(3_000)
    with Provider() as provider:
        message = start_mailing(provider.account(rate=500))
        worker = _in_thread(live_tenant, message)
        _until(lambda: len(provider.server.taken) > 50)
        pause_message(message)
        worker.join(60)
        assert not worker.is_alive()
        taken = len(provider.server.taken)
        assert taken < 3_000
        assert sum(states(message).values()) == taken
        assert books_agree(message)
        ProviderAccount.objects.update(rate=0)
        resume_message(message)
        assert send(message) == MessageState.FINISHED
        assert provider.received == {f"user{i}@example.com": 1 for i in range(3_000)}
    assert books_agree(message)


def test_cancel_gives_everybody_else_a_state_that_says_so(live_tenant: Tenant) -> None:
    make_contacts(3_000)
    with Provider() as provider:
        message = start_mailing(provider.account(rate=500))
        worker = _in_thread(live_tenant, message)
        _until(lambda: len(provider.server.taken) > 50)
        cancel_message(message)
        worker.join(60)
        assert send(message) == MessageState.CANCELLED
        taken = len(provider.server.taken)
    counted = states(message)
    assert counted[RecipientState.SENT] == taken
    assert counted[RecipientState.CANCELLED] == 3_000 - taken
    assert books_agree(message)


def test_two_workers_share_a_message_and_repeat_nobody(live_tenant: Tenant) -> None:
    make_contacts(6_000)
    with Provider() as provider:
        message = start_mailing(provider.account())
        workers = [_in_thread(live_tenant, message) for _ in range(2)]
        for worker in workers:
            worker.join(60)
        assert send(message) == MessageState.FINISHED
        assert provider.received == {f"user{i}@example.com": 1 for i in range(6_000)}
    assert books_agree(message)


def test_a_rate_is_kept(live_tenant: Tenant) -> None:
    make_contacts(60)
    with Provider() as provider:
        message = start_mailing(provider.account(rate=40))
        began = time.monotonic()
        assert send(message) == MessageState.FINISHED
        # A burst of a quarter of a second is allowed: 50 of the 60 must wait for their permit.
        assert time.monotonic() - began >= 1.2
    assert books_agree(message)


def test_a_mail_to_an_international_address_goes_out_with_smtputf8() -> None:
    make_contacts(1)
    Contact.objects.create(email="zoë@bücher.example", email_key="zoë@xn--bcher-kva.example", needs_smtputf8=True)
    with Provider() as provider:
        message = start_mailing(provider.account())
        assert send(message) == MessageState.FINISHED
        assert provider.received["zoë@xn--bcher-kva.example"] == 1


def _in_thread(tenant: Tenant, message: Message) -> threading.Thread:
    def work() -> None:
        connection.set_tenant(tenant)
        try:
            work_on(message.pk, stop=lambda: False, slice_seconds=60)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def _until(condition: "object", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
