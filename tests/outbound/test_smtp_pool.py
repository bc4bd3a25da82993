"""How many connections there are, when they are opened and left, and what the owner hears of it."""

import asyncio
import os
from pathlib import Path

import pytest

from outbound.smtp.backoff import Backoff
from outbound.smtp.pool import SmtpPool
from outbound.smtp.types import SmtpAccount, Timeouts
from tests.outbound.smtp_certificates import self_signed
from tests.outbound.smtp_pump import MODES, Postbag, letter, on_each_loop, sending
from tests.outbound.smtp_server import HangUp, SmtpServer, at_once

in_each_mode = pytest.mark.parametrize("mode", MODES)


async def pausing(verb: str, argument: str) -> str | None:
    """Work takes its time, so that there is something to share."""
    if verb == "BODY":
        await asyncio.sleep(0.02)
    return None


def full_bag(count: int) -> Postbag:
    bag = Postbag()
    bag.put(*(letter(cookie) for cookie in range(count)))
    return bag


@in_each_mode
@on_each_loop
async def test_connections_grow_with_the_work_up_to_the_limit(mode: str) -> None:
    bag = full_bag(120)
    async with SmtpServer(extensions=MODES[mode], whim=pausing) as server, sending(server, bag, connections=6) as pool:
        await bag.until(lambda: pool.open_connections == 6)
        await bag.settled(120)
    assert server.most_open == 6
    assert len(bag.accepted_lines) == 120
    assert bag.ups == 1
    assert not bag.downs


@in_each_mode
@on_each_loop
async def test_a_trickle_of_messages_needs_no_second_connection(mode: str) -> None:
    bag = full_bag(1)
    async with SmtpServer(extensions=MODES[mode]) as server, sending(server, bag) as pool:
        await bag.settled(1)
        for cookie in range(1, 10):
            bag.put(letter(cookie))
            pool.wake()
            await bag.settled(cookie + 1)
    assert server.connections == 1


@in_each_mode
@on_each_loop
async def test_a_parked_connection_does_not_ask_until_it_is_woken(mode: str) -> None:
    bag = Postbag()
    async with SmtpServer(extensions=MODES[mode]) as server, sending(server, bag) as pool:
        await bag.until(lambda: bag.pulled_idle)
        bag.put(*(letter(cookie) for cookie in range(5)))
        await asyncio.sleep(0.2)
        assert len(bag.waiting) == 5
        assert bag.pulled_idle == 1
        for _ in range(100):
            pool.wake()
        await bag.settled(5)
        await asyncio.sleep(0.05)
        assert bag.pulled_idle < 10


@in_each_mode
@on_each_loop
async def test_waking_wakes_as_many_connections_as_there_is_work_for(mode: str) -> None:
    bag = full_bag(60)
    async with (
        SmtpServer(extensions=MODES[mode], whim=pausing) as server,
        sending(server, bag, connections=3, window=1) as pool,
    ):
        await bag.settled(60)
        assert pool.open_connections == 3
        await asyncio.sleep(0.1)
        bag.put(*(letter(cookie) for cookie in range(60, 63)))
        pool.wake()
        await bag.until(lambda: len(bag.out) == 3)
        assert pool.in_flight == 3
        await bag.settled(63)
    assert server.connections == 3


@in_each_mode
@on_each_loop
async def test_an_idle_connection_says_quit_and_is_opened_again_for_work(mode: str) -> None:
    bag = full_bag(1)
    async with (
        SmtpServer(extensions=MODES[mode]) as server,
        sending(server, bag, connections=1, timeouts=Timeouts(idle=0.2)) as pool,
    ):
        await bag.settled(1)
        while server.open:
            await asyncio.sleep(0.02)
        assert server.commands[-1] == "QUIT"
        await asyncio.sleep(0.3)
        assert server.connections == 1
        bag.put(letter(1))
        pool.wake()
        await bag.settled(2)
    assert server.connections == 2
    assert not bag.downs


@in_each_mode
@on_each_loop
async def test_a_server_that_closes_an_idle_connection_does_no_harm(mode: str) -> None:
    async def farewell(writer: asyncio.StreamWriter, data: bytes) -> None:
        await at_once(writer, data)
        if data.rstrip().endswith(b"queued as 1"):
            await asyncio.sleep(0.05)
            await at_once(writer, b"421 4.4.2 Idle for too long\r\n")
            raise HangUp

    bag = full_bag(1)
    async with (
        SmtpServer(extensions=MODES[mode], write=farewell) as server,
        sending(server, bag, connections=1) as pool,
    ):
        await bag.settled(1)
        while pool.open_connections:
            await asyncio.sleep(0.02)
        bag.put(letter(1))
        pool.wake()
        await bag.settled(2)
    assert len(bag.accepted_lines) == 2
    assert not bag.downs
    assert not bag.returns


