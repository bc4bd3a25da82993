"""Several senders work over one tenant at once: processes of their own, as on several machines."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from outbound.states import RecipientState
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import outcomes, post, rows, waiting
from tests.outbound.test_posting_recovery import sender, wait_until

pytestmark = [pytest.mark.usefixtures("live_tenant"), pytest.mark.slow]


def test_three_senders_mail_everybody_once_and_the_urgent_ones_first() -> None:
    with Provider(_slowly) as provider:
        provider.account(connections=2)
        for number in range(500):
            post(f"later{number}@example.com", priority=5)
        for number in range(100):
            post(f"urgent{number}@example.com", f"copy{number}@example.com", priority=1)
        with senders(3):
            seen: set[str] = set()

            def all_done() -> bool:
                seen.update(owner for (owner,) in rows("SELECT owner FROM outbound_batch"))
                return not waiting()

            wait_until(all_done)
        arrived = [mail.recipients[0] for mail in provider.server.taken]
    assert len(seen) >= 2, "they share it"
    assert sorted(arrived) == sorted(set(arrived))
    assert len(arrived) == 700
    assert outcomes() == {RecipientState.SENT: 700}
    assert rows("SELECT sum(sent) FROM outbound_daily") == [(700,)]
    assert rows("SELECT sum(given) FROM outbound_accountday") == [(700,)]
    assert rows("SELECT count(*) FROM outbound_batch") == [(0,)]
    assert rows("SELECT state, count(*) FROM outbound_submission GROUP BY 1") == [("sent", 600)]
    urgent = [place for place, who in enumerate(arrived) if not who.startswith("later")]
    # Every fifth is an old one, and each sender has some tens in hand that came to it before.
    assert max(urgent) < 200 * 5 / 4 + 3 * 50
    assert arrived.index("later0@example.com") < 100, "the oldest has its share from the beginning"


def test_mail_that_comes_while_three_senders_wait_for_it_goes_out_once() -> None:
    """They all look at the same moment: one has it, the others find nothing."""
    with Provider() as provider:
        provider.account()
        with senders(3):
            for number in range(150):
                post(f"user{number}@example.com", priority=1 + number % 5)
                if number % 30 == 0:
                    wait_until(lambda: not waiting())
            wait_until(lambda: not waiting())
        assert provider.received == {f"user{number}@example.com": 1 for number in range(150)}
    assert outcomes() == {RecipientState.SENT: 150}


def test_a_senders_domain_that_is_refused_is_settled_by_several_senders_once() -> None:
    def refuse(verb: str, argument: str) -> str | None:
        return "553 5.7.1 sender not allowed" if verb == "MAIL" and "bad.example" in argument else None

    with Provider(refuse) as first, Provider() as second:
        first.account(name="first")
        second.account(name="second")
        for number in range(200):
            sender_address = "shop@bad.example" if number % 2 else "shop@acme.example"
            post(f"user{number}@example.com", from_address=sender_address)
        with senders(2):
            wait_until(lambda: not waiting())
        both = first.received + second.received
    assert both == {f"user{number}@example.com": 1 for number in range(200)}
    assert outcomes() == {RecipientState.SENT: 200}


@contextmanager
def senders(count: int) -> Iterator[None]:
    """So many processes; told to end at the end, which they do in good order."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes += [sender() for _ in range(count)]
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in processes]
    assert codes == [0] * count


def _slowly(verb: str, argument: str) -> None:
    """So that no sender is done before the others have begun."""
    if verb == "BODY":
        time.sleep(0.01)
