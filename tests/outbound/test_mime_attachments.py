"""What comes in as an attachment: its name, its type, its base64."""

import base64
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidInput
from outbound.mime.attachments import checked_attachment, decoded_base64
from outbound.mime.filenames import REFUSED_ENDINGS
from outbound.submission.faults import TooLarge
from outbound.submission.types import Attachment
from tests.outbound.mime_cast import PDF, PNG

ZIP = b"PK\x03\x04" + bytes(40)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(20)
RIFF = b"RIFF\x10\x00\x00\x00"
BYTES = b"\x00\x01\x02\x03" * 20
PAGE = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
PROGRAM = b"MZ\x90\x00\x03" + bytes(100)


def name_of(filename: str) -> str:
    return checked_attachment(Attachment(filename, b"x"), field="attachments[0]").filename


def type_of(declared: str, filename: str, content: bytes) -> str:
    return checked_attachment(Attachment(filename, content, declared), field="attachments[0]").content_type


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("/etc/passwd", "passwd"),
        ("../../x.pdf", "x.pdf"),
        ("C:\\Users\\ann\\x.pdf", "x.pdf"),
        ("a\r\nBcc: b.pdf", "a Bcc: b.pdf"),
        ("a\x00b\x1b[2J.pdf", "ab[2J.pdf"),
        ("fdp\u202egnp.pdf", "fdpgnp.pdf"),
        ("a\u2066\u200b\ufeff\u2028b.pdf", "a b.pdf"),
        ("lone\ud800.pdf", "lone.pdf"),
        ("  two   blanks .pdf . ", "two blanks .pdf"),
        (".htaccess", ".htaccess"),
        ("नि\u200dक.pdf", "नि\u200dक.pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("a." + "b" * 300, ("a." + "b" * 300)[:255]),
    ],
)
def test_a_name_is_made_harmless(given_name, name):
    assert name_of(given_name) == name


@pytest.mark.parametrize("empty", ["", " ", "/", "..", ". .", "\r\n", "a/", "\u202e", "\ud800"])
def test_a_name_of_nothing_is_refused(empty):
    with pytest.raises(InvalidInput) as refused:
        name_of(empty)
    assert refused.value.field == "attachments[0].filename"


@given(st.text(max_size=400))
def test_no_name_has_a_path_or_a_control_character(text):
    try:
        name = name_of(text)
    except InvalidInput:
        return
    assert 0 < len(name) <= 255
    assert not set(name) & set("/\\\r\n\0\u202e\u2028\x85")
    assert name.isascii() is False or name.isprintable()


@pytest.mark.parametrize("ending", sorted(REFUSED_ENDINGS))
def test_programs_are_refused_by_name(ending):
    for name in (f"x.{ending}", f"x.pdf.{ending.upper()}", f"x.{ending}. .", f"a/x.\u202e{ending}"):
        with pytest.raises(InvalidInput) as refused:
            type_of("application/pdf", name, PDF)
        assert refused.value.field == "attachments[0].filename"


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("", PROGRAM),
        ("application/pdf", PROGRAM),
        ("", b"MSCF\0\0\0\0" + bytes(9)),
        ("", b"L\0\0\0\x01\x14\x02\0" + bytes(9)),
        ("application/x-msdownload", PDF),
        ("text/javascript", b"alert(1)"),
        ("application/java-archive", ZIP),
    ],
)
def test_programs_are_refused_by_what_they_are(declared, content):
    with pytest.raises(InvalidInput) as refused:
        type_of(declared, "harmless.pdf", content)
    assert refused.value.field == "attachments[0].content"


