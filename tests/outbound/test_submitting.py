"""A message is taken as a whole or not at all, and counted once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from common.addresses import InvalidAddress
from common.errors import InvalidInput, LettershopError
from contacts.models import Suppression
from deliverability.models import SendingDomain
from outbound.models import Message, ProviderAccount
from outbound.submission.faults import (
    Maintenance,
    MissingField,
    ProvidersDown,
    RecipientSuppressed,
    SenderRefused,
    TooLarge,
    TooManyRecipients,
)
from outbound.submission.ids import UnknownMessage, public_id, read_public_id
from outbound.submission.submitting import submit_message
from outbound.submission.types import Attachment, Door, Mailbox, Submission, SubmissionState, Submitter
from tenants.models import Setting, Tenant, WaitingMail
from tenants.scope import tenant_scope
from tenants.services.usage import DailyQuotaExceeded, used_on


@pytest.fixture
def sending(acme: Tenant) -> Tenant:
    furnish()
    return acme


def furnish() -> None:
    SendingDomain.objects.create(name="acme.example")
    ProviderAccount.objects.create(name="relay", host="127.0.0.1", port=2525, tls="none")


def letter(**changes: Any) -> Submission:
    given: dict[str, Any] = {
        "door": Door.AEGIS,
        "to": (Mailbox("ana@example.com", "Ana"),),
        "subject": "Welcome",
        "text": "Hello Ana",
        "sender": Mailbox("shop@acme.example", "Acme"),
    }
    return Submission(**{**given, **changes})


def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def test_it_is_stored_with_its_recipients_in_the_queue_and_the_senders_are_told(sending: Tenant) -> None:
    cc, bcc = (Mailbox("bo@example.com"),), (Mailbox("cy@Example.COM"),)
    accepted = submit_message(letter(cc=cc, bcc=bcc, priority=1, metadata={"order": 7}), submitter=Submitter())
    assert (accepted.state, accepted.send_at) == (SubmissionState.QUEUED, None)
    assert read_public_id(accepted.public_id) == (sending.pk, accepted.message_id)
    message = Message.objects.get(pk=accepted.message_id)
    assert (message.origin, message.state, message.total, message.provider) == ("single:aegis", "sending", 3, None)
    (stored,) = rows(
        "SELECT state, from_address, from_name, recipients, addresses, subject, text, metadata, priority, created_at"
        " FROM outbound_submission WHERE message_id = %s",
        accepted.message_id,
    )
    assert stored[:3] == ("queued", "shop@acme.example", "Acme")
    assert [(one["kind"], one["email"], one["name"]) for one in json.loads(stored[3])] == [
        ("to", "ana@example.com", "Ana"),
        ("cc", "bo@example.com", ""),
        ("bcc", "cy@example.com", ""),
    ]
    assert stored[4] == ["ana@example.com", "bo@example.com", "cy@example.com"]
    assert (*stored[5:7], json.loads(stored[7]), stored[8]) == ("Welcome", "Hello Ana", {"order": 7}, 1)
    waiting = rows("SELECT position, email, priority, due_at <= now(), batch_id FROM outbound_queue ORDER BY position")
    assert waiting == [
        (0, "ana@example.com", 1, True, None),
        (1, "bo@example.com", 1, True, None),
        (2, "cy@example.com", 1, True, None),
    ]
    assert WaitingMail.objects.get(schema="acme").due_at == accepted.queued_at


def test_who_is_named_twice_gets_it_once(sending: Tenant) -> None:
    submit_message(letter(cc=(Mailbox("ANA@example.com"),), bcc=(Mailbox("ana@example.com"),)), submitter=Submitter())
    assert rows("SELECT email FROM outbound_queue") == [("ana@example.com",)]


def test_a_scheduled_one_waits_for_its_time_and_a_past_time_is_now(sending: Tenant) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    accepted = submit_message(letter(send_at=later), submitter=Submitter())
    assert (accepted.state, accepted.send_at) == (SubmissionState.SCHEDULED, later)
    assert rows("SELECT due_at, since FROM outbound_queue") == [(later, later)]
    past = submit_message(letter(send_at=datetime.now(UTC) - timedelta(hours=2)), submitter=Submitter())
    assert (past.state, past.send_at) == (SubmissionState.QUEUED, None)


def test_without_a_sender_it_goes_out_as_the_tenant(sending: Tenant) -> None:
    submit_message(letter(sender=None), submitter=Submitter())
    Tenant.objects.filter(pk=sending.pk).update(
        sender_address="hello@acme.example", sender_name="Acme Ltd", reply_to="desk@acme.example"
    )
    submit_message(letter(sender=None), submitter=Submitter())
    found = rows("SELECT from_address, from_name, reply_to FROM outbound_submission ORDER BY message_id")
    assert [(address, name, json.loads(reply)) for address, name, reply in found] == [
        ("news@acme.example", "Acme", []),
        ("hello@acme.example", "Acme Ltd", [["desk@acme.example", ""]]),
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"to": ()}, MissingField, "to"),
        ({"text": ""}, MissingField, "text"),
        ({"to": (Mailbox("nobody"),)}, InvalidAddress, "to[0]"),
        ({"cc": (Mailbox("b@example.com"), Mailbox("a@b@c"))}, InvalidAddress, "cc[1]"),
        ({"bcc": (Mailbox("x\r\ny@example.com"),)}, InvalidAddress, "bcc[0]"),
        ({"to": tuple(Mailbox(f"p{n}@example.com") for n in range(101))}, TooManyRecipients, "to"),
        ({"to": (Mailbox("ana@example.com", "A\r\nBcc: e@x.test"),)}, InvalidInput, "to[0]"),
        ({"sender": Mailbox("shop@other.example")}, SenderRefused, "from"),
        ({"sender": Mailbox("shop@notacme.example")}, SenderRefused, "from"),
        ({"sender": Mailbox("no address")}, InvalidAddress, "from"),
        ({"sender": Mailbox("shop@acme.example", "ceo@bank.example")}, InvalidInput, "from"),
        ({"subject": "Hi\r\nBcc: e@x.test"}, InvalidInput, "subject"),
        ({"subject": "=?utf-8?q?Hi=0D=0ABcc:_e@x.test?="}, InvalidInput, "subject"),
        ({"subject": "x" * 999}, InvalidInput, "subject"),
        ({"subject": "half \ud800"}, InvalidInput, "subject"),
        ({"html": "a\x00b"}, InvalidInput, "html"),
        ({"text": "half \udfff"}, InvalidInput, "text"),
        ({"text": "x" * 26_214_401}, TooLarge, "html"),
        ({"attachments": (Attachment("a.bin", bytes(20_000_000)),)}, TooLarge, "attachments"),
        ({"headers": (("X-Evil\r\nBcc", "e@x.test"),)}, InvalidInput, "headers.X-Evil\r\nBcc"),
        ({"headers": (("X-Evil", "a\r\nBcc: e@x.test"),)}, InvalidInput, "headers.X-Evil"),
        ({"headers": (("From", "e@x.test"),)}, InvalidInput, "headers.From"),
        ({"headers": (("Subject", "other"),)}, InvalidInput, "headers.Subject"),
        ({"headers": (("List-Unsubscribe", "<https://x.test>"),)}, InvalidInput, "headers.List-Unsubscribe"),
        ({"headers": tuple((f"X-{n}", "v") for n in range(51))}, InvalidInput, "headers"),
        ({"priority": 0}, InvalidInput, "priority"),
        ({"priority": 6}, InvalidInput, "priority"),
        ({"priority": True}, InvalidInput, "priority"),
        ({"send_at": datetime.now(UTC) + timedelta(days=400)}, InvalidInput, "send_at"),
        ({"metadata": {"n": float("nan")}}, InvalidInput, "metadata"),
        ({"metadata": {"n": "\x00"}}, InvalidInput, "metadata"),
        ({"metadata": {"n": "x" * 20_000}}, TooLarge, "metadata"),
        ({"campaign": "x" * 201}, InvalidInput, "campaign"),
        ({"user": "a\nb"}, InvalidInput, "user"),
        ({"subject": "Hi {{ first_name", "variables": {}}, InvalidInput, "subject"),
    ],
    ids=lambda value: None if isinstance(value, (dict, str)) else value.__name__,
)
def test_what_cannot_be_sent_is_refused_with_its_field_and_leaves_nothing(
    sending: Tenant, changes: dict[str, Any], kind: type[LettershopError], field: str
) -> None:
    with pytest.raises(kind) as refused:
        submit_message(letter(**changes), submitter=Submitter())
    assert refused.value.field == field
    assert rows("SELECT count(*) FROM outbound_queue") == [(0,)]
    assert not Message.objects.exists()
    assert used_on(tenant=sending, key_id=None, day=datetime.now(UTC).date()) == 0


def test_a_subdomain_of_a_sending_domain_may_send(sending: Tenant) -> None:
    submit_message(letter(sender=Mailbox("shop@mail.acme.example")), submitter=Submitter())


@pytest.mark.parametrize(("reason", "refused"), [("hard_bounce", True), ("complaint", True), ("unsubscribed", False)])
def test_nothing_goes_to_a_dead_address_or_one_that_complained(sending: Tenant, reason: str, refused: bool) -> None:
    Suppression.objects.create(email="Bo@example.com", email_key="bo@example.com", reason=reason)
    given = letter(cc=(Mailbox("BO@example.com"),))
    if not refused:
        submit_message(given, submitter=Submitter())
        return
    with pytest.raises(RecipientSuppressed) as error:
        submit_message(given, submitter=Submitter())
    assert error.value.field == "cc[0]"


def test_the_quota_of_a_key_counts_what_is_taken_and_nothing_else(sending: Tenant) -> None:
    by_key = Submitter(key_id=7, daily_limit=2)
    assert submit_message(letter(), submitter=by_key).quota_left == 1
    with pytest.raises(InvalidInput):
        submit_message(letter(priority=9), submitter=by_key)
    with pytest.raises(SenderRefused):
        submit_message(letter(sender=Mailbox("a@other.example")), submitter=by_key)
    assert submit_message(letter(), submitter=by_key).quota_left == 0
    with pytest.raises(DailyQuotaExceeded) as error:
        submit_message(letter(), submitter=by_key)
    assert error.value.limit == 2
    day = datetime.now(UTC).date()
    assert (used_on(tenant=sending, key_id=7, day=day), used_on(tenant=sending, key_id=None, day=day)) == (2, 2)


def test_in_maintenance_nothing_is_taken_until_its_end(sending: Tenant) -> None:
    until = datetime.now(UTC) + timedelta(minutes=30)
    row = Setting.objects.create(
        name="maintenance", value={"enabled": True, "message": "New disks", "until": until.isoformat()}
    )
    with pytest.raises(Maintenance) as error:
        submit_message(letter(), submitter=Submitter())
    assert (error.value.message, error.value.until) == ("New disks", until)
    assert 1700 < error.value.retry_after <= 1800
    row.value["until"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    row.save()
    submit_message(letter(), submitter=Submitter())


def test_without_anybody_who_takes_mail_none_is_promised(sending: Tenant) -> None:
    ProviderAccount.objects.update(down_since=datetime.now(UTC) - timedelta(minutes=1))
    submit_message(letter(), submitter=Submitter())
    ProviderAccount.objects.update(down_since=datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(ProvidersDown):
        submit_message(letter(), submitter=Submitter())
    ProviderAccount.objects.update(down_since=None, is_active=False)
    with pytest.raises(ProvidersDown):
        submit_message(letter(), submitter=Submitter())


def test_reply_to_may_be_a_header(sending: Tenant) -> None:
    submit_message(letter(headers=(("Reply-To", "Desk <desk@acme.example>"), ("X-Order", "7"))), submitter=Submitter())
    ((reply_to, headers),) = rows("SELECT reply_to, headers FROM outbound_submission")
    assert (json.loads(reply_to), json.loads(headers)) == ([["desk@acme.example", "Desk"]], [["X-Order", "7"]])


def test_templates_are_filled_when_it_is_taken(sending: Tenant) -> None:
    given = letter(
        subject="Hi {{first_name}}", text="", html="<p>{{ first_name }}</p>", variables={"first_name": "<Jo>"}
    )
    submit_message(given, submitter=Submitter())
    assert rows("SELECT subject, html FROM outbound_submission") == [("Hi <Jo>", "<p>&lt;Jo&gt;</p>")]


def test_an_id_says_nothing_and_only_ours_is_read() -> None:
    ours = public_id(3, 41)
    assert public_id(3, 42)[:8] != ours[:8]
    assert {read_public_id(text) for text in (ours, f"msg_{ours}", f"msg-{ours.upper()}")} == {(3, 41)}
    for text in ("", "msg_", "msg_abc123def456", "x" * 26, "é" * 26, ours[:-1], f"{ours}a", f"msg:{ours}"):
        with pytest.raises(UnknownMessage):
            read_public_id(text)
    for place in range(len(ours)):
        for char in "a7":
            changed = ours[:place] + char + ours[place + 1 :]
            if changed != ours:
                with pytest.raises(UnknownMessage):
                    read_public_id(changed)


@pytest.fixture
def live_sending(live_tenant: Tenant) -> Iterator[Tenant]:
    furnish()
    yield live_tenant
    WaitingMail.objects.filter(schema=live_tenant.schema_name).delete()


def test_two_hundred_at_once_never_take_one_too_many(live_sending: Tenant) -> None:
    def one(_: int) -> bool:
        try:
            with tenant_scope(live_sending):
                submit_message(letter(), submitter=Submitter(key_id=99, daily_limit=15))
        except DailyQuotaExceeded:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(one, range(200))) == 15
    assert rows("SELECT count(*) FROM outbound_queue") == [(15,)]
    assert used_on(tenant=live_sending, key_id=99, day=datetime.now(UTC).date()) == 15