@in_each_mode
@on_each_loop
async def test_a_connection_is_replaced_after_its_number_of_messages(mode: str) -> None:
    bag = full_bag(20)
    async with (
        SmtpServer(extensions=MODES[mode]) as server,
        sending(server, bag, connections=1, messages_per_connection=5),
    ):
        await bag.settled(20)
    assert len(bag.accepted_lines) == 20
    assert server.connections in (4, 5)
    assert server.most_open == 1
    assert server.commands.count("QUIT") == server.connections


@in_each_mode
@on_each_loop
async def test_draining_finishes_what_is_under_way_and_takes_no_more(mode: str) -> None:
    bag = full_bag(100)
    async with SmtpServer(extensions=MODES[mode], whim=pausing) as server:
        pool = SmtpPool(SmtpAccount("127.0.0.1", server.port, tls="none", connections=3), bag)
        await pool.start()
        await bag.settled(5)
        taken = 100 - len(bag.waiting)
        await pool.drain(10)
        assert 100 - len(bag.waiting) == taken
        assert not bag.out
        assert not bag.doubts
        assert not bag.returns
        assert len(bag.accepted_lines) == taken
        pool.wake()
        await asyncio.sleep(0.05)
        assert not pool.open_connections
    assert server.commands.count("QUIT") == server.connections


@on_each_loop
async def test_what_cannot_be_finished_in_time_is_settled_all_the_same() -> None:
    async def whim(verb: str, argument: str) -> str | None:
        if verb == "BODY":
            await asyncio.sleep(30)
        return None

    bag = full_bag(3)
    async with SmtpServer(extensions=MODES["pipelined"], whim=whim) as server:
        pool = SmtpPool(SmtpAccount("127.0.0.1", server.port, tls="none", connections=1), bag)
        await pool.start()
        await bag.until(lambda: bag.handed)
        await pool.drain(0.1)
        assert set(bag.doubts) == {0}
        assert [cookie for cookie, _ in bag.returns] == [1]
        assert not pool.open_connections


@on_each_loop
async def test_draining_a_pool_that_cannot_connect_is_quick() -> None:
    async with SmtpServer() as server:
        account = SmtpAccount("127.0.0.1", server.port, tls="none")
    bag = full_bag(1)
    pool = SmtpPool(account, bag, chance=lambda: 0.0)
    await pool.start()
    await bag.until(lambda: bag.downs)
    await pool.drain(5)
    assert len(bag.waiting) == 1


@on_each_loop
async def test_draining_while_a_connection_is_being_opened_leaves_nothing_open() -> None:
    async def whim(verb: str, argument: str) -> str | None:
        await asyncio.sleep(30)
        return None

    bag = full_bag(1)
    async with SmtpServer(whim=whim) as server:
        pool = SmtpPool(SmtpAccount("127.0.0.1", server.port, tls="none"), bag)
        await pool.start()
        while not server.open:
            await asyncio.sleep(0.01)
        await pool.drain(5)
        assert not pool.open_connections
        assert not bag.downs


@on_each_loop
async def test_a_provider_that_is_away_is_reported_and_found_again() -> None:
    async with SmtpServer() as server:
        pass
    bag = full_bag(5)
    async with sending(server, bag):
        await bag.until(lambda: len(bag.downs) >= 2)
        assert "refuses connections" in str(bag.downs[0])
        assert bag.ups == 0
        async with server:
            await bag.settled(5)
    assert bag.ups == 1
    assert len(bag.accepted_lines) == 5


@on_each_loop
async def test_what_only_a_person_can_mend_is_not_tried_again_and_again() -> None:
    bag = full_bag(1)
    async with (
        SmtpServer(users={"acme": "right"}) as server,
        sending(server, bag, username="acme", password="wrong") as pool,
    ):
        await bag.until(lambda: bag.downs)
        for _ in range(5):
            pool.wake()
            await asyncio.sleep(0.1)
    assert [error.permanent for error in bag.downs] == [True]
    assert server.connections == 1


@in_each_mode
@on_each_loop
async def test_a_provider_that_allows_two_connections_gets_two(mode: str) -> None:
    async def whim(verb: str, argument: str) -> str | None:
        if verb == "CONNECT" and server.open > 2:
            return "421 4.7.0 Too many connections"
        return await pausing(verb, argument)

    bag = full_bag(60)
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=10) as pool:
        await bag.settled(60)
        assert pool.open_connections == 2
    assert len(bag.accepted_lines) == 60
    assert not bag.downs
    assert server.connections <= 5


