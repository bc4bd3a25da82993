"""To which provider account mail goes, and where it goes when that one is down."""

import threading
from typing import Any

import pytest

from outbound.models import ProviderAccount
from outbound.posting.refusals import Refusals
from outbound.posting.routes import Shares
from outbound.posting.sender import start
from outbound.posting.types import Route
from outbound.smtp.types import Reply
from outbound.states import RecipientState
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import make_due, outcomes, post, rows, run, send_what_is_due, standing, waiting
from tests.outbound.smtp_server import HangUp

pytestmark = pytest.mark.usefixtures("live_tenant")


def routed(provider: Provider, *, priority: int = 1, weight: int = 100, **options: Any) -> ProviderAccount:
    account = provider.account(**options)
    ProviderAccount.objects.filter(pk=account.pk).update(priority=priority, weight=weight)
    return account


def route(number: int, priority: int = 1, weight: int = 100) -> Route:
    return Route(number, f"account {number}", priority, weight, 0, False, ())


def test_accounts_of_one_priority_share_by_weight() -> None:
    shares, routes = Shares(), [route(1, weight=75), route(2, weight=25), route(3, priority=2)]
    given = {1: 0, 2: 0}
    for size in (100, 1, 50) * 40:
        first = shares.by_turn(routes)[0]
        shares.count(first, size)
        given[first.provider_id] += size
    assert 0.72 < given[1] / sum(given.values()) < 0.78


def test_mail_is_shared_by_weight() -> None:
    with Provider() as large, Provider() as small:
        routed(large, name="large", weight=300)
        routed(small, name="small", weight=100)
        for number in range(1_200):
            post(f"user{number}@example.com")
        send_what_is_due()
        assert 800 <= len(large.server.taken) <= 1_000
        assert len(large.server.taken) + len(small.server.taken) == 1_200
        assert set((large.received + small.received).values()) == {1}


def test_the_second_account_is_asked_only_while_the_first_is_down() -> None:
    with Provider() as second:
        with Provider() as first:
            port = first.port
            account = routed(first, name="first", priority=1)
            routed(second, name="second", priority=2)
            post("ann@example.com")
            send_what_is_due()
            assert (len(first.server.taken), len(second.server.taken)) == (1, 0)
        message = post("ben@example.com")
        assert send_what_is_due().outcomes == {"sent": 1}
        assert second.received == {"ben@example.com": 1}
        account.refresh_from_db()
        assert account.down_since is not None
        assert str(port) in account.last_error
        assert rows("SELECT p.name FROM outbound_recipient r JOIN outbound_provideraccount p ON p.id = r.provider_id"
                    " WHERE message_id = %s", message) == [("second",)]  # fmt: skip
        with Provider(port=port) as again:
            post("zoe@example.com")
            _send_until(lambda: not rows("SELECT 1 FROM outbound_provideraccount WHERE down_since IS NOT NULL"))
            post("eve@example.com")
            send_what_is_due()
            assert "eve@example.com" in again.received, "it is up, so it is the first again"


def test_without_any_account_that_works_mail_waits_and_goes_out_when_one_is_up() -> None:
    with Provider() as provider:
        port = provider.port
        provider.account()
    message = post("ann@example.com", "ben@example.com")
    done = threading.Event()
    worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
    worker.start()
    try:
        _until(lambda: rows("SELECT 1 FROM outbound_provideraccount WHERE down_since IS NOT NULL"))
        assert standing(message)[0] == "queued"
        assert waiting() == 2
        with Provider(port=port) as provider:
            _until(lambda: not waiting())
            assert provider.received == {"ann@example.com": 1, "ben@example.com": 1}
    finally:
        done.set()
        worker.join(60)
    assert standing(message) == ("sent", "", "finished")
    assert rows("SELECT count(*) FROM outbound_provideraccount WHERE down_since IS NOT NULL OR last_error <> ''") == [
        (0,)
    ]


def test_an_account_that_refuses_the_sender_has_its_mail_taken_by_the_next() -> None:
    def refuse(verb: str, argument: str) -> str | None:
        return "553 5.7.1 sender not allowed" if verb == "MAIL" else None

    with Provider(refuse) as first, Provider() as second:
        account = routed(first, name="first", priority=1)
        routed(second, name="second", priority=2)
        for number in range(30):
            post(f"user{number}@example.com")
        assert send_what_is_due().outcomes == {"sent": 30}
        assert second.received == {f"user{number}@example.com": 1 for number in range(30)}
        assert first.server.taken == []
    account.refresh_from_db()
    assert account.down_since is None, "it may well take other senders"
    assert account.last_error == "The provider refuses the sender acme.example: 553 5.7.1 sender not allowed"


@pytest.mark.parametrize("at_once", [1, 4], ids=["one connection", "four connections"])
def test_a_refused_senders_domain_holds_up_nobody_elses_mail(at_once: int) -> None:
    """Three hundred of the refused one stand before and between them, and not one of the others waits for a rest."""
    with Provider(_refuse_bad) as provider:
        account = provider.account(connections=at_once)
        for number in range(300):
            post(f"bad{number}@example.com", from_address="shop@bad.example", priority=1 + number % 3)
            if number % 10 == 0:
                post(f"good{number}@example.com")
        assert send_what_is_due().outcomes == {"sent": 30, "deferred": 300}
        assert provider.received == {f"good{number}@example.com": 1 for number in range(0, 300, 10)}
        refused = sum(command.startswith("MAIL") and "bad.example" in command for command in provider.server.commands)
    assert 3 <= refused < 20, "it is asked a few times, not for every mail"
    assert rows("SELECT state, error FROM outbound_submission WHERE from_address LIKE '%%bad%%' GROUP BY 1, 2") == [
        ("deferred", "the provider refuses the sender: 5.7.1 sender not allowed")
    ]
    account.refresh_from_db()
    assert account.down_since is None
    assert account.last_error.startswith("The provider refuses the sender")