@pytest.mark.parametrize(
    ("declared", "filename", "content", "told"),
    [
        # Nothing declared: told from bytes and name.
        ("", "a.pdf", PDF, "application/pdf"),
        ("", "a", PDF, "application/pdf"),
        ("", "a", PNG, "image/png"),
        ("", "photo", b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        ("", "a.gif", b"GIF89a" + bytes(9), "image/gif"),
        ("", "a.webp", RIFF + b"WEBPVP8 ", "image/webp"),
        ("", "a", RIFF + b"WAVEfmt ", "audio/wav"),
        ("", "a.zip", ZIP, "application/zip"),
        ("", "a.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("", "a.docx", OLE, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("", "a.xls", OLE, "application/vnd.ms-excel"),
        ("", "a.tgz", b"\x1f\x8b\x08" + bytes(9), "application/gzip"),
        ("", "a.mp4", MP4, "video/mp4"),
        ("", "a.txt", b"hello\n", "text/plain"),
        ("", "a", "grüß".encode("latin-1"), "text/plain"),
        ("", "a.csv", b"a;b\n1;2\n", "text/csv"),
        ("", "a.ics", b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        ("", "a.json", b"{}", "application/json"),
        ("", "a.html", PAGE, "text/html"),
        ("", "a.svg", SVG, "image/svg+xml"),
        ("", "a.xml", b"<?xml version='1.0'?><a/>", "application/xml"),
        ("", "a.eml", b"From: a@b.example\r\n\r\n", "text/plain"),
        ("", "a.unknown", BYTES, "application/octet-stream"),
        ("", "empty.pdf", b"", "application/pdf"),
        # Declared and not contradicted: stays.
        ("image/jpg", "a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("APPLICATION/PDF", "x", PDF, "application/pdf"),
        ("text/plain", "a.html", PAGE, "text/plain"),
        ("application/vnd.acme.order", "a.order", BYTES, "application/vnd.acme.order"),
        ("application/pkcs7-signature", "a.p7s", BYTES, "application/pkcs7-signature"),
        ("text/html", "a.html", b"<p>part of a page</p>", "text/html"),
        ("application/octet-stream", "a.pdf", PDF, "application/pdf"),
        # Contradicted: corrected, never to what runs.
        ("image/png", "a.png", PDF, "application/pdf"),
        ("application/pdf", "a.pdf", PNG, "image/png"),
        ("image/png", "a.png", PAGE, "application/octet-stream"),
        ("image/png", "a.html", PAGE, "application/octet-stream"),
        ("application/octet-stream", "a.html", PAGE, "application/octet-stream"),
        ("", "a.png", SVG, "application/octet-stream"),
        ("", "a.pdf", PAGE, "application/octet-stream"),
        ("image/png", "a.png", b"just text", "text/plain"),
        ("text/plain", "a.txt", BYTES, "application/octet-stream"),
        ("text/html", "a.html", PNG, "image/png"),
        ("image/svg+xml", "a.svg", PNG, "image/png"),
        ("image/jpeg", "a.jpg", BYTES, "application/octet-stream"),
        ("application/msword", "a.doc", ZIP, "application/zip"),
        # What would be a mail within the mail.
        ("message/rfc822", "a.eml", b"From: a@b.example\r\n\r\n", "application/octet-stream"),
        ("multipart/mixed", "a", b"--x\r\n", "text/plain"),
    ],
)
def test_the_type_is_true(declared, filename, content, told):
    assert type_of(declared, filename, content) == told


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain; charset=utf-8",
        "text/plain\r\nX: y",
        "text",
        "/",
        "a/b/c",
        " text/plain",
        "a/" + "b" * 200,
        "tëxt/plain",
    ],
)
def test_a_type_that_is_none_is_refused(declared):
    with pytest.raises(InvalidInput) as refused:
        type_of(declared, "a.txt", b"x")
    assert refused.value.field == "attachments[0].content_type"


@pytest.mark.parametrize(
    ("content_id", "bare"),
    [("logo", "logo"), ("<logo@acme.example>", "logo@acme.example"), ("cid:logo", "logo"), ("", "")],
)
def test_a_content_id_stands_bare(content_id, bare):
    made = checked_attachment(Attachment("a.png", PNG, "", content_id), field="attachments[0]")
    assert made.content_id == bare


@pytest.mark.parametrize("content_id", ["a b", "a>\r\nX: y", "ü", "x" * 201])
def test_an_odd_content_id_is_refused(content_id):
    with pytest.raises(InvalidInput) as refused:
        checked_attachment(Attachment("a.png", PNG, "", content_id), field="attachments[3]")
    assert refused.value.field == "attachments[3].content_id"


@given(st.binary(max_size=300))
def test_base64_is_read(content):
    text = base64.b64encode(content).decode()
    wrapped = base64.encodebytes(content).decode()
    for spelling in (
        text,
        text.rstrip("="),
        wrapped,
        wrapped.replace("\n", "\r\n\t "),
        f"data:image/png;base64,{text}",
        f" DATA:;BASE64,{wrapped}",
    ):
        assert decoded_base64(spelling, field="content", at_most=300) == content


@pytest.mark.parametrize(
    "text",
    [
        "!",
        "A",
        "AAAAA",
        "QQ==QQ==",
        "=QQ=",
        "QQ===",
        "QUJD=",
        "QQ==x",
        "ä",
        "\ud800",
        "QU-_",
        "data:image/png,abc",
        "data:text/plain;base64",
        "data:" + "x" * 5_000,
        "QQ\0=",
        "QQ\u2028==",
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        decoded_base64(text, field="attachments[0].content", at_most=1_000)
    assert refused.value.field == "attachments[0].content"
    assert refused.value.code == "invalid_input"


@pytest.mark.parametrize("size", [9, 10, 11, 12, 13, 14, 15, 16])
def test_size_is_what_it_will_be(size):
    text = base64.b64encode(b"x" * size).decode()
    if size <= 12:
        assert len(decoded_base64(text, field="content", at_most=12)) == size
        return
    with pytest.raises(TooLarge):
        decoded_base64(text, field="content", at_most=12)


def test_too_much_is_refused_before_it_is_decoded():
    text = "A" * 20_000_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decoded_base64(text, field="content", at_most=10_000_000)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
