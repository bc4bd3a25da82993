"""Real clients on real sockets talk to the receiving server: messages and commands."""

import asyncio
import smtplib

import pytest

from common.smtpd import MailOptions
from tests.common.smtp_dialogue import running


async def test_ehlo_names_the_server_and_its_extensions() -> None:
    async with running() as run:
        client = await run.connect()
        assert await client.reply() == "220 mx.test ESMTP"
        lines = (await client.say("EHLO client.test")).splitlines()
        assert lines[0] == "250-mx.test"
        assert {line[4:] for line in lines[1:]} == {
            "PIPELINING",
            "SIZE 26214400",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "SMTPUTF8",
        }
        assert await client.say("HELO client.test") == "250 mx.test"


async def test_a_message_is_delivered_as_it_was_sent_with_doubled_dots_undone() -> None:
    async with running() as run:
        client = await run.greeted()
        reply = await client.message(b"Subject: x\r\n\r\n..one\r\n...two\r\n.three\r\nend.\r\n.\r\n")
        assert reply == "250 2.0.0 Stored"
        (envelope,) = run.mailbox.received
        assert envelope.content == b"Subject: x\r\n\r\n.one\r\n..two\r\nthree\r\nend.\r\n"
        assert (envelope.sender, envelope.recipients) == ("ann@test.example", ("bob@test.example",))
        assert (envelope.helo, envelope.peer) == ("client.test", "127.0.0.1")


async def test_an_empty_message_ends_with_its_first_line() -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.message(b".\r\n")).startswith("250 ")
        assert run.mailbox.received[0].content == b""


async def test_a_message_that_arrives_octet_by_octet_is_the_same() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.begin_data()
        for octet in b"a\r\n..b\r\n\r\n.\r\nQUIT\r\n":
            client.send(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.reply() == "250 2.0.0 Stored"
        assert (await client.reply()).startswith("221 2.0.0")
        assert run.mailbox.received[0].content == b"a\r\n.b\r\n\r\n"


async def test_several_messages_go_through_one_connection() -> None:
    async with running() as run:
        client = await run.greeted()
        for n in range(3):
            assert (await client.message(b"%d\r\n.\r\n" % n)).startswith("250 ")
        assert [envelope.content for envelope in run.mailbox.received] == [b"0\r\n", b"1\r\n", b"2\r\n"]


async def test_smtplib_can_send_to_it() -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.sendmail("ann@test.example", ["bob@test.example", "cleo@test.example"], "Subject: hi\n\n.dot\n")

    async with running() as run:
        await asyncio.to_thread(send, run.port)
        (envelope,) = run.mailbox.received
        assert envelope.recipients == ("bob@test.example", "cleo@test.example")
        assert envelope.content == b"Subject: hi\r\n\r\n.dot\r\n"


MALFORMED_ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\n",
    b"\n.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\r\n",
]
SMUGGLED = b"MAIL FROM:<smuggled@evil.example>\r\nRCPT TO:<bob@test.example>\r\nDATA\r\nsmuggled\r\n"


@pytest.mark.parametrize("end", MALFORMED_ENDS, ids=repr)
async def test_a_malformed_end_of_data_ends_nothing_and_the_message_is_refused(end: bytes) -> None:
    async with running() as run:
        client = await run.greeted()
        reply = await client.message(b"Subject: x\r\n\r\nbody" + end + SMUGGLED + b".\r\n")
        assert reply.startswith("554 5.6.0 ")
        assert (await client.say("NOOP")).startswith("250 ")
        assert run.mailbox.received == []


async def test_a_dot_and_a_space_do_not_end_a_message() -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.message(b"body\r\n. \r\n" + SMUGGLED + b".\r\n")).startswith("250 ")
        (envelope,) = run.mailbox.received
        assert envelope.content == b"body\r\n \r\n" + SMUGGLED
        assert (await client.say("NOOP")).startswith("250 ")


@pytest.mark.parametrize("fault", [b"bare\rcr", b"bare\nlf", b"nul\0", b"end\r\r\n"], ids=repr)
async def test_bare_line_ends_and_nul_are_refused_wherever_they_stand(fault: bytes) -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.message(b"Subject: x\r\n\r\n" + fault + b"\r\n.\r\n")).startswith("554 5.6.0 ")
        assert (await client.message(b"good\r\n.\r\n")).startswith("250 ")
        assert len(run.mailbox.received) == 1


@pytest.mark.parametrize("command", [b"EHLO a\nQUIT\r\n", b"EHLO a\rQUIT\r\n", b"NOOP\n"], ids=repr)
async def test_a_bare_line_end_in_a_command_is_refused_and_ends_the_connection(command: bytes) -> None:
    async with running() as run:
        client = await run.greeted()
        client.send(command)
        assert (await client.reply()).startswith("500 5.5.2 ")
        assert await client.at_end()


@pytest.mark.parametrize("command", [b"NOOP \0\r\n", b"NOOP \x1b[2J\r\n", b"NOOP \xff\r\n", b"NOOP\t\r\n"], ids=repr)
async def test_control_characters_and_broken_utf8_in_a_command_are_refused(command: bytes) -> None:
    async with running() as run:
        client = await run.greeted()
        client.send(command)
        assert (await client.reply()).startswith("500 5.5.2 ")
        assert (await client.say("NOOP")).startswith("250 ")