def test_a_senders_domain_that_is_allowed_again_goes_out_and_the_account_says_nothing_more() -> None:
    with Provider(_refuse_bad) as provider:
        account = provider.account()
        for number in range(10):
            post(f"user{number}@example.com", from_address="shop@bad.example")
        send_what_is_due()
        account.refresh_from_db()
        assert account.last_error
        port = provider.port
    with Provider(port=port) as provider:
        make_due()
        # Another run, which was not there when the account refused.
        assert send_what_is_due().outcomes == {"sent": 10}
        assert provider.received.total() == 10
    account.refresh_from_db()
    assert account.last_error == ""


def test_a_rest_grows_ends_and_is_forgotten_with_the_first_mail_that_is_taken() -> None:
    now = [100.0]
    refusals, reply = Refusals(lambda: now[0]), Reply(553, "5.7.1", "not allowed", "mail")
    assert [refusals.add("bad.example", reply) for _ in range(4)] == [False, False, True, False]
    assert (refusals.answer("bad.example"), refusals.answer("good.example")) == (reply, None)
    assert refusals.seconds_left("bad.example") == 5
    now[0] += 5
    assert refusals.answer("bad.example") is None
    assert refusals.add("bad.example", reply), "one more is enough"
    assert refusals.seconds_left("bad.example") == 10
    assert refusals.words == "The provider refuses the sender bad.example: 553 5.7.1 not allowed"
    assert refusals.forget("bad.example")
    assert not refusals
    assert refusals.words == ""
    assert not refusals.add("bad.example", reply), "it is counted anew"


def test_when_nobody_takes_the_sender_mail_is_tried_again_later() -> None:
    refusing = True

    def refuse(verb: str, argument: str) -> str | None:
        return "553 5.7.1 sender not allowed" if verb == "MAIL" and refusing else None

    with Provider(refuse) as provider:
        provider.account()
        message = post("ann@example.com")
        assert send_what_is_due().outcomes == {"deferred": 1}
        assert standing(message)[:2] == ("deferred", "the provider refuses the sender: 5.7.1 sender not allowed")
        refusing = False
        make_due()
        assert send_what_is_due().outcomes == {"sent": 1}
    assert outcomes() == {RecipientState.SENT: 1}


def test_what_may_have_been_taken_goes_to_nobody_else() -> None:
    def drop(verb: str, argument: str) -> str | None:
        if verb == "BODY":
            raise HangUp
        return None

    with Provider(drop) as first, Provider() as second:
        routed(first, name="first", priority=1, connections=1)
        routed(second, name="second", priority=2)
        for number in range(5):
            post(f"user{number}@example.com")
        send_what_is_due()
        both = first.received + second.received
    assert set(both.values()) == {1}
    found = outcomes()
    assert found[RecipientState.IN_DOUBT] == len(first.server.taken) > 0
    assert found[RecipientState.SENT] == len(second.server.taken)
    assert found.total() == 5


def test_an_edited_account_is_used_within_seconds() -> None:
    with Provider() as old, Provider() as new:
        account = old.account()
        done = threading.Event()
        worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
        worker.start()
        try:
            post("ann@example.com")
            _until(lambda: old.received)
            ProviderAccount.objects.filter(pk=account.pk).update(port=new.port)
            count = 0
            while not new.received:
                count += 1
                assert count < 400
                post(f"user{count}@example.com")
                threading.Event().wait(0.05)
        finally:
            done.set()
            worker.join(60)
        assert set((old.received + new.received).values()) == {1}


def test_connections_are_limited_to_the_accounts_number() -> None:
    with Provider() as provider:
        provider.account(connections=2)
        for number in range(300):
            post(f"user{number}@example.com")
        send_what_is_due()
        assert provider.server.most_open <= 2


def test_a_rate_is_kept_to() -> None:
    with Provider() as provider:
        provider.account(rate=40.0)
        for number in range(30):
            post(f"user{number}@example.com")
        assert send_what_is_due().outcomes == {"sent": 30}
        assert provider.received.total() == 30


def test_an_account_whose_password_cannot_be_read_says_so() -> None:
    with Provider() as provider:
        provider.account()
        run("UPDATE outbound_provideraccount SET username = 'me', sealed_password = 'nonsense'")
        post("ann@example.com")
        done = threading.Event()
        worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
        worker.start()
        try:
            _until(lambda: rows("SELECT 1 FROM outbound_provideraccount WHERE last_error <> ''"))
        finally:
            done.set()
            worker.join(60)
        assert waiting() == 1


def _refuse_bad(verb: str, argument: str) -> str | None:
    return "553 5.7.1 sender not allowed" if verb == "MAIL" and "bad.example" in argument else None


def _send_until(question: Any) -> None:
    done = threading.Event()
    worker = threading.Thread(target=lambda: start(stop=done.is_set, only=["live"]))
    worker.start()
    try:
        _until(question)
    finally:
        done.set()
        worker.join(60)


def _until(question: Any, seconds: float = 60.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if question():
            return
        pause.wait(0.02)
    raise AssertionError("nothing happened")
