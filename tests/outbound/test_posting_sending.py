"""What becomes of single messages when providers answer well, badly or not at all. Real PostgreSQL, real SMTP sessions."""

import quopri
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.conf import settings

from contacts.models import Suppression
from deliverability.services.domains import create_sending_domain
from outbound.states import EventKind, RecipientState
from outbound.submission.ids import public_id
from tenants.scope import current_tenant
from tests.outbound.engine_cast import Provider, make_contacts
from tests.outbound.posting_cast import (
    make_due,
    outcomes,
    post,
    rows,
    run,
    send_what_is_due,
    standing,
    tell,
    waiting,
)
from tests.outbound.smtp_server import HangUp

pytestmark = pytest.mark.usefixtures("live_tenant")


def test_every_recipient_gets_the_mail_once_and_its_message_says_so() -> None:
    with Provider() as provider:
        account = provider.account()
        message = post("ann@example.com", "ben@example.com")
        assert send_what_is_due().outcomes == {"sent": 2}
        assert provider.received == {"ann@example.com": 1, "ben@example.com": 1}
        assert provider.server.faults == []
        body = provider.server.taken[0].body
    assert b"Subject: Your order" in body
    assert standing(message) == ("sent", "", "finished")
    assert outcomes() == {RecipientState.SENT: 2}
    assert waiting() == 0
    assert rows("SELECT count(*) FROM outbound_batch") == [(0,)]
    ((provider_id, reference, retries),) = rows(
        "SELECT provider_id, provider_reference, retries FROM outbound_submission"
    )
    assert (provider_id, reference in ("1", "2"), retries) == (account.pk, True, 0)
    assert rows("SELECT origin, sum(sent) FROM outbound_daily GROUP BY 1") == [("single", 2)]


def test_a_refusal_for_now_is_tried_again_and_keeps_its_words() -> None:
    seen: set[str] = set()

    def greylist(verb: str, argument: str) -> str | None:
        if verb == "RCPT" and argument not in seen:
            seen.add(argument)
            return "451 4.7.1 greylisted, come back"
        return None

    with Provider(greylist) as provider:
        provider.account()
        message = post("ann@example.com")
        assert send_what_is_due().outcomes == {"deferred": 1}
        assert standing(message) == ("deferred", "4.7.1 greylisted, come back", "sending")
        assert rows("SELECT attempt, batch_id, due_at > now() FROM outbound_queue") == [(2, None, True)]
        assert rows("SELECT due_at > now() FROM public.tenants_waitingmail WHERE schema = 'live'") == [(True,)]
        make_due()
        assert send_what_is_due().outcomes == {"sent": 1}
        assert provider.received == {"ann@example.com": 1}
    assert standing(message) == ("sent", "", "finished")
    assert rows("SELECT number, state, code, reason FROM outbound_attempt") == [
        (1, RecipientState.DEFERRED, 451, "4.7.1 greylisted, come back")
    ]
    assert rows("SELECT attempts FROM outbound_recipient") == [(2,)]
    assert rows("SELECT retries FROM outbound_submission") == [(1,)]
    assert rows("SELECT sum(sent), sum(deferred) FROM outbound_daily") == [(1, 1)]


def test_who_is_deferred_too_long_is_given_up() -> None:
    with Provider(lambda verb, argument: "451 4.3.0 not now" if verb == "RCPT" else None) as provider:
        provider.account()
        message = post("ann@example.com", age=timedelta(hours=71, minutes=59, seconds=50))
        send_what_is_due()
    assert standing(message) == ("bounced", "given up after 1 tries: 4.3.0 not now", "finished")


def test_what_could_not_be_sent_within_its_time_fails() -> None:
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com", age=timedelta(hours=73))
        assert send_what_is_due().outcomes == {"failed": 1}
        assert provider.received == {}
    assert standing(message)[0] == "failed"


def test_a_dead_address_bounces_and_is_never_written_to_again_whoever_it_belongs_to() -> None:
    def refuse(verb: str, argument: str) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "gone@" in argument else None

    with Provider(refuse) as provider:
        provider.account()
        message = post("ann@example.com", "gone@example.com")
        send_what_is_due()
        assert standing(message) == ("bounced", "5.1.1 no such user", "finished")
        assert outcomes(message) == {RecipientState.SENT: 1, RecipientState.BOUNCED_HARD: 1}
        assert rows("SELECT email, reason, origin FROM contacts_suppression") == [
            ("gone@example.com", "hard_bounce", f"message {message}")
        ]
        second = post("gone@example.com")
        assert send_what_is_due().outcomes == {"suppressed": 1}
        assert provider.received == {"ann@example.com": 1}
    assert standing(second) == ("failed", "on the suppression list: the address is dead", "finished")


def test_who_unsubscribed_from_marketing_still_gets_what_he_asked_for() -> None:
    Suppression.objects.create(email="ann@example.com", email_key="ann@example.com", reason="unsubscribed")
    Suppression.objects.create(email="ben@example.com", email_key="ben@example.com", reason="complaint")
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com", "ben@example.com")
        send_what_is_due()
        assert provider.received == {"ann@example.com": 1}
    assert outcomes(message) == {RecipientState.SENT: 1, RecipientState.SUPPRESSED: 1}


