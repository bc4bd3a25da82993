import email
import email.policy
from email.header import decode_header, make_header

import pytest

from common.errors import InvalidInput
from common.headers import (
    check_header_name,
    check_header_value,
    encode_header,
    encode_mailbox,
    encode_phrase,
    header_text,
    wire_address,
)

LINE_ENDS = ["\r", "\n", "\r\n", "\0", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("name", ["X-Campaign", "List-Id", "Precedence", "Auto-Submitted", "X!", "x" * 76])
def test_a_plain_name_passes(name):
    assert check_header_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "X-Evil\r\nBcc", "X Evil", "X:Evil", "X-Evil:", "Ünicode", "x" * 77, "X\0", "X\t", "Subject\n", "\x7f"]
)
def test_a_name_that_could_be_more_than_a_name_is_refused(name):
    with pytest.raises(InvalidInput, match="is not a header name"):
        check_header_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "From", "TO", "cc", "Bcc", "Sender", "Date", "Message-ID", "message-id", "DKIM-Signature", "Received",
        "Return-Path", "ARC-Seal", "arc-anything", "Authentication-Results", "List-Unsubscribe",
        "List-Unsubscribe-Post", "Content-Type", "MIME-Version",
    ],
)  # fmt: skip
def test_a_field_that_the_system_writes_cannot_be_set(name):
    with pytest.raises(InvalidInput, match="written by the system"):
        check_header_name(name)


@pytest.mark.parametrize("end", LINE_ENDS)
def test_nothing_that_any_parser_takes_for_a_line_end_passes_in_a_value(end):
    with pytest.raises(InvalidInput, match="line breaks"):
        check_header_value(f"a{end}Bcc: evil@example.com")


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?q?Hi=0D=0ABcc:_evil@x.test?=",
        "=?utf-8?Q?Hi=0aBcc?=",
        "=?utf-8?b?SGkNCkJjYzogZXZpbA==?=",
        "=?utf-8?B?SGkNCkJjYzogZXZpbA?=",
        "fine =?utf-7?q?Hi+AA0ACg-Bcc?= fine",
        "=?utf-16-le?b?DQAKAA==?=",
        "=?utf-8*en?q?=0D?=",
        "=?unknown?q?=0A?=",
        "=?utf-8?q?=E2=80=A8?=",
        "=?unicode_escape?q?=5Cr=5Cn?=",
    ],
)
def test_a_line_end_inside_an_encoded_word_is_refused(value):
    with pytest.raises(InvalidInput, match="encoded word"):
        check_header_value(value)


@pytest.mark.parametrize("value", ["", "plain", "=?utf-8?q?caf=C3=A9?=", "a\tb", "Zoë", "=?", "a =?b?c?= d"])
def test_other_values_pass(value):
    assert check_header_value(value) == value


def test_a_very_long_value_is_refused():
    with pytest.raises(InvalidInput, match="at most"):
        check_header_value("x" * 20_000)


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Größe zählt",
        "日本語の件名は長くなることがあります。" * 10,
        "emoji 😀 and more " * 12,
        "x" * 3000,
        "word " * 100,
        "=?utf-8?q?literal?=",
        "ends with ü",
        'quotes " and \\',
        "é" * 200,
    ],
)
def test_what_is_encoded_is_read_back_by_others(text):
    raw = encode_header("Subject", text)
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")[:-1]
    assert all(len(line) <= 998 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])
    for line in lines:
        assert len(line) <= 76 or b"=?" not in line
    message = email.message_from_bytes(raw + b"\r\n")
    assert str(make_header(decode_header(message["Subject"].replace("\r\n", "")))) == text.strip()


def test_plain_words_are_folded_at_78():
    lines = encode_header("X-Long", "word " * 60).split(b"\r\n")
    assert len(lines) > 3
    assert all(len(line) <= 78 for line in lines)


def test_text_for_a_header_has_no_control_characters_and_single_blanks():
    assert header_text(" a\r\nBcc: b\x00\x85 c\u2028\td ") == "a Bcc: b c d"
    assert header_text("\ud800") == "\ufffd"
    assert encode_header("Subject", "a\r\nBcc: evil@example.com") == b"Subject: a Bcc: evil@example.com\r\n"


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("Ann", "Ann"), ("Ann B. Cee", '"Ann B. Cee"'), ('A "B" C', '"A \\"B\\" C"'), ("", ""), ("a, b", '"a, b"')],
)
def test_a_display_name_is_quoted_where_it_must_be(name, phrase):
    assert encode_phrase(name) == phrase


@pytest.mark.parametrize("name", ["Zoë Ünal", "Ann", "Doe, Ann", "=?utf-8?q?x?=", "Ann\r\nBcc: evil@x.test"])
def test_a_mailbox_is_one_address_with_its_name(name):
    raw = encode_mailbox("From", name, "ann@example.com")
    message = email.message_from_bytes(raw + b"\r\n", policy=email.policy.SMTP)
    assert list(message.keys()) == ["From"]
    (address,) = message["From"].addresses
    assert address.addr_spec == "ann@example.com"
    assert address.display_name == header_text(name)


def test_a_long_name_is_folded_and_read_back():
    raw = encode_mailbox("From", "名前" * 40, "ann@example.com")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    name, _, address = raw.decode().removeprefix("From: ").rpartition(" ")
    assert str(make_header(decode_header(name))) == "名前" * 40
    assert address == "<ann@example.com>\r\n"


def test_an_address_goes_out_with_an_ascii_domain_and_its_own_local_part():
    assert wire_address("Ann.B+tag@Example.COM") == b"Ann.B+tag@Example.COM"
    assert wire_address("ann@bücher.example") == b"ann@xn--bcher-kva.example"
    assert wire_address("пётр@example.com") == "пётр@example.com".encode()


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: x@y.example",
        "a@b.example>",
        "<a@b.example",
        "a b@c.example",
        "a@b@c.example",
        "",
        "a",
        "a@\ud800.x",
    ],
)
def test_what_could_leave_its_field_is_no_address(address):
    with pytest.raises(InvalidInput):
        wire_address(address)
