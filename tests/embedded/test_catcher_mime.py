"""Mail of every kind, and bytes that only look like mail, taken apart within bounds."""

import random
from email.message import EmailMessage

import pytest

from embedded.catcher import limits
from embedded.catcher.headers import decode_words, parse_parameters, split_header
from embedded.catcher.html_part import framed
from embedded.catcher.links import links_of
from embedded.catcher.mime import parse_mail


def multipart(boundary: str, *parts: str, end: str = "--") -> str:
    body = "".join(f"\r\n--{boundary}\r\n{part}" for part in parts)
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{body}\r\n--{boundary}{end}\r\n"


def test_the_parts_that_the_standard_library_writes_are_all_found() -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("Grüße", cte="quoted-printable")
    message.add_alternative("<p>Grüße</p>", subtype="html", cte="base64")
    message.add_attachment("a,b\n", subtype="csv", filename="ärger.csv")
    parsed = parse_mail(message.as_bytes())
    assert parsed.text is not None
    assert parsed.html is not None
    assert (parsed.text.strip(), parsed.html.strip()) == ("Grüße", "<p>Grüße</p>")
    assert [(part.kind, part.filename) for part in parsed.attachments] == [("text/csv", "ärger.csv")]
    assert not parsed.incomplete


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        ("=?utf-8?q?J=C3=BCrgen?= <j@x.example>", "Jürgen <j@x.example>"),
        ("=?UTF-8?B?SsO8?= \t =?iso-8859-1?Q?rgen_B?=", "Jürgen B"),
        ("=?utf-8*de?q?J=C3=BC?=", "Jü"),
        ("=?no-such-charset?q?J=C3=BC?=", "Jü"),
        ("=?punycode?q?abc?=", "abc"),
        ("=?utf-8?b?SsO8cmdlbg?=", "Jürgen"),
        ("=?utf-8?b?A?=", "=?utf-8?b?A?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("plain = ? text", "plain = ? text"),
    ],
)
def test_encoded_words_are_decoded_and_malformed_ones_left_as_they_are(encoded: str, decoded: str) -> None:
    assert decode_words(encoded) == decoded


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ('text/plain; charset="utf-8"', "charset", "utf-8"),
        ("a/b; filename*=utf-8''J%C3%BCrgen.pdf", "filename", "Jürgen.pdf"),
        ("a/b; filename*0*=utf-8''J%C3%BC; filename*1=rgen; filename*2=.pdf", "filename", "Jürgen.pdf"),
        ('a/b; filename="=?utf-8?q?J=C3=BC?="', "filename", "Jü"),
        ('a/b; name="a \\"quoted\\" name"', "name", 'a "quoted" name'),
        ("a/b; charset = us-ascii ; x", "charset", "us-ascii"),
    ],
)
def test_parameters_are_read_in_all_their_forms(value: str, name: str, text: str) -> None:
    assert parse_parameters(value)[1][name] == text


def test_folded_fields_are_joined_and_lines_that_are_no_fields_left_out() -> None:
    fields, body = split_header(b"Subject: a\r\n b\r\n\tc\r\nnot a field\r\nX-Y: 1\r\n\r\nbody")
    assert fields == (("Subject", "a b c"), ("X-Y", "1"))
    assert body == b"body"
    assert split_header(b"\r\nonly a body") == ((), b"only a body")
    assert split_header(b"A: 1\nB: 2\n\nbody\r\n\r\nx") == ((("A", "1"), ("B", "2")), b"body\r\n\r\nx")


def test_a_boundary_that_begins_another_boundary_is_not_mistaken_for_it() -> None:
    inner = multipart("ab-c", "Content-Type: text/plain\r\n\r\ninner text\r\n--ab-cd is no boundary")
    parsed = parse_mail(multipart("ab", inner, "Content-Type: text/html\r\n\r\n<p>", "").encode())
    assert parsed.text == "inner text\r\n--ab-cd is no boundary"
    assert parsed.html == "<p>"


def test_a_mail_without_its_last_boundary_shows_what_is_there() -> None:
    parsed = parse_mail(multipart("b", "\r\nfirst", "Content-Type: text/html\r\n\r\n<p>second", end="").encode())
    assert (parsed.text, parsed.html) == ("first", "<p>second")


def test_a_thousand_nested_parts_are_looked_into_only_so_far() -> None:
    message = "Content-Type: text/plain\r\n\r\ndeep"
    for n in range(1000):
        message = multipart(f"b{n}", message)
    parsed = parse_mail(message.encode())
    assert parsed.incomplete
    assert parsed.text is None


def test_a_hundred_thousand_parts_are_counted_only_so_far() -> None:
    parsed = parse_mail(multipart("b", *["\r\nx"] * 100_000).encode())
    assert parsed.incomplete
    assert len(parsed.attachments) < limits.PARTS


def test_endless_headers_fields_and_parameters_are_cut() -> None:
    for bomb in (
        "To: " + "a@b.example, " * 20_000,
        "Content-Type: text/plain" + "; a=b" * 20_000,
        "Subject: " + "=?utf-8?q?" * 20_000,
        "Subject: x" + "\r\n y" * 50_000,
        "X: 1\r\n" * 100_000,
        "To: " + "(" * 100_000,
        "Content-Type: multipart/mixed; boundary=" + "b" * 100_000,
    ):
        parsed = parse_mail(f"{bomb}\r\n\r\nbody".encode())
        assert len(parsed.fields) <= limits.HEADER_FIELDS
        assert all(len(value) <= limits.FIELD_CHARACTERS for _, value in parsed.fields)


def test_the_list_of_links_is_bounded_whatever_stands_in_the_text() -> None:
    for text in ("<a href=" * 100_000, 'href="' * 100_000, "https://" * 100_000, "<a " + " " * 500_000 + "href=x"):
        parsed = parse_mail(f"Content-Type: text/html\r\n\r\n{text}".encode())
        assert len(links_of(parsed)) <= limits.LINKS
        assert framed(parsed)


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "unicode_escape", "utf-7", "hex", "zlib", "x\0y", "utf-16", "ö"]
)
def test_no_charset_makes_a_text_unreadable_or_unwritable(charset: str) -> None:
    body = b"Gr\xc3\xbc\xc3\x9fe +2AA- \xff\\ud800"
    parsed = parse_mail(f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + body)
    assert parsed.text is not None
    parsed.text.encode()


def test_random_octets_never_fail() -> None:
    chance = random.Random(7)
    seeds = [
        multipart("b", "\r\nx", multipart("c", "Content-Transfer-Encoding: base64\r\n\r\nAAA=", "\r\ny")).encode(),
        b"Content-Type: text/html; charset=utf-8\r\nSubject: =?utf-8?b?SsO8?=\r\n\r\n<a href='x'>\xff",
        b"Content-Disposition: attachment; filename*0*=utf-8''%zz; filename*1=x\r\n\r\nx",
    ]
    for _ in range(1500):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 12)):
            position = chance.randrange(len(data))
            data[position : position + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        parsed = parse_mail(bytes(data))
        links_of(parsed)
        framed(parsed).encode("utf-8", "replace")
        for part in parsed.attachments:
            part.content()
