"""What the receiving server bears, how it waits, and how it stops."""

import asyncio

import pytest

from common.smtpd import Reply
from tests.common.smtp_dialogue import running, until


async def test_a_message_over_the_limit_is_refused_and_the_connection_stays_usable() -> None:
    async with running(size_limit=100_000, max_text_line=1000) as run:
        client = await run.greeted()
        line = b"x" * 98 + b"\r\n"
        assert (await client.message(line * 1001 + b".\r\n")).startswith("552 5.3.4 ")
        assert (await client.message(line * 1500 + b".\r\n")).startswith("552 5.3.4 ")
        assert (await client.message(line * 1000 + b".\r\n")).startswith("250 ")
        doubled = b".." + b"x" * 97 + b"\r\n"
        assert (await client.message(doubled * 1000 + b".\r\n")).startswith("250 ")
        assert [len(envelope.content) for envelope in run.mailbox.received] == [100_000, 100_000]


async def test_a_client_that_sends_without_end_is_cut() -> None:
    async with running(size_limit=10_000) as run:
        client = await run.greeted()
        await client.begin_data()
        client.send((b"x" * 98 + b"\r\n") * 1000)
        assert (await client.reply()).startswith("552 5.3.4 ")
        assert await client.at_end()


async def test_text_lines_end_within_the_limit() -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.message(b"a\r\n" + b"x" * 1998 + b"\r\n.\r\n")).startswith("250 ")
        assert (await client.message(b"a\r\n" + b"x" * 1999 + b"\r\n.\r\n")).startswith("554 5.6.0 ")


async def test_a_command_line_may_have_2048_octets_and_not_one_more() -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.say("NOOP " + "x" * 2041)).startswith("250 ")
        assert (await client.say("NOOP " + "x" * 2042)).startswith("500 5.5.2")
        client.send(b"x" * 500_000)
        await asyncio.sleep(0.05)
        client.send(b"x\r")
        await asyncio.sleep(0.05)
        client.send(b"\nNOOP\r\n")
        assert (await client.reply()).startswith("500 5.5.2")
        assert (await client.reply()).startswith("250 2.0.0")


async def test_recipients_over_the_limit_are_put_off() -> None:
    async with running(max_recipients=2) as run:
        client = await run.greeted()
        await client.say("MAIL FROM:<a@b.example>")
        replies = [await client.say(f"RCPT TO:<{n}@b.example>") for n in range(3)]
        assert [reply[:9] for reply in replies] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
        assert (await client.say("DATA")).startswith("354 ")


async def test_too_many_errors_end_the_connection() -> None:
    async with running(max_errors=3) as run:
        client = await run.greeted()
        for _ in range(4):
            assert (await client.say("BLAH")).startswith("500 ")
        assert (await client.reply()).startswith("421 4.7.0 ")
        assert await client.at_end()


async def test_connections_over_the_limit_are_sent_away_until_one_ends() -> None:
    async with running(max_connections=2) as run:
        first, _ = await run.greeted(), await run.greeted()
        third = await run.connect()
        assert (await third.reply()).startswith("421 4.3.2 ")
        assert await third.at_end()
        await first.say("QUIT")
        await first.close()
        await until(lambda: run.server.connections == 1)
        await run.greeted()


async def test_one_peer_cannot_take_all_connections() -> None:
    async with running(max_connections_per_peer=1) as run:
        await run.greeted()
        second = await run.connect()
        assert (await second.reply()).startswith("421 4.3.2 ")


async def test_a_silent_client_is_told_to_go() -> None:
    async with running(timeout=1) as run:
        client = await run.greeted()
        assert (await client.reply()).startswith("421 4.4.2 ")
        assert await client.at_end()


async def test_dripping_one_octet_at_a_time_does_not_extend_a_commands_time() -> None:
    async with running(timeout=1) as run:
        client = await run.greeted()
        reply = asyncio.ensure_future(client.reply())
        while not reply.done():
            client.send(b"x")
            await asyncio.sleep(0.02)
        assert reply.result().startswith("421 4.4.2 ")


async def test_a_message_that_drips_for_too_long_is_cut() -> None:
    async with running(timeout=2, message_timeout=1) as run:
        client = await run.greeted()
        await client.begin_data()
        reply = asyncio.ensure_future(client.reply())
        while not reply.done():
            client.send(b"x\r\n")
            await asyncio.sleep(0.02)
        assert reply.result().startswith("421 4.4.2 ")
        assert run.mailbox.received == []


async def test_a_failing_delivery_is_answered_as_temporary() -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.message(b"x\r\n.\r\n", "fail@test.example")).startswith("451 4.3.0 ")
        assert (await client.message(b"x\r\n.\r\n")).startswith("250 ")


