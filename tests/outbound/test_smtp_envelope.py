"""What is refused without asking the server, and what MAIL says about a message."""

import pytest

from outbound.smtp.capabilities import Capabilities, parse_ehlo
from outbound.smtp.envelope import examine
from outbound.smtp.types import Reply
from tests.outbound.smtp_pump import letter

EVERYTHING = Capabilities(eight_bit_mime=True, smtputf8=True, size=1_000_000)
NOTHING = Capabilities()


def refusal(*, capabilities: Capabilities = EVERYTHING, **changes: object) -> Reply:
    verdict = examine(letter(1, **changes), capabilities)
    assert isinstance(verdict, Reply)
    return verdict


@pytest.mark.parametrize("byte", [b"\r", b"\n", b"\0", b" ", b"<", b">", b"\t", b"\x7f", b"\x1b"])
@pytest.mark.parametrize("which", ["sender", "recipient"])
def test_an_address_that_could_smuggle_a_command_is_refused(which: str, byte: bytes) -> None:
    reply = refusal(**{which: b"a" + byte + b"b@example.com"})
    assert reply.code == 501
    assert reply.stage == ("mail" if which == "sender" else "rcpt")


def test_an_address_that_could_smuggle_a_command_is_refused_with_smtputf8_too() -> None:
    assert refusal(recipient="ü@example.com>\r\nRCPT TO:<b@example.com".encode(), smtputf8=True).code == 501


def test_a_message_without_recipient_is_refused() -> None:
    assert refusal(recipient=b"").code == 501


def test_an_endless_address_is_refused() -> None:
    assert refusal(recipient=b"a" * 600 + b"@example.com").code == 501


def test_the_empty_sender_is_an_address() -> None:
    assert examine(letter(1, sender=b""), NOTHING) == b""


def test_a_usual_message_needs_no_parameters() -> None:
    assert examine(letter(1), EVERYTHING) == b""


def test_a_message_that_needs_smtputf8_is_refused_where_it_is_not_offered() -> None:
    for changes in ({"smtputf8": True}, {"recipient": "jürgen@example.com".encode()}):
        reply = refusal(capabilities=NOTHING, **changes)
        assert (reply.code, reply.enhanced, reply.stage) == (553, "5.6.7", "mail")
        assert "SMTPUTF8" in reply.text


def test_smtputf8_is_said_where_it_is_offered() -> None:
    assert examine(letter(1, recipient="jürgen@example.com".encode(), smtputf8=True), EVERYTHING) == b" SMTPUTF8"


def test_eight_bit_bodies_are_announced_or_refused() -> None:
    body = "Subject: x\r\n\r\nGrüße\r\n".encode()
    assert examine(letter(1, body=body), EVERYTHING) == b" BODY=8BITMIME"
    assert refusal(capabilities=NOTHING, body=body).enhanced == "5.6.3"


def test_only_big_messages_announce_their_size() -> None:
    big = b"x" * 200_000 + b"\r\n"
    assert examine(letter(1, body=big), EVERYTHING) == b" SIZE=200002"
    assert examine(letter(1, body=big), NOTHING) == b""


def test_a_message_beyond_the_servers_limit_is_refused() -> None:
    for limit, size in ((1_000_000, 1_000_001), (1_000, 1_001)):
        body = b"x" * (size - 2) + b"\r\n"
        capabilities = parse_ehlo([b"250-x", b"250 SIZE %d" % limit])
        reply = refusal(capabilities=capabilities, body=body)
        assert (reply.code, reply.enhanced) == (552, "5.3.4")
        assert str(limit) in reply.text


def test_a_message_whose_last_line_does_not_end_is_refused() -> None:
    assert refusal(body=b"Subject: x\r\n\r\nhello").code == 554


def test_the_offer_of_a_server_is_read() -> None:
    offer = parse_ehlo(
        [
            b"250-mx.example.com greets you",
            b"250-pipelining",
            b"250-SIZE 0",
            b"250-AUTH=PLAIN",
            b"250-AUTH LOGIN NTLM",
            b"250-CHUNKING",
            b"250-STARTTLS",
            b"250-8bitmime",
            b"250-X-\xff\xfe",
            b"250-",
            b"250 SMTPUTF8",
        ]
    )
    assert offer.pipelining
    assert offer.chunking
    assert offer.starttls
    assert offer.eight_bit_mime
    assert offer.smtputf8
    assert offer.size == 0
    assert offer.auth == {"PLAIN", "LOGIN", "NTLM"}


@pytest.mark.parametrize(
    ("line", "size"), [(b"250 SIZE", 0), (b"250 SIZE many", 0), (b"250 SIZE 7", 7), (b"250 OK", None)]
)
def test_a_size_that_makes_no_sense_is_no_limit(line: bytes, size: int | None) -> None:
    assert parse_ehlo([b"250-x", line]).size == size


def test_the_first_line_of_the_offer_is_a_name_and_no_extension() -> None:
    assert not parse_ehlo([b"250-PIPELINING", b"250 HELP"]).pipelining
