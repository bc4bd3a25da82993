"""A5: nothing that is wrong is taken, nothing of it breaks anything, and each fault has its code and field."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from api.aegis.views import SendView
from tenants.models import Tenant, Usage
from tests.api.clients.cast import Program, count, make_ready, program

HELLO: dict[str, Any] = {"to": "user@example.com", "subject": "Welcome!", "body": "Thank you."}
PERSON = {"email": "a@b.example"}
SMUGGLED = "a\r\nBcc: victim@example.com"


def _file(content: bytes, name: str = "a.txt") -> dict[str, Any]:
    return _encoded(base64.b64encode(content).decode(), name)


def _encoded(content: str, name: str = "a.txt") -> dict[str, Any]:
    return HELLO | {"attachments": [{"name": name, "content": content}]}


def _bomb() -> bytes:
    """10 MB of zeros in 10 KB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000_000)
    return packed.getvalue()


@pytest.fixture
def shop(acme: Tenant) -> Program:
    make_ready()
    return program(acme, "/send")


BAD: list[tuple[str, Any, int, str, str | None]] = [
    ("no JSON", b"{to: 1}", 400, "INVALID_JSON", None),
    ("half an object", b'{"to": "a@b.ex', 400, "INVALID_JSON", None),
    ("NaN", b'{"to": NaN}', 400, "INVALID_JSON", None),
    ("bytes that are no UTF-8", b'{"to": "\xff\xfe"}', 400, "INVALID_JSON", None),
    ("UTF-16", json.dumps(HELLO).encode("utf-16"), 400, "INVALID_JSON", None),
    ("100,000 brackets", b"[" * 100_000, 400, "INVALID_JSON", None),
    ("a number of 100,000 digits", b'{"priority": ' + b"9" * 100_000 + b"}", 400, "INVALID_JSON", None),
    ("a list", [HELLO], 400, "VALIDATION_FAILED", None),
    ("a text", "hello", 400, "VALIDATION_FAILED", None),
    ("null", b"null", 400, "VALIDATION_FAILED", None),
    ("nothing", b"", 400, "MISSING_FIELD", "to"),
    ("objects in each other", HELLO | {"to": json.loads('{"a":' * 400 + "1" + "}" * 400)}, 400, "VALIDATION_FAILED", "to"),
    ("an address without @", HELLO | {"to": "user"}, 400, "INVALID_EMAIL", "to"),
    ("two addresses", HELLO | {"to": "a@b.example, c@d.example"}, 400, "INVALID_EMAIL", "to"),
    ("a name before the address", HELLO | {"to": "Ann <ann@example.com>"}, 400, "INVALID_EMAIL", "to"),
    ("an address of 1 MB", HELLO | {"to": "a" * 1_000_000 + "@example.com"}, 400, "INVALID_EMAIL", "to"),
    ("a line break in to", HELLO | {"to": "user@example.com\r\nBcc: x@example.com"}, 400, "INVALID_EMAIL", "to"),
    ("a line end behind to", HELLO | {"to": "user@example.com\n"}, 400, "INVALID_EMAIL", "to"),
    ("NUL in to", HELLO | {"to": "us\0er@example.com"}, 400, "INVALID_EMAIL", "to"),
    ("half a character in to", HELLO | {"to": "us\ud800er@example.com"}, 400, "INVALID_EMAIL", "to"),
    ("a line break in toName", HELLO | {"toName": SMUGGLED}, 400, "VALIDATION_FAILED", "toName"),
    ("a line break in cc", HELLO | {"cc": [{"email": SMUGGLED}]}, 400, "INVALID_EMAIL", "cc[0].email"),
    ("a line break in a name", HELLO | {"cc": [PERSON | {"name": SMUGGLED}]}, 400, "VALIDATION_FAILED", "cc[0].name"),
    ("a wrong address in bcc", HELLO | {"bcc": [PERSON, {"email": "x"}]}, 400, "INVALID_EMAIL", "bcc[1].email"),
    ("100,000 in cc", HELLO | {"cc": [PERSON] * 100_000}, 400, "TOO_MANY_RECIPIENTS", "cc"),
    ("101 in all", HELLO | {"cc": [PERSON] * 60, "bcc": [PERSON] * 40}, 400, "TOO_MANY_RECIPIENTS", "to"),
    ("a line break in replyTo", HELLO | {"replyTo": SMUGGLED}, 400, "INVALID_EMAIL", "replyTo"),
    ("no address in replyTo", HELLO | {"replyTo": "Ann <ann>"}, 400, "INVALID_EMAIL", "replyTo"),
    ("a line break in the subject", HELLO | {"subject": SMUGGLED}, 400, "VALIDATION_FAILED", "subject"),
    ("a hidden line break", HELLO | {"subject": "=?utf-8?q?Hi=0D=0ABcc:_e@x.test?="}, 400, "VALIDATION_FAILED", "subject"),
    ("NUL in the subject", HELLO | {"subject": "a\0b"}, 400, "VALIDATION_FAILED", "subject"),
    ("U+2028 in the subject", HELLO | {"subject": "a\u2028b"}, 400, "VALIDATION_FAILED", "subject"),
    ("half a character in the subject", HELLO | {"subject": "a\ud83d"}, 400, "VALIDATION_FAILED", "subject"),
    ("a subject of 1,000 letters", HELLO | {"subject": "a" * 1_000}, 400, "VALIDATION_FAILED", "subject"),
    ("NUL in the body", HELLO | {"body": "a\0b"}, 400, "VALIDATION_FAILED", "body"),
    ("half a character in HTML", HELLO | {"body": "<p>\udc00</p>", "isHtml": True}, 400, "VALIDATION_FAILED", "body"),
    ("priority 0", HELLO | {"priority": 0}, 400, "VALIDATION_FAILED", "priority"),
    ("priority 6", HELLO | {"priority": 6}, 400, "VALIDATION_FAILED", "priority"),
    ("priority 10^30", HELLO | {"priority": 10**30}, 400, "VALIDATION_FAILED", "priority"),
    ("a name with a colon", HELLO | {"headers": {"X-A: b": "c"}}, 400, "VALIDATION_FAILED", "headers.X-A: b"),
    ("no name", HELLO | {"headers": {"": "c"}}, 400, "VALIDATION_FAILED", "headers."),
    (
        "a name that smuggles",
        HELLO | {"headers": {"X-Evil\r\nBcc": "e@x.test"}},
        400,
        "VALIDATION_FAILED",
        "headers.X-Evil\r\nBcc",
    ),
    ("a value that smuggles", HELLO | {"headers": {"X-A": SMUGGLED}}, 400, "VALIDATION_FAILED", "headers.X-A"),
    *(
        (f"the header {name}", HELLO | {"headers": {name: "a@b.example"}}, 400, "VALIDATION_FAILED", f"headers.{name}")
        for name in ("From", "to", "Cc", "BCC", "Sender", "Date", "Message-ID", "DKIM-Signature", "Received", "Return-Path",
                     "ARC-Seal", "Authentication-Results", "List-Unsubscribe", "Content-Type", "MIME-Version", "Subject")
    ),
    ("a name of 1 MB", HELLO | {"headers": {"X" * 1_000_000: "a"}}, 400, "VALIDATION_FAILED", "headers." + "X" * 80),
    ("a value of 1 MB", HELLO | {"headers": {"X-A": "a" * 1_000_000}}, 400, "VALIDATION_FAILED", "headers.X-A"),
    ("no base64", _encoded("JVBERi0xLjQKJc..."), 400, "VALIDATION_FAILED", "attachments[0].content"),
    ("base64 in other letters", _encoded("ＪＶＢＥ"), 400, "VALIDATION_FAILED", "attachments[0].content"),
    ("a program", _file(b"MZ\x90\0" + b"\0" * 200, "setup.exe"), 400, "VALIDATION_FAILED", "attachments[0].name"),
    ("101 attachments", HELLO | {"attachments": [{"name": "a", "content": "YQ=="}] * 101}, 400, "VALIDATION_FAILED", "attachments"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code", "field"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a05_it_refuses(shop: Program, body: Any, status: int, code: str, field: str | None) -> None:
    answer = shop.send(body)
    told = answer.json()
    assert (answer.status_code, told["code"], told.get("field")) == (status, code, field)
    assert told["message"]
    assert count("outbound_submission") == count("outbound_queue") == count("outbound_message") == 0
    assert not Usage.objects.filter(tenant=shop.tenant, used__gt=0).exists()


def test_a05_what_is_not_said_to_be_json_is_refused(shop: Program) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"):
        answer = shop.send(b"to=user@example.com", content_type=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_JSON"), kind


def test_a05_a_body_over_the_limit_is_413_before_it_is_read(shop: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SendView, "largest_body", 1_000)
    raw = json.dumps(HELLO).encode()
    assert shop.send(raw + b" " * (1_000 - len(raw))).status_code == 202
    over = shop.send(b"{" * 1_001)
    assert (over.status_code, over.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert count("outbound_submission") == 1


def test_a05_a_message_over_the_limit_is_413(shop: Program) -> None:
    answer = shop.send(_file(b"a" * (26_214_400 * 3 // 4 + 3)))
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.json()["field"].startswith("attachments")
    assert count("outbound_submission") == 0


def test_an_archive_is_carried_as_it_is_and_never_opened(shop: Program) -> None:
    assert shop.send(_file(_bomb(), "zeros.zip")).status_code == 202


def test_a_name_of_a_file_leads_nowhere(shop: Program) -> None:
    answer = shop.send(_file(b"hello", "../../etc/passwd"))
    assert answer.status_code in (202, 400)
    if answer.status_code == 400:
        assert answer.json()["field"] == "attachments[0].name"


@pytest.mark.parametrize("key", ["a\x01b", "é" * 20, "x" * 300])
def test_an_idempotency_key_that_is_none_is_refused(shop: Program, key: str) -> None:
    answer = shop.send(HELLO, idempotency_key=key)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert count("outbound_submission") == 0