async def test_a_delivery_that_takes_too_long_is_given_up_and_answered_as_temporary() -> None:
    async with running(timeout=1) as run:
        client = await run.greeted()
        assert (await client.message(b"x\r\n.\r\n", "wait@test.example")).startswith("451 4.4.5 ")
        assert run.mailbox.received == []


async def test_the_handlers_reply_cannot_break_out_of_its_line() -> None:
    async with running() as run:
        run.mailbox.reply = Reply(550, "5.7.1", "no\r250 2.0.0 fake \x1b[2J\u202e ü <script>" + "x" * 600)
        client = await run.greeted()
        reply = await client.message(b"x\r\n.\r\n")
        assert reply.startswith("550 5.7.1 no?250 2.0.0 fake ?[2J? ? <script>xxx")
        assert len(reply) < 510
        assert (await client.say("NOOP")).startswith("250 ")


async def test_nothing_is_read_while_a_message_is_being_stored() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.begin_data("wait@test.example")
        client.send(b"x\r\n.\r\n")
        sent = 0
        while sent < 64 << 20:
            client.send(b"NOOP\r\n" * 20_000)
            sent += 120_000
            try:
                await asyncio.wait_for(client.writer.drain(), 0.2)
            except TimeoutError:
                break
        assert sent < 64 << 20
        run.mailbox.gate.set()
        assert (await client.reply()) == "250 2.0.0 Stored"
        assert (await client.reply()).startswith("250 2.0.0 Ok")
        client.writer.transport.abort()


async def test_a_client_that_does_not_read_its_replies_is_read_no_further() -> None:
    async with running() as run:
        client = await run.greeted()
        sent = 0
        while sent < 64 << 20:
            client.send(b"HELP\r\n" * 20_000)
            sent += 120_000
            try:
                await asyncio.wait_for(client.writer.drain(), 0.5)
            except TimeoutError:
                break
        assert sent < 64 << 20
        assert (await client.reply()).startswith("214 ")
        client.writer.transport.abort()


async def test_messages_that_together_need_too_much_memory_are_put_off() -> None:
    async with running(max_buffered=1_000_000) as run:
        client = await run.greeted()
        line = b"x" * 98 + b"\r\n"
        assert (await client.message(line * 30_000 + b".\r\n")).startswith("452 4.3.1 ")
        assert (await client.message(line * 100 + b".\r\n")).startswith("250 ")


async def test_a_stopping_server_finishes_what_is_being_sent_and_stored() -> None:
    async with running() as run:
        idle, sending, storing = [await run.greeted() for _ in range(3)]
        await sending.begin_data()
        await storing.begin_data("wait@test.example")
        storing.send(b"stored\r\n.\r\n")
        await asyncio.sleep(0.05)
        stopped = asyncio.ensure_future(run.server.stop(grace=5))
        assert (await idle.reply()).startswith("421 4.3.2 ")
        await idle.close()
        sending.send(b"sent\r\n.\r\n")
        assert (await sending.reply()).startswith("250 ")
        assert (await sending.reply()).startswith("421 4.3.2 ")
        await sending.close()
        assert not stopped.done()
        run.mailbox.gate.set()
        assert (await storing.reply()).startswith("250 ")
        assert (await storing.reply()).startswith("421 4.3.2 ")
        await storing.close()
        await stopped
        assert sorted(envelope.content for envelope in run.mailbox.received) == [b"sent\r\n", b"stored\r\n"]
        with pytest.raises(ConnectionRefusedError):
            await run.connect()


async def test_stopping_waits_for_a_delivery_whose_client_has_gone() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.begin_data("wait@test.example")
        client.send(b"kept\r\n.\r\n")
        await asyncio.sleep(0.05)
        client.reset()
        await until(lambda: run.server.connections == 0)
        stopped = asyncio.ensure_future(run.server.stop(grace=5))
        await asyncio.sleep(0.05)
        assert not stopped.done()
        run.mailbox.gate.set()
        await stopped
        assert len(run.mailbox.received) == 1


async def test_a_client_that_only_closes_its_own_direction_still_gets_its_reply() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.begin_data("wait@test.example")
        client.send(b"x\r\n.\r\n")
        client.writer.write_eof()
        await asyncio.sleep(0.05)
        run.mailbox.gate.set()
        assert (await client.reply()).startswith("250 ")
        assert await client.at_end()


async def test_a_connection_that_breaks_within_a_message_delivers_nothing() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.begin_data()
        client.send(b"half of it\r\n")
        await until(lambda: run.server.buffered > 0)
        client.reset()
        await until(lambda: run.server.connections == 0)
        assert run.server.buffered == 0
        assert run.mailbox.received == []
