"""Whatever a server does, each message has exactly one end, and the end is true."""

import asyncio
import random

import pytest

from outbound.smtp.pool import SmtpPool
from outbound.smtp.types import SmtpAccount, Timeouts
from tests.outbound.smtp_pump import MODES, Postbag, letter, on_each_loop
from tests.outbound.smtp_server import HangUp, SmtpServer, at_once

MESSAGES = 150


class Trouble:
    """A server's mood: mostly well, and now and then each thing that can go wrong."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    async def whim(self, verb: str, argument: str) -> str | None:
        if verb in ("CONNECT", "EHLO", "QUIT", "RSET"):
            await self.fate({0.99: self.hang_up, 0.98: self.goodbye}, verb)
            return None
        return await self.fate(
            {
                0.992: self.hang_up,
                0.984: self.goodbye,
                0.982: self.fall_silent,
                0.94: self.refuse,
                0.90: self.defer,
                0.88: self.dawdle,
            },
            verb,
        )

    async def fate(self, fates, verb: str) -> str | None:
        roll = self.dice.random()
        for threshold, fate in fates.items():
            if roll >= threshold:
                return await fate(verb)
        return None

    async def hang_up(self, verb: str) -> None:
        raise HangUp

    async def goodbye(self, verb: str) -> str:
        return "421 4.3.2 Shutting down"

    async def refuse(self, verb: str) -> str:
        return "550-5.7.1 Not you\r\n550 5.7.1 Not today"

    async def defer(self, verb: str) -> str:
        return "451 4.7.1 Later"

    async def dawdle(self, verb: str) -> None:
        await asyncio.sleep(0.01)

    async def fall_silent(self, verb: str) -> None:
        await asyncio.sleep(1)

    async def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """In pieces, wherever they are cut."""
        while data:
            cut = self.dice.choice((len(data), self.dice.randint(1, len(data))))
            await at_once(writer, data[:cut])
            data = data[cut:]
            if data:
                await asyncio.sleep(self.dice.choice((0, 0.001)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("mode", MODES)
@on_each_loop
async def test_every_message_has_one_true_end_under_a_server_that_misbehaves(mode: str, seed: int) -> None:
    trouble = Trouble(seed)
    server = SmtpServer(
        extensions=MODES[mode],
        whim=trouble.whim,
        write=trouble.write,
        go_ahead_without_recipients=bool(seed % 2),
    )
    bag = Postbag()
    bag.put(*(letter(cookie, size=random.Random(cookie).choice((100, 3000, 60_000))) for cookie in range(MESSAGES)))
    async with server:
        account = SmtpAccount(
            "127.0.0.1",
            server.port,
            tls="none",
            connections=5,
            timeouts=Timeouts(command=0.4, body=0.4),
            messages_per_connection=(0, 7)[seed % 2],
        )
        pool = SmtpPool(account, bag, tick_seconds=0.1, chance=lambda: 0.0)
        await pool.start()
        await bag.settled(MESSAGES * 3 // 4)
        await pool.drain(5)
    assert not bag.out
    assert pool.in_flight == pool.open_connections == 0
    check_books(server, bag)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("mode", MODES)
@on_each_loop
async def test_every_message_has_one_true_end_when_the_sender_is_stopped_at_once(mode: str, seed: int) -> None:
    trouble = Trouble(seed)
    async with SmtpServer(extensions=MODES[mode], whim=trouble.whim, write=trouble.write) as server:
        bag = Postbag(give_again=False)
        bag.put(*(letter(cookie) for cookie in range(MESSAGES)))
        pool = SmtpPool(SmtpAccount("127.0.0.1", server.port, tls="none", connections=3), bag)
        await pool.start()
        await bag.settled(5 + 11 * seed % 100)
        pool.abort()
        assert not bag.out
        assert pool.in_flight == pool.open_connections == 0
        await asyncio.sleep(0.05)
    check_books(server, bag)


def check_books(server: SmtpServer, bag: Postbag) -> None:
    taken = {message.recipients[0]: message for message in server.taken}
    assert len(taken) == len(server.taken), "taken twice"
    assert server.faults == []
    for message in server.taken:
        cookie = int(message.sender.removeprefix("bounce-").partition("@")[0])
        assert message.recipients == (f"user{cookie}@example.com",), "under a stranger's envelope"
        assert message.body.startswith(b"Subject: %d\r\n" % cookie)
        assert message.body.endswith(b"dot\r\n")
        assert cookie in bag.accepted_lines or cookie in bag.doubts
    for cookie in bag.accepted_lines:
        assert f"user{cookie}@example.com" in taken
    for cookie in bag.replies:
        assert f"user{cookie}@example.com" not in taken