async def test_text_that_does_not_wait_for_the_reply_to_data_is_never_read_as_commands() -> None:
    async with running() as run:
        for before in (b"MAIL FROM:<a@b.example>\r\nRCPT TO:<no@b.example>\r\n", b""):
            client = await run.greeted()
            client.send(before + b"DATA\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@b.example>\r\n")
            replies = [await client.reply() for _ in range(before.count(b"\r\n") + 1)]
            assert replies[-1].startswith("554 5.5.0 ")
            assert await client.at_end()
        assert run.mailbox.received == []


async def test_a_pipelined_group_is_answered_in_order_even_when_answers_take_time() -> None:
    async with running() as run:
        client = await run.greeted()
        client.send(
            b"MAIL FROM:<ann@test.example>\r\nRCPT TO:<slow@test.example>\r\nRCPT TO:<no@test.example>\r\n"
            b"RCPT TO:<slow-no@test.example>\r\nRCPT TO:<bob@test.example>\r\nDATA\r\n"
        )
        codes = [(await client.reply())[:9] for _ in range(6)]
        assert codes == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "550 5.1.1", "250 2.1.5", "354 End t"]
        client.send(b"x\r\n.\r\nRSET\r\nQUIT\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "221"]
        assert run.mailbox.received[0].recipients == ("slow@test.example", "bob@test.example")


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        (["MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO"], "501 5.5.4"),
        (["HELO two words"], "501 5.5.4"),
        (["EHLO x", "RCPT TO:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "DATA"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "DATA"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<no@b.example>", "DATA"], "554 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "EHLO x", "RCPT TO:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RSET", "RCPT TO:<a@b.example>"], "503 5.5.1"),
        (["EHLO x", "MAIL a@b.example"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:a@b.example"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a b@b.example>"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a..b@b.example>"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a@-b.example>"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a@b.example>SIZE=1"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a@[999.0.0.1]>"], "501 5.1.7"),
        (["EHLO x", f"MAIL FROM:<{'a' * 250}@b.example>"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<postmaster>"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<no@b.example>"], "550 5.7.1"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=26214401"], "552 5.3.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=x"], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> SIZE=1 SIZE=2"], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> BODY=BINARYMIME"], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> RET=FULL"], "555 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example> ="], "501 5.5.4"),
        (["EHLO x", "MAIL FROM:<jürgen@b.example>"], "553 5.6.7"),
        (["EHLO x", "MAIL FROM:<a\u202eb@b.example> SMTPUTF8"], "501 5.1.7"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<>"], "501 5.1.3"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<jürgen@b.example>"], "553 5.6.7"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<c@b.example> NOTIFY=NEVER"], "555 5.5.4"),
        (["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<broken@b.example>"], "451 4.3.0"),
        (["EHLO x", "DATA now"], "501 5.5.4"),
        (["RSET now"], "501 5.5.4"),
        (["VRFY ann"], "252 2.0.0"),
        (["HELP"], "214 2.0.0"),
        (["NOOP whatever"], "250 2.0.0"),
        (["STARTTLS"], "502 5.5.1"),
        (["BDAT 1 LAST"], "502 5.5.1"),
        (["GET / HTTP/1.1"], "500 5.5.1"),
        ([""], "500 5.5.1"),
    ],
    ids=lambda value: value[-1][:60] if isinstance(value, list) else value,
)
async def test_a_command_that_cannot_be_carried_out_is_answered_with_the_right_code(
    commands: list[str], reply: str
) -> None:
    async with running() as run:
        client = await run.connect()
        await client.reply()
        for command in commands[:-1]:
            await client.say(command)
        assert (await client.say(commands[-1])).startswith(reply)
        assert (await client.say("QUIT")).startswith("221 2.0.0")
        assert await client.at_end()


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("<>", ""),
        (" <a@b.example>", "a@b.example"),
        ("<@relay.example,@other.example:a@b.example>", "a@b.example"),
        ('<"a b\\""@b.example>', '"a b\\""@b.example'),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("<a+b=c@b.example> SIZE=10 body=8bitmime", "a+b=c@b.example"),
        ("<jürgen@bücher.example> SMTPUTF8", "jürgen@bücher.example"),
    ],
    ids=repr,
)
async def test_every_form_of_an_address_arrives(path: str, address: str) -> None:
    async with running() as run:
        client = await run.greeted()
        assert (await client.say(f"mail from:{path}")).startswith("250 2.1.0")
        assert (await client.say("rcpt to:<Postmaster>")).startswith("250 2.1.5")
        assert (await client.say("data")).startswith("354 ")
        assert (await client.say("x\r\n.")).startswith("250 ")
        assert (run.mailbox.received[0].sender, run.mailbox.received[0].recipients) == (address, ("postmaster",))


async def test_the_announced_kind_of_content_is_passed_on() -> None:
    async with running() as run:
        client = await run.greeted()
        await client.say("MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME SMTPUTF8")
        await client.say("RCPT TO:<jürgen@b.example>")
        await client.say("DATA")
        assert (await client.say("ü\r\n.")).startswith("250 ")
        assert run.mailbox.received[0].options == MailOptions(size=100, eight_bit=True, smtputf8=True)
