"""Who a notice is about: looked up when it is sent, for single messages and for campaigns."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from contacts.models import Contact
from outbound.models import Message
from outbound.partitions import ensure_month
from outbound.submission.ids import public_id
from tenants.models import Tenant
from tests.api.callbacks_cast import MONTH, Receiver, endpoint, news, receiving, status, turn


@pytest.fixture(autouse=True)
def _private_addresses_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTGOING_ALLOW_PRIVATE", "1")


def message(origin: str) -> int:
    ensure_month(MONTH)
    return Message.objects.create(origin=origin, month=MONTH, state="sending", content={}, stamp={}, total=2).pk


def submission(message_id: int) -> None:
    people = [
        {"kind": "to", "email": "ann@example.com", "name": ""},
        {"kind": "bcc", "email": "bob@example.com", "name": ""},
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_submission (month, message_id, door, state, from_address, recipients, addresses, subject,"
            " created_at, metadata, campaign_ref, user_ref)"
            " VALUES (%s, %s, 'relay', 'queued', 'news@acme.example', %s, '{}', 'Hello', %s, %s, 'welcome', 'user-7')",
            [MONTH, message_id, json.dumps(people), datetime.now(UTC), json.dumps({"order": 42})],
        )


def outcome(message_id: int, contact: Contact) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, attempts, at)"
            " VALUES (%s, %s, 0, %s, 3, 2, now())",
            [MONTH, message_id, contact.pk],
        )


def test_a_single_messages_recipient_and_what_its_sender_said_of_it(acme: Tenant) -> None:
    number = message("single:relay")
    submission(number)
    receiver = Receiver()
    with receiving(receiver) as server:
        endpoint(server.url)
        news("sent", number, position=1, attempt=1)
        turn()
    [body] = receiver.bodies
    assert body["data"] == {
        "message_id": f"msg_{public_id(acme.pk, number)}",
        "recipient": "bob@example.com",
        "attempts": 1,
        "code": None,
        "error": None,
        "next_try_at": None,
        "url": None,
        "by_machine": False,
        "campaign_id": None,
        "campaign": "welcome",
        "user": "user-7",
        "metadata": {"order": 42},
    }


def test_notices_of_one_single_message_follow_each_other_whoever_they_are_about(acme: Tenant) -> None:
    number = message("single:relay")
    submission(number)
    receiver = Receiver(answers=[status(500)])
    with receiving(receiver) as server:
        endpoint(server.url)
        news("sent", number, position=0)
        news("sent", number, position=1)
        turn()
    assert [body["data"]["recipient"] for body in receiver.bodies] == ["ann@example.com"]


def test_a_campaigns_recipient_is_the_contact_and_nobody_when_it_was_erased(acme: Tenant) -> None:
    number = message("campaign:42")
    contact = Contact.objects.create(email="ann@example.com", email_key="ann@example.com")
    outcome(number, contact)
    receiver = Receiver()
    with receiving(receiver) as server:
        endpoint(server.url)
        news("opened", number)
        turn()
        Contact.objects.all().delete()
        news("clicked", number)
        turn()
    first, second = receiver.bodies
    assert (first["data"]["recipient"], first["data"]["campaign_id"], first["data"]["attempts"]) == (
        "ann@example.com",
        42,
        2,
    )
    assert second["data"]["recipient"] is None
