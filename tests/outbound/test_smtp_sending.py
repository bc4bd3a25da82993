"""Messages on one connection: what the server sees, and what becomes of refusals, in all ways of sending."""

import asyncio
from collections.abc import Callable

import pytest

from outbound.smtp.types import Timeouts
from tests.outbound.smtp_pump import MODES, Postbag, letter, on_each_loop, sending
from tests.outbound.smtp_server import HangUp, SmtpServer, Whim

SHORT = Timeouts(command=0.2, body=0.2)
in_each_mode = pytest.mark.parametrize("mode", MODES)


def when(condition: Callable[[str, str], bool], reply: str) -> Whim:
    async def whim(verb: str, argument: str) -> str | None:
        return reply if condition(verb, argument) else None

    return whim


def refusing(verb: str, cookies: set[int], reply: str) -> Whim:
    """`reply` to `verb` of the messages with these cookies."""
    recipients = {f"user{cookie}@example.com" for cookie in cookies}
    senders = {f"bounce-{cookie}@acme.example" for cookie in cookies}
    return when(lambda v, a: v == verb and a in recipients | senders, reply)


@in_each_mode
@on_each_loop
async def test_messages_arrive_byte_for_byte_with_their_own_envelopes(mode: str) -> None:
    bag = Postbag()
    letters = [letter(cookie, size=size) for cookie, size in enumerate((1, 100, 5_000, 300_000, 0, 70_000) * 5)]
    bag.put(*letters)
    async with SmtpServer(extensions=MODES[mode]) as server, sending(server, bag, connections=1):
        await bag.settled(len(letters))
    assert sorted(bag.accepted_lines) == list(range(len(letters)))
    assert bag.accepted_lines[0] == b"250 2.0.0 Ok: queued as 1"
    for message, taken in zip(letters, server.taken, strict=True):
        assert (taken.sender.encode(), taken.recipients[0].encode()) == (message.sender, message.recipient)
        assert taken.body == message.body
        assert taken.chunked is (mode == "chunked")
    assert server.faults == []
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


@on_each_loop
async def test_the_window_of_nought_keeps_to_data() -> None:
    bag = Postbag()
    bag.put(letter(1))
    async with SmtpServer(extensions=MODES["chunked"]) as server, sending(server, bag, window=0):
        await bag.settled(1)
    assert not server.taken[0].chunked


@on_each_loop
async def test_with_pipelining_a_message_costs_one_packet() -> None:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(50)))
    async with SmtpServer(extensions=MODES["pipelined"]) as server, sending(server, bag, connections=1):
        await bag.settled(50)
    bodies = [packet for packet in server.packets if packet.startswith(b"Subject:")]
    assert len(bodies) == 50
    assert all(packet.endswith(b"DATA\r\n") for packet in bodies[:-1])


@on_each_loop
async def test_with_chunking_a_window_of_messages_travels_at_once() -> None:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(40)))
    async with SmtpServer(extensions=MODES["chunked"]) as server, sending(server, bag, connections=1, first_window=8):
        await bag.settled(40)
    first = next(packet for packet in server.packets if packet.startswith(b"RSET"))
    assert first.count(b"BDAT") == 8


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "BODY"])
@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "451 4.3.0 Later"])
@in_each_mode
@on_each_loop
async def test_a_refusal_ends_one_message_and_no_other(mode: str, reply: str, verb: str) -> None:
    if verb == "DATA":
        data = iter([None, reply, None, None, reply, *[None] * 50])

        async def whim(asked: str, argument: str) -> str | None:
            return next(data) if asked == "DATA" else None
    else:
        whim = refusing(verb, {1, 4, 5, 9}, reply)
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(10)))
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(10)
    refused = {"DATA": {1, 4} if mode != "chunked" else set()}.get(verb, {1, 4, 5, 9})
    assert set(bag.replies) == refused
    assert set(bag.accepted_lines) == set(range(10)) - refused
    assert len(server.taken) == 10 - len(refused)
    for got in bag.replies.values():
        assert (str(got.code), got.enhanced, got.text) == tuple(reply.split(" ", 2))
        assert got.stage == verb.lower()
    assert server.faults == []
    assert server.connections == 1
    assert not bag.doubts
    assert not bag.returns


@pytest.mark.parametrize("mode", ["plain", "pipelined"])
@on_each_loop
async def test_a_transaction_is_reset_only_when_one_is_left_open(mode: str) -> None:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(6)))
    whim = refusing("RCPT", {2}, "550 5.1.1 No such user")
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(6)
    assert server.commands.count("RSET") == 1


@on_each_loop
async def test_a_go_ahead_after_a_refused_recipient_gets_no_body() -> None:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(8)))
    server = SmtpServer(
        extensions=MODES["pipelined"],
        go_ahead_without_recipients=True,
        whim=refusing("RCPT", {0, 3, 7}, "550 5.1.1 No such user"),
    )
    async with server, sending(server, bag, connections=1):
        await bag.settled(8)
    assert set(bag.replies) == {0, 3, 7}
    assert len(server.taken) == 5
    assert server.faults == []  # a body for nobody would be one
    assert server.connections == 1


@on_each_loop
async def test_a_server_that_refuses_the_sender_and_asks_for_the_body_gets_none() -> None:
    replies = iter(["550 5.7.1 Not you\r\n250 2.1.5 Ok\r\n354 Go ahead"])

    async def whim(verb: str, argument: str) -> str | None:
        return next(replies, None) if verb == "MAIL" else None

    bag = Postbag()
    bag.put(letter(0), letter(1))
    async with SmtpServer(extensions=MODES["pipelined"], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(2)
    assert set(bag.replies) == {0}
    assert set(bag.accepted_lines) == {1}
    assert server.connections == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "BODY"])
