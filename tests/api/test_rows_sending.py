"""Rows whose promise is kept when the mail has left: sent through each dialect's door, taken by real SMTP servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from deliverability.services.domains import create_sending_domain
from outbound.models import ProviderAccount
from tenants.models import ApiKey, Tenant, Usage, WaitingMail
from tests.api.clients.cast import Program, program
from tests.api.hosting_cast import Hosting
from tests.api.relay_cast import MOMENT, Relay, refusal
from tests.outbound.engine_cast import Provider, Script
from tests.outbound.posting_cast import rows, send_what_is_due

PAGE = "<p>Your order is <b>on its way</b>.</p>"


@pytest.fixture
def shop(live_tenant: Tenant) -> Iterator[Program]:
    """A tenant that may send as acme.example, and a client of Aegis."""
    create_sending_domain(name="acme.example")
    Usage.objects.filter(tenant=live_tenant).delete()
    try:
        yield program(live_tenant, "/send", daily_limit=10_000)
    finally:
        ApiKey.objects.filter(tenant=live_tenant).delete()
        WaitingMail.objects.filter(schema=live_tenant.schema_name).delete()


@pytest.fixture
def provider(shop: Program) -> Iterator[Provider]:
    with Provider() as running:
        running.account(connections=1)
        yield running


def taken(*providers: Provider) -> dict[str, EmailMessage]:
    """The mails that arrived, by whom they went to."""
    return {
        mail.recipients[0]: message_from_bytes(mail.body, policy=policy.default)  # type: ignore[misc]
        for one in providers
        for mail in one.server.taken
    }


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None, mail.as_string()
    return str(part.get_content()).strip()


def aegis(to: str, **fields: Any) -> dict[str, Any]:
    return {"to": to, "subject": "Your order", "body": "It is on its way.", **fields}


def test_a01_a_1_overtakes_every_waiting_3(shop: Program, provider: Provider) -> None:
    for number in range(30):
        assert shop.send(aegis(f"usual{number}@example.com")).status_code == 202
    assert shop.send(aegis("urgent@example.com", priority=1)).status_code == 202
    assert shop.send(aegis("idle@example.com", priority=5)).status_code == 202
    assert send_what_is_due().outcomes == {"sent": 32}
    arrived = [mail.recipients[0] for mail in provider.server.taken]
    assert (arrived[0], arrived[-1]) == ("urgent@example.com", "idle@example.com")


def test_a01_an_html_message_arrives_with_a_text_part_and_without_its_hidden_recipients(
    shop: Program, provider: Provider
) -> None:
    answer = shop.send(
        aegis("ann@example.com", toName="Ann Example", body=PAGE, isHtml=True, replyTo="help@acme.example",
              cc=[{"email": "cid@example.com", "name": "Cid"}], bcc=[{"email": "bea@example.com"}], headers={"X-Order": "42"},
              attachments=[{"name": "a.txt", "content": "SGVsbG8="}])
    )  # fmt: skip
    assert answer.status_code == 202, answer.content
    send_what_is_due()
    mails = taken(provider)
    assert set(mails) == {"ann@example.com", "cid@example.com", "bea@example.com"}
    for mail in mails.values():
        assert text_of(mail) == "Your order is on its way."
        assert PAGE in text_of(mail, "html")
        assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("Ann Example <ann@example.com>", "Cid <cid@example.com>", None)
        assert (mail["Reply-To"], mail["X-Order"]) == ("help@acme.example", "42")
        assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [("a.txt", "Hello")]
    assert all(b"bea@" not in mail.body for mail in provider.server.taken)


def test_g01_a_message_arrives_with_both_bodies_and_its_headers(shop: Program, provider: Provider) -> None:
    answer = Program(shop.tenant, shop.key, "/api/v1/send").send(
        {"to": "user@example.com", "subject": "Newsletter", "html_body": "<h2>Latest</h2>", "text_body": "In short",
         "headers": {"Reply-To": "noreply@example.com", "X-Priority": "1"}}
    )  # fmt: skip
    assert answer.status_code == 202
    send_what_is_due()
    mail = taken(provider)["user@example.com"]
    assert (mail["Subject"], mail["Reply-To"], mail["X-Priority"]) == ("Newsletter", "noreply@example.com", "1")
    assert (text_of(mail), text_of(mail, "html")) == ("In short", "<h2>Latest</h2>")


def test_r06_variables_are_filled_into_subject_and_both_bodies(shop: Program, provider: Provider) -> None:
    Relay(shop.tenant, shop.key).sent(
        subject="For {{first_name}}",
        html_body="<p>Hello {{ first_name }}</p>",
        text_body="Hello {{first_name}}",
        headers={"X-Campaign-ID": "c", "X-Metadata": '{"a": 1}', "X-LLM-Model": "m", "X-Mine": "kept"},
        personalization={"enabled": True, "variables": {"first_name": "<John>"}},
    )
    send_what_is_due()
    mail = taken(provider)["ana@example.com"]
    assert (mail["Subject"], text_of(mail)) == ("For <John>", "Hello <John>")
    assert "<p>Hello &lt;John&gt;</p>" in text_of(mail, "html")
    assert mail["X-Mine"] == "kept"
    assert not {"X-Campaign-ID", "X-Metadata", "X-LLM-Model", "X-User-ID"} & set(mail.keys())


def test_h14_an_image_of_the_html_arrives_beside_it(shop: Program, provider: Provider) -> None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    answer = Hosting(shop.tenant, shop.key).send(
        html='<img src="cid:logo">', attachments=[{"filename": "logo.png", "content": png, "cid": "logo"}]
    )
    assert answer.status_code == 202
    send_what_is_due()
    mail = taken(provider)["ana@example.com"]
    related = [part for part in mail.walk() if part.get_content_type() == "multipart/related"]
    assert [part["Content-ID"] for part in related[0].iter_parts()] == [None, "<logo>"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("when", ["a02", "r05", "h16"])
def test_a02_r05_h16_one_message_is_followed_through_each_dialect(shop: Program, provider: Provider, when: str) -> None:
    relay, hosting = Relay(shop.tenant, shop.key), Hosting(shop.tenant, shop.key)
    bare = {
        "a02": lambda: shop.send(aegis("ana@example.com")).json()["message_id"],
        "r05": relay.sent,
        "h16": lambda: hosting.send().json()["data"]["id"],
    }[when]()[4:]

    def told() -> tuple[Any, Any, Any]:
        return (
            shop.get(f"/send/msg_{bare}/status").json(),
            relay.get(f"messages/msg-{bare}").json()["data"],
            hosting.get(f"emails/msg_{bare}").json()["data"],
        )

    assert [one["status"] for one in told()] == ["queued"] * 3
    send_what_is_due()
    status, message, email = told()
    assert [one["status"] for one in (status, message, email)] == ["sent"] * 3
    assert (message["provider"], email["provider"]) == ("sink", "sink")
    assert message["provider_message_id"] == email["providerMessageId"]
    assert datetime.strptime(message["processed_at"], MOMENT).replace(tzinfo=UTC) > datetime.now(UTC) - timedelta(
        minutes=1
    )
    assert [one["event"] for one in email["timeline"]] == ["accepted", "sent"]


def test_a02_r06_h14_what_is_scheduled_says_so_in_each_dialects_words(shop: Program, provider: Provider) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    hosting = Hosting(shop.tenant, shop.key)
    bare = hosting.send(scheduledAt=later).json()["data"]["id"][4:]
    assert send_what_is_due().outcomes == {}
    assert provider.server.taken == []
    assert shop.get(f"/send/{bare}/status").json()["status"] == "scheduled"
    assert Relay(shop.tenant, shop.key).get(f"messages/{bare}").json()["data"]["status"] == "queued"
    assert hosting.get(f"emails/{bare}").json()["data"]["status"] == "scheduled"


@pytest.mark.parametrize("remove", [
    lambda shop, bare: Relay(shop.tenant, shop.key).delete(f"messages/{bare}"),
    lambda shop, bare: Hosting(shop.tenant, shop.key).call("DELETE", f"emails/{bare}"),
], ids=["r07", "h18"])  # fmt: skip
def test_r07_h18_what_was_cancelled_is_not_sent(
    shop: Program, provider: Provider, remove: Callable[[Program, str], Any]
) -> None:
    bare = shop.send(aegis("ana@example.com")).json()["message_id"][4:]
    assert remove(shop, bare).status_code == 200
    shop.send(aegis("bob@example.com"))
    assert send_what_is_due().outcomes == {"sent": 1}
    assert provider.received == {"bob@example.com": 1}


@pytest.mark.parametrize("again", [
    lambda shop, bare: Relay(shop.tenant, shop.key).put(f"messages/{bare}/retry"),
    lambda shop, bare: Hosting(shop.tenant, shop.key).call("POST", f"emails/{bare}/resend"),
], ids=["r08", "h17"])  # fmt: skip
def test_r08_h17_what_failed_is_sent_when_it_is_tried_again(
    shop: Program, again: Callable[[Program, str], Any]
) -> None:
    refusing = True

    def refuse(verb: str, argument: str) -> str | None:
        return "554 5.6.0 not like that" if verb == "BODY" and refusing else None

    with Provider(refuse) as provider:
        provider.account()
        bare = shop.send(aegis("ana@example.com")).json()["message_id"][4:]
        send_what_is_due()
        assert shop.get(f"/send/{bare}/status").json()["status"] in ("failed", "bounced")
        refusing = False
        assert again(shop, bare).status_code in (200, 202)
        assert send_what_is_due().outcomes == {"sent": 1}
        assert provider.received["ana@example.com"] >= 1
    assert shop.get(f"/send/{bare}/status").json()["status"] == "sent"


def test_g04_h23_what_is_sent_moves_the_metrics(shop: Program, provider: Provider) -> None:
    def sent() -> float:
        said = shop.get("/metrics").content.decode()
        return sum(
            float(line.rpartition(" ")[2]) for line in said.splitlines() if 'email_sends_total{status="sent"}' in line
        )

    before = sent()
    shop.send(aegis("ana@example.com", cc=[{"email": "bob@example.com"}]))
    send_what_is_due()
    assert sent() - before == 2


# --- R32


def two_accounts(stack: ExitStack, *scripts: Script | None) -> list[Provider]:
    """Two SMTP servers, of which the second is asked while the first is down."""
    running = [stack.enter_context(Provider(script)) for script in scripts]
    for number, one in enumerate(running, 1):
        account = one.account(name=f"account {number}", connections=1)
        ProviderAccount.objects.filter(pk=account.pk).update(priority=number)
    return running


def test_r32_the_account_of_the_first_priority_gets_all_while_it_works(shop: Program) -> None:
    relay = Relay(shop.tenant, shop.key)
    with ExitStack() as stack:
        first, second = two_accounts(stack, None, None)
        sent = [relay.sent(to=[f"user{number}@example.com"]) for number in range(10)]
        send_what_is_due()
        assert (first.received.total(), second.received.total()) == (10, 0)
    assert {relay.get(f"messages/{one}").json()["data"]["provider"] for one in sent} == {"account 1"}


def test_r32_when_one_is_down_the_next_takes_its_mail_and_nobody_gets_two(shop: Program) -> None:
    def closed(verb: str, argument: str) -> str | None:
        return "421 4.3.2 closing" if verb == "CONNECT" else None

    relay = Relay(shop.tenant, shop.key)
    with ExitStack() as stack:
        first, second = two_accounts(stack, closed, None)
        sent = [relay.sent(to=[f"user{number}@example.com"]) for number in range(10)]
        assert send_what_is_due().outcomes == {"sent": 10}
        assert first.received.total() == 0
        assert set(second.received.values()) == {1}
        assert len(second.received) == 10
    assert {relay.get(f"messages/{one}").json()["data"]["provider"] for one in sent} == {"account 2"}
    told = relay.get("stats").json()["data"]["providers"]
    assert told["account 1"]["status"] == "down"
    assert (told["account 2"]["status"], told["account 2"]["success_rate"]) == ("healthy", 1.0)
    assert relay.send().status_code == 202, "one of them is enough"


def test_r32_accounts_of_one_priority_share_by_weight(shop: Program) -> None:
    relay = Relay(shop.tenant, shop.key)
    with ExitStack() as stack:
        large, small = two_accounts(stack, None, None)
        ProviderAccount.objects.update(priority=1, weight=300)
        ProviderAccount.objects.filter(name="account 2").update(weight=100)
        for number in range(8):
            relay.sent(to=[f"user{number}-{one}@example.com" for one in range(100)])
        assert send_what_is_due().outcomes == {"sent": 800}
        assert set((large.received + small.received).values()) == {1}
        assert 450 <= large.received.total() <= 750


def test_r32_all_are_down_only_when_each_of_them_is(shop: Program) -> None:
    relay = Relay(shop.tenant, shop.key)
    with ExitStack() as stack:
        two_accounts(stack, None, None)
        down = {"down_since": datetime.now(UTC) - timedelta(hours=1), "last_error": "connection refused"}
        ProviderAccount.objects.filter(name="account 1").update(**down)
        assert relay.send().status_code == 202
        ProviderAccount.objects.update(**down)
        answer = relay.send()
        assert refusal(answer)[:2] == (503, "ALL_PROVIDERS_DOWN")
        assert int(answer.headers["Retry-After"]) > 0
        ProviderAccount.objects.filter(name="account 2").update(down_since=None)
        assert relay.send().status_code == 202
    assert rows("SELECT count(*) FROM outbound_submission") == [(2,)]