def test_a_recipient_that_is_a_contact_is_known_as_one() -> None:
    make_contacts(1)
    with Provider() as provider:
        provider.account()
        post("User0@example.com")
        send_what_is_due()
    assert rows("SELECT r.contact_id = c.id FROM outbound_recipient r, contacts_contact c") == [(True,)]


def test_a_connection_lost_after_the_final_dot_leaves_the_recipient_in_doubt() -> None:
    def drop(verb: str, argument: str) -> str | None:
        if verb == "BODY" and "ben@" in argument:
            raise HangUp
        return None

    with Provider(drop) as provider:
        provider.account(connections=1)
        message = post("ann@example.com", "ben@example.com", "zoe@example.com")
        send_what_is_due()
        assert set(provider.received.values()) == {1}
    assert outcomes(message) == {RecipientState.SENT: 2, RecipientState.IN_DOUBT: 1}
    assert standing(message)[0] == "in_doubt"


def test_scheduled_mail_waits_for_its_time() -> None:
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com", delay=timedelta(hours=1))
        assert send_what_is_due().outcomes == {}
        assert standing(message) == ("scheduled", "", "sending")
        assert rows("SELECT due_at > now() FROM public.tenants_waitingmail WHERE schema = 'live'") == [(True,)]
        make_due()
        assert send_what_is_due().outcomes == {"sent": 1}
    assert standing(message)[0] == "sent"


def test_mail_that_cannot_be_built_fails_alone() -> None:
    with Provider() as provider:
        provider.account()
        broken = post("ann@example.com", from_address="no address")
        fine = post("ben@example.com")
        assert send_what_is_due().outcomes == {"failed": 1, "sent": 1}
    assert standing(broken)[0] == "failed"
    assert "could not be built" in standing(broken)[1]
    assert standing(fine)[0] == "sent"


def test_the_mail_is_signed_named_and_carries_its_attachments() -> None:
    create_sending_domain(name="acme.example")
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com", headers='[["X-Order", "42"]]', reply_to='[["help@acme.example", "Help"]]')
        run(
            "INSERT INTO outbound_attachment (month, message_id, number, filename, content_type, size, content)"
            " SELECT month, message_id, 0, 'bill.pdf', 'application/pdf', 4, '%%PDF'::bytea FROM outbound_submission"
        )
        send_what_is_due()
        (taken,) = provider.server.taken
    mail = message_from_bytes(taken.body, policy=policy.default)
    assert mail["Message-ID"] == f"<{public_id(current_tenant().pk, message)}@acme.example>"
    assert mail["X-Order"] == "42"
    assert mail["Reply-To"] == "Help <help@acme.example>"
    assert [part.get_filename() for part in mail.iter_attachments()] == ["bill.pdf"]
    assert len(mail.get_all("DKIM-Signature")) == 2
    assert taken.sender.startswith("b-")
    assert taken.body.count(b"ann@example.com") == 1


def test_news_are_written_only_for_what_somebody_listens_to() -> None:
    def refuse(verb: str, argument: str) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "gone@" in argument else None

    run("INSERT INTO outbound_listener (kind) VALUES ('bounced')")
    with Provider(refuse) as provider:
        provider.account()
        message = post("ann@example.com", "gone@example.com")
        send_what_is_due()
    assert rows("SELECT kind, message_id, position, attempt, code, detail ->> 'reason' FROM outbound_news") == [
        ("bounced", message, 1, 1, 550, "5.1.1 no such user")
    ]


def test_a_tracked_message_has_its_links_before_it_is_sent() -> None:
    with Provider() as provider:
        provider.account()
        post("ann@example.com", html='<p><a href="https://acme.example/order">Order</a></p>')
        run("UPDATE outbound_submission SET tracked = true")
        send_what_is_due()
        assert b"acme.example/order" not in quopri.decodestring(provider.server.taken[0].body).split(b"text/html")[1]
    assert rows("SELECT links -> 0 ->> 'url' FROM outbound_message") == [("https://acme.example/order",)]


def test_a_bounce_told_before_the_answer_was_written_counts() -> None:
    """The provider's word on its own answer may be quicker than the sender's pen."""
    with Provider() as provider:
        provider.account()
        message = post("ann@example.com")
        tell(message, EventKind.BOUNCE_HARD)
        assert rows("SELECT email, reason FROM contacts_suppression") == [("ann@example.com", "hard_bounce")]
        run("DELETE FROM contacts_suppression")
        send_what_is_due()
    assert outcomes(message) == {RecipientState.BOUNCED_HARD: 1}
    assert standing(message)[0] == "bounced"


def test_no_journal_is_left_when_all_is_written() -> None:
    with Provider() as provider:
        provider.account()
        for number in range(150):
            post(f"user{number}@example.com")
        assert send_what_is_due().outcomes == {"sent": 150}
        assert provider.received == {f"user{number}@example.com": 1 for number in range(150)}
    assert list((Path(settings.ENGINE_JOURNAL_DIR) / "live" / "single").iterdir()) == []
    assert rows("SELECT count(*) FROM public.tenants_waitingmail WHERE schema = 'live'") == [(0,)]