@in_each_mode
@on_each_loop
async def test_after_a_421_the_connection_is_left_and_nothing_is_in_doubt(mode: str, verb: str) -> None:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(9)))
    whim = refusing(verb, {4}, "421 4.7.0 Too much")
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(9)
    assert bag.replies[4].code == 421
    assert not bag.doubts
    if mode == "chunked":  # those behind it on the connection share its answer
        assert set(bag.replies) > {4}
        assert {reply.code for reply in bag.replies.values()} == {421}
    else:
        assert set(bag.replies) == {4}
    assert len(server.taken) == len(bag.accepted_lines) == 9 - len(bag.replies)
    assert server.connections == 2
    assert not bag.downs


@pytest.mark.parametrize(
    ("mode", "verb", "doubts"),
    [
        ("plain", "MAIL", 0),
        ("plain", "RCPT", 0),
        ("plain", "DATA", 0),
        ("plain", "BODY", 1),
        ("pipelined", "MAIL", 1),  # the reply to the body before is lost with it
        ("pipelined", "BODY", 1),
        ("chunked", "MAIL", 4),
        ("chunked", "BODY", 4),
    ],
)
@on_each_loop
async def test_a_lost_connection_leaves_in_doubt_what_was_handed_over(mode: str, verb: str, doubts: int) -> None:
    count = 0

    async def whim(asked: str, argument: str) -> str | None:
        nonlocal count
        count += asked == verb
        if asked == verb and count == 2:
            raise HangUp
        return None

    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(12)))
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(12)
    assert len(bag.doubts) == doubts
    assert len(bag.accepted_lines) == 12 - doubts
    assert server.connections == 2
    assert all("connection" in reason for reason in bag.doubts.values())


@in_each_mode
@on_each_loop
async def test_what_is_refused_here_is_never_offered_there(mode: str) -> None:
    bag = Postbag()
    bag.put(
        letter(0),
        letter(1, recipient=b"a@example.com>\r\nRCPT TO:<b@example.com"),
        letter(2, sender=b"a b@acme.example"),
        letter(3),
    )
    async with SmtpServer(extensions=MODES[mode]) as server, sending(server, bag, connections=1):
        await bag.settled(4)
    assert {cookie: reply.code for cookie, reply in bag.replies.items()} == {1: 501, 2: 501}
    assert not bag.handed & set(bag.replies)
    assert len(server.taken) == 2
    assert server.faults == []


@in_each_mode
@on_each_loop
async def test_extensions_are_used_where_they_are_offered(mode: str) -> None:
    bag = Postbag()
    bag.put(
        letter(0, recipient="jürgen@example.com".encode(), smtputf8=True),
        letter(1, body="Subject: x\r\n\r\nGrüße\r\n".encode()),
        letter(2, size=200_000),
        letter(3, sender=b""),
    )
    async with SmtpServer(extensions=MODES[mode]) as server, sending(server, bag, connections=1):
        await bag.settled(4)
    parameters = {message.recipients[0]: message.parameters for message in server.taken}
    if mode == "plain":
        assert bag.replies[0].enhanced == "5.6.7"
    else:
        assert parameters["jürgen@example.com"] == "SMTPUTF8"
    assert parameters["user1@example.com"] == "BODY=8BITMIME"
    assert parameters["user2@example.com"].startswith("" if mode == "chunked" else "SIZE=200")
    assert parameters["user3@example.com"] == ""
    assert server.taken[-1].sender == ""


@in_each_mode
@on_each_loop
async def test_a_server_that_stops_making_sense_is_left(mode: str) -> None:
    replies = iter([None, "250 2.1.0 Ok\r\nhello?", *[None] * 50])

    async def whim(verb: str, argument: str) -> str | None:
        return next(replies) if verb == "MAIL" else None

    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(6)))
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.settled(6)
    reasons = [*bag.doubts.values(), *(reason for _, reason in bag.returns)]
    assert any("hello?" in reason for reason in reasons)
    assert len(bag.accepted_lines) + len(bag.doubts) == 6


@in_each_mode
@on_each_loop
async def test_a_silent_server_is_given_up_after_its_time(mode: str) -> None:
    async def whim(verb: str, argument: str) -> str | None:
        if (verb, argument) == ("BODY", "user1@example.com"):
            await asyncio.sleep(30)
        return None

    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(3)))
    patience = {"timeouts": SHORT, "window": 1}
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1, **patience):
        await bag.settled(3)
    assert set(bag.doubts) == {1}
    assert "silent for 0.2 s" in bag.doubts[1]
    assert set(bag.accepted_lines) == {0, 2}


@on_each_loop
async def test_a_chunking_server_that_left_during_a_pause_leaves_nothing_in_doubt() -> None:
    deaf = asyncio.Event()

    async def whim(verb: str, argument: str) -> str | None:
        if verb == "RSET" and deaf.is_set():
            deaf.clear()
            raise HangUp
        return None

    bag = Postbag()
    bag.put(letter(0))
    server = SmtpServer(extensions=MODES["chunked"], whim=whim)
    async with server, sending(server, bag, connections=1, tick_seconds=0.01) as pool:
        await bag.settled(1)
        await asyncio.sleep(0.1)  # a pause of several ticks
        deaf.set()
        bag.put(letter(1), letter(2))
        pool.wake()
        await bag.settled(3)
    assert [cookie for cookie, _ in bag.returns] == [1]
    assert not bag.doubts
    assert set(bag.accepted_lines) == {0, 1, 2}
    assert server.connections == 2