@in_each_mode
@on_each_loop
async def test_a_provider_that_breaks_off_every_time_counts_as_down(mode: str) -> None:
    async def whim(verb: str, argument: str) -> str | None:
        if verb == "MAIL":
            raise HangUp
        return None

    bag = full_bag(100)
    async with SmtpServer(extensions=MODES[mode], whim=whim) as server, sending(server, bag, connections=1):
        await bag.until(lambda: bag.downs)
        assert server.connections == 3
    assert "breaks off before it has taken a message" in str(bag.downs[0])
    assert bag.ups == 1
    if mode != "chunked":
        assert not bag.doubts


@on_each_loop
async def test_all_goes_through_tls_as_without(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    for tls, implicit in (("starttls", False), ("implicit", True)):
        for mode in MODES.values():
            bag = Postbag()
            letters = [letter(cookie, size=size) for cookie, size in enumerate((100, 5_000, 400_000, 30_000) * 5)]
            bag.put(*letters)
            server = SmtpServer(
                extensions=mode, tls=certificate.context, implicit_tls=implicit, users={"acme": "secret"}
            )
            login = {"username": "acme", "password": "secret", "ca_file": certificate.ca_file}
            async with server, sending(server, bag, tls=tls, connections=2, **login):
                await bag.settled(20)
            assert {message.body for message in server.taken} == {message.body for message in letters}
            assert len(bag.accepted_lines) == 20
            assert server.faults == []
            assert server.commands.count("QUIT") == server.connections


@on_each_loop
async def test_a_lost_tls_connection_is_settled_like_any_other(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    hang_ups = iter([False, False, True])

    async def whim(verb: str, argument: str) -> str | None:
        if verb == "BODY" and next(hang_ups, False):
            raise HangUp
        return None

    bag = full_bag(10)
    server = SmtpServer(tls=certificate.context, whim=whim)
    async with server, sending(server, bag, tls="starttls", connections=1, ca_file=certificate.ca_file):
        await bag.settled(10)
    assert len(bag.doubts) == 1
    assert len(bag.accepted_lines) == 9


@on_each_loop
async def test_bytes_that_are_not_tls_end_a_tls_connection(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    written = 0

    async def write(writer: asyncio.StreamWriter, data: bytes) -> None:
        nonlocal written
        written += b"queued" in data
        if written == 3:
            os.write(writer.get_extra_info("socket").fileno(), b"250 2.0.0 Ok: trust me\r\n")
            await asyncio.sleep(5)
        await at_once(writer, data)

    bag = full_bag(10)
    server = SmtpServer(tls=certificate.context, implicit_tls=True, write=write)
    async with server, sending(server, bag, tls="implicit", connections=1, ca_file=certificate.ca_file):
        await bag.until(lambda: bag.doubts)
        written += 1
        await bag.settled(10)
    assert set(bag.doubts) == {2}
    assert len(bag.accepted_lines) == 9


@on_each_loop
async def test_a_slow_reader_holds_up_the_pulling() -> None:
    reading = asyncio.Event()

    async def whim(verb: str, argument: str) -> str | None:
        if verb == "MAIL":
            await reading.wait()
        return None

    bag = Postbag()
    server = SmtpServer(extensions=MODES["chunked"], whim=whim)
    async with server, sending(server, bag, connections=1, window=1000) as pool:
        await bag.until(lambda: bag.pulled_idle)
        for cookie in range(200):
            bag.put(letter(cookie, size=100_000))
            pool.wake()
            await asyncio.sleep(0)
        assert len(bag.handed) < 150
        reading.set()
        await bag.settled(200)
    assert len(bag.accepted_lines) == 200


@on_each_loop
async def test_the_offer_of_the_provider_is_known_when_it_is_up() -> None:
    bag = Postbag()
    async with SmtpServer(extensions=MODES["chunked"]) as server, sending(server, bag) as pool:
        assert pool.capabilities is None
        await bag.until(lambda: bag.ups)
        assert pool.capabilities is not None
        assert pool.capabilities.chunking


def test_waiting_doubles_and_is_spread() -> None:
    backoff = Backoff(first=0.25, last=30, chance=lambda: 0.5)
    assert [backoff.next_delay() for _ in range(9)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_delay() == 0.25
    assert Backoff(first=1, last=30, chance=lambda: 0.0).next_delay() == 0.75
    assert Backoff(first=1, last=30, chance=lambda: 1.0).next_delay() == 1.25
