"""How many messages travel on one connection: more with every success, one after an accident."""

import pytest

from outbound.smtp.types import SmtpAccount
from outbound.smtp.window import Window
from tests.outbound.smtp_pump import MODES, Postbag, letter, on_each_loop, sending
from tests.outbound.smtp_server import HangUp, SmtpServer


def account(**changes: int) -> SmtpAccount:
    return SmtpAccount(host="mail.example", port=25, **changes)


def test_the_window_doubles_with_every_five_hundred_messages_taken() -> None:
    window = Window(account())
    sizes = [window.size]
    for _ in range(40):
        window.went_well(100)
        sizes.append(window.size)
    assert sizes[:11] == [4] * 5 + [8] * 5 + [16]
    assert set(sizes[10:]) == {16}


def test_after_an_accident_one_message_travels_at_a_time() -> None:
    window = Window(account())
    window.went_well(499)
    window.broke()
    assert window.size == 1
    window.went_well(499)
    assert window.size == 1
    window.went_well(1)
    assert window.size == 2


@pytest.mark.parametrize(("changes", "size"), [({"window": 2}, 2), ({"window": 0}, 1), ({"first_window": 9}, 9)])
def test_the_window_begins_within_its_limits(changes: dict[str, int], size: int) -> None:
    assert Window(account(**changes)).size == size


@on_each_loop
async def test_a_server_that_breaks_off_often_soon_leaves_one_message_in_doubt_each_time() -> None:
    """Each drop after the first leaves no more doubt than DATA would."""
    drops = {10, 60, 110, 160}

    async def whim(verb: str, argument: str) -> str | None:
        if verb == "BODY" and any(argument == f"user{cookie}@example.com" for cookie in drops):
            raise HangUp
        return None

    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(200)))
    async with (
        SmtpServer(extensions=MODES["chunked"], whim=whim) as server,
        sending(server, bag, connections=1) as pool,
    ):
        await bag.settled(200)
        assert pool.in_flight == 0
    assert drops <= set(bag.doubts)
    assert len(bag.doubts) <= 4 + 3
