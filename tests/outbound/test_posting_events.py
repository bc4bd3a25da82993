"""What is told of single messages later: deliveries, bounces, complaints, opens; and who hears of it."""

import pytest

from contacts.models import Contact, Suppression
from outbound.states import EventKind, RecipientState
from tests.outbound.engine_cast import Provider, make_contacts
from tests.outbound.posting_cast import outcomes, post, rows, run, send_what_is_due, standing, tell

pytestmark = pytest.mark.usefixtures("live_tenant")


def sent(*people: str) -> int:
    with Provider() as provider:
        provider.account()
        message = post(*people)
        send_what_is_due()
    return message


def test_a_message_is_delivered_when_all_of_its_recipients_are() -> None:
    message = sent("ann@example.com", "ben@example.com")
    tell(message, EventKind.DELIVERY, position=0)
    assert standing(message)[0] == "sent"
    tell(message, EventKind.DELIVERY, position=1)
    assert standing(message)[0] == "delivered"
    assert outcomes(message) == {RecipientState.DELIVERED: 2}


def test_a_later_bounce_is_the_messages_and_stops_the_address_which_is_no_contacts() -> None:
    message = sent("ann@example.com", "Gone@Example.com")
    tell(message, EventKind.BOUNCE_HARD, position=1, detail="5.1.1 no such user")
    assert standing(message) == ("bounced", "5.1.1 no such user", "finished")
    assert rows("SELECT email, email_key, reason, origin FROM contacts_suppression") == [
        ("Gone@Example.com", "gone@example.com", "hard_bounce", f"message {message}")
    ]


def test_a_complaint_and_an_unsubscribe_stop_the_address_too() -> None:
    message = sent("ann@example.com", "ben@example.com")
    tell(message, EventKind.COMPLAINT, position=0)
    tell(message, EventKind.UNSUBSCRIBE, position=1)
    assert set(Suppression.objects.values_list("email", "reason")) == {
        ("ann@example.com", "complaint"),
        ("ben@example.com", "unsubscribed"),
    }
    assert outcomes(message)[RecipientState.COMPLAINED] == 1


def test_a_bounce_of_a_contact_moves_its_status() -> None:
    make_contacts(1)
    message = sent("user0@example.com")
    tell(message, EventKind.BOUNCE_HARD)
    assert Contact.objects.get().status == "bounced"


def test_whatever_happened_to_a_doubtful_one_proves_that_it_was_taken() -> None:
    message = sent("ann@example.com")
    run("UPDATE outbound_recipient SET state = 10, reason = 'no answer'")
    run("UPDATE outbound_submission SET state = 'in_doubt'")
    tell(message, EventKind.OPEN)
    assert outcomes(message) == {RecipientState.SENT: 1}
    assert standing(message)[:2] == ("sent", "")


def test_news_are_written_for_what_somebody_listens_to_and_only_for_that() -> None:
    message = sent("ann@example.com")
    run('UPDATE outbound_message SET links = \'[{"url": "https://acme.example/a", "needs": []}]\'')
    tell(message, EventKind.OPEN)
    assert rows("SELECT count(*) FROM outbound_news") == [(0,)]
    run("INSERT INTO outbound_listener (kind) VALUES ('clicked'), ('bounced'), ('delivered')")
    tell(message, EventKind.OPEN)
    tell(message, EventKind.DELIVERY)
    tell(message, EventKind.DELIVERY)
    tell(message, EventKind.CLICK, link=0)
    tell(message, EventKind.BLOCK, detail="5.7.1 blocked")
    assert rows(
        "SELECT kind, message_id, position, detail ->> 'reason', detail ->> 'url' FROM outbound_news ORDER BY id"
    ) == [
        ("delivered", message, 0, None, None),
        ("clicked", message, 0, None, "https://acme.example/a"),
        ("bounced", message, 0, "5.7.1 blocked", None),
    ]
