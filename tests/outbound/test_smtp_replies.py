"""Reading what servers say."""

import pytest

from outbound.smtp.replies import ProtocolViolation, RawReply, ReplyReader, make_reply, reply_text, single_reply

STREAM = (
    b"250-first\r\n250-second\r\n250 last\r\n354 go\r\n250\r\n550-5.1.1 a bare\n550 5.1.1 line feed\n421 4.3.2 bye\r\n"
)
REPLIES = [
    (250, [b"250-first", b"250-second", b"250 last"]),
    (354, [b"354 go"]),
    (250, [b"250"]),
    (550, [b"550-5.1.1 a bare", b"550 5.1.1 line feed"]),
    (421, [b"421 4.3.2 bye"]),
]


def read(*packets: bytes) -> list[RawReply]:
    reader = ReplyReader()
    return [reply for packet in packets for reply in reader.feed(packet)]


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_replies_are_the_same_wherever_the_packets_are_cut(cut: int) -> None:
    assert read(STREAM[:cut], STREAM[cut:]) == REPLIES


def test_replies_are_read_byte_by_byte() -> None:
    assert read(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == REPLIES


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"25\r\n",
        b"150 early\r\n",
        b"999 late\r\n",
        b"250x no\r\n",
        b"250-one\r\n251 two\r\n",
        b"250 " + b"x" * 5000 + b"\r\n",
        b"250 " + b"x" * 5000,
        b"250-x\r\n" * 101,
        b"\x16\x03\x01\x02\x00\x01\n",
    ],
)
def test_what_is_not_smtp_is_a_violation(nonsense: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        read(nonsense)


def test_replies_before_the_nonsense_count() -> None:
    reader = ReplyReader()
    replies = reader.feed(b"250 fine\r\n<html>\r\n")
    assert next(replies) == (250, [b"250 fine"])
    with pytest.raises(ProtocolViolation):
        next(replies)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"250 ok\r\n", 250),
        (b"354 \r\n", 354),
        (b"550 5.1.1 no\n", 550),
        (b"250-ok\r\n", 0),
        (b"250 ok", 0),
        (b"250 ok\r\n250 ok\r\n", 0),
        (b"150 no\r\n", 0),
        (b"999 no\r\n", 0),
        (b"2x0 no\r\n", 0),
        (b"", 0),
        (b"250 " + b"x" * 5000 + b"\r\n", 0),
    ],
)
def test_the_short_cut_takes_nothing_but_one_reply_of_one_line(data: bytes, code: int) -> None:
    assert single_reply(data) == code


def test_a_reply_of_many_lines_is_joined_and_its_enhanced_code_said_once() -> None:
    reply = make_reply(550, [b"550-5.1.1 No such user;", b"550-5.1.1 ask", b"550 5.1.1 the postmaster"], "rcpt")
    assert (reply.code, reply.enhanced, reply.stage) == (550, "5.1.1", "rcpt")
    assert reply.text == "No such user; ask the postmaster"


def test_an_enhanced_code_that_contradicts_the_code_is_only_text() -> None:
    reply = make_reply(550, [b"550 4.2.2 Full"], "rcpt")
    assert (reply.enhanced, reply.text) == ("", "4.2.2 Full")


def test_a_number_that_is_no_enhanced_code_is_text() -> None:
    assert make_reply(550, [b"550 5.7.1.9 Blocked"], "body").enhanced == ""
    assert make_reply(550, [b"550 5.7.1"], "body").enhanced == "5.7.1"


def test_reply_texts_cannot_play_tricks_on_a_screen() -> None:
    hostile = b"550 5.7.1 a\x1b[2Jb\x00c\rd\xc2\x85e\xe2\x80\xaef\xe2\x80\xa8g \xff"
    text = make_reply(550, [hostile], "body").text
    assert text == "a [2Jb c d e f g �"
    assert text.isprintable()


def test_reply_texts_are_at_most_500_letters_long() -> None:
    assert len(make_reply(550, [b"550 " + b"x" * 4000] * 3, "body").text) == 500
    assert len(reply_text(b"250 " + b"x" * 4000)) == 500


def test_the_queue_id_can_be_read_from_an_accepted_line() -> None:
    assert reply_text(b"250 2.0.0 Ok: queued as 4XyZ\x07") == "2.0.0 Ok: queued as 4XyZ"
