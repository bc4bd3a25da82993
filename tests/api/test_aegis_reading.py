"""What is read of a body of `POST /send`, and what is refused before anybody looks at addresses."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from api.aegis.errors import field_name, refused, verdict
from api.aegis.reading import read
from common.errors import InvalidInput
from outbound.submission.types import Attachment, Door, Mailbox

PLAIN: dict[str, Any] = {"to": "ann@example.com", "subject": "Hello", "body": "Good day."}
NOW = datetime(2024, 8, 2, 19, 30, tzinfo=UTC)
FILE = base64.b64encode(b"%PDF-1.4 a file").decode()


def test_what_is_not_said_is_as_usual() -> None:
    message = read(PLAIN)
    assert message.door == Door.AEGIS
    assert message.to == (Mailbox("ann@example.com"),)
    assert (message.subject, message.text, message.html) == ("Hello", "Good day.", "")
    assert (message.cc, message.bcc, message.reply_to, message.headers, message.attachments) == ((), (), (), (), ())
    assert (message.priority, message.sender, message.send_at, message.variables) == (3, None, None, None)


def test_every_field_is_read() -> None:
    message = read(
        PLAIN
        | {
            "isHtml": True,
            "toName": "Ann",
            "cc": [{"email": "bo@example.com", "name": "Bo"}],
            "bcc": [{"email": "cy@example.com"}],
            "replyTo": "Desk <desk@example.com>",
            "attachments": [{"name": "a.pdf", "content": FILE}],
            "priority": 1,
            "headers": {"X-Order": "42"},
            "unknown": {"is": "ignored"},
        }
    )
    assert (message.html, message.text) == ("Good day.", "")
    assert message.to == (Mailbox("ann@example.com", "Ann"),)
    assert message.cc == (Mailbox("bo@example.com", "Bo"),)
    assert message.bcc == (Mailbox("cy@example.com"),)
    assert message.reply_to == (Mailbox("desk@example.com", "Desk"),)
    assert message.attachments == (Attachment("a.pdf", b"%PDF-1.4 a file"),)
    assert message.headers == (("X-Order", "42"),)
    assert message.priority == 1


@pytest.mark.parametrize("name", ["isHtml", "toName", "cc", "bcc", "replyTo", "attachments", "priority", "headers"])
def test_null_is_as_if_left_out(name: str) -> None:
    assert read(PLAIN | {name: None}) == read(PLAIN)


def test_an_empty_list_of_php_is_an_empty_object() -> None:
    assert read(PLAIN | {"headers": []}).headers == ()


BAD: list[tuple[str, Any, str | None, str]] = [
    ("a list", [], None, "VALIDATION_FAILED"),
    ("a text", "hello", None, "VALIDATION_FAILED"),
    ("null", None, None, "VALIDATION_FAILED"),
    ("nothing", {}, "to", "MISSING_FIELD"),
    ("no to", {"subject": "a", "body": "b"}, "to", "MISSING_FIELD"),
    ("an empty to", PLAIN | {"to": ""}, "to", "MISSING_FIELD"),
    ("a blank to", PLAIN | {"to": " "}, "to", "MISSING_FIELD"),
    ("a list as to", PLAIN | {"to": ["ann@example.com"]}, "to", "VALIDATION_FAILED"),
    ("a number as to", PLAIN | {"to": 7}, "to", "VALIDATION_FAILED"),
    ("no subject", {"to": "ann@example.com", "body": "b"}, "subject", "MISSING_FIELD"),
    ("an object as subject", PLAIN | {"subject": {}}, "subject", "VALIDATION_FAILED"),
    ("no body", {"to": "ann@example.com", "subject": "a"}, "body", "MISSING_FIELD"),
    ("a blank body", PLAIN | {"body": " \n"}, "body", "MISSING_FIELD"),
    ("a number as body", PLAIN | {"body": 1.5}, "body", "VALIDATION_FAILED"),
    ("a list as HTML", PLAIN | {"body": ["x"], "isHtml": True}, "body", "VALIDATION_FAILED"),
    ("a text as isHtml", PLAIN | {"isHtml": "true"}, "isHtml", "VALIDATION_FAILED"),
    ("a number as isHtml", PLAIN | {"isHtml": 1}, "isHtml", "VALIDATION_FAILED"),
    ("a number as toName", PLAIN | {"toName": 1}, "toName", "VALIDATION_FAILED"),
    ("a text as cc", PLAIN | {"cc": "bo@example.com"}, "cc", "VALIDATION_FAILED"),
    ("texts in cc", PLAIN | {"cc": ["bo@example.com"]}, "cc[0]", "VALIDATION_FAILED"),
    ("no email in cc", PLAIN | {"cc": [{"name": "Bo"}]}, "cc[0].email", "MISSING_FIELD"),
    ("a number in bcc", PLAIN | {"bcc": [{"email": 1}]}, "bcc[0].email", "VALIDATION_FAILED"),
    ("a name that is none", PLAIN | {"cc": [{"email": "a@b.example", "name": []}]}, "cc[0].name", "VALIDATION_FAILED"),
    ("100,000 in cc", PLAIN | {"cc": [{"email": "a@b.example"}] * 100_000}, "cc", "TOO_MANY_RECIPIENTS"),
    ("100,000 in bcc", PLAIN | {"bcc": [{"email": "a@b.example"}] * 100_000}, "bcc", "TOO_MANY_RECIPIENTS"),
    ("a list as replyTo", PLAIN | {"replyTo": []}, "replyTo", "VALIDATION_FAILED"),
    ("two in replyTo", PLAIN | {"replyTo": "A <a@b.example> <c@d.example>"}, "replyTo", "INVALID_EMAIL"),
    ("an object as attachments", PLAIN | {"attachments": {}}, "attachments", "VALIDATION_FAILED"),
    ("texts as attachments", PLAIN | {"attachments": [FILE]}, "attachments[0]", "VALIDATION_FAILED"),
    ("no name", PLAIN | {"attachments": [{"content": FILE}]}, "attachments[0].name", "MISSING_FIELD"),
    ("no content", PLAIN | {"attachments": [{"name": "a"}]}, "attachments[0].content", "MISSING_FIELD"),
    (
        "a number as content",
        PLAIN | {"attachments": [{"name": "a", "content": 1}]},
        "attachments[0].content",
        "VALIDATION_FAILED",
    ),
    (
        "what is no base64",
        PLAIN | {"attachments": [{"name": "a", "content": FILE}, {"name": "b", "content": "not!base64"}]},
        "attachments[1].content",
        "VALIDATION_FAILED",
    ),
    (
        "1,000 attachments",
        PLAIN | {"attachments": [{"name": "a", "content": FILE}] * 1_000},
        "attachments",
        "VALIDATION_FAILED",
    ),
    ("a text as priority", PLAIN | {"priority": "1"}, "priority", "VALIDATION_FAILED"),
    ("true as priority", PLAIN | {"priority": True}, "priority", "VALIDATION_FAILED"),
    ("a fraction as priority", PLAIN | {"priority": 1.5}, "priority", "VALIDATION_FAILED"),
    ("a list as headers", PLAIN | {"headers": ["X-A"]}, "headers", "VALIDATION_FAILED"),
    ("a number as header", PLAIN | {"headers": {"X-A": 1}}, "headers.X-A", "VALIDATION_FAILED"),
    (
        "1,000 headers",
        PLAIN | {"headers": {f"X-{number}": "a" for number in range(1_000)}},
        "headers",
        "VALIDATION_FAILED",
    ),
]


@pytest.mark.parametrize(("body", "field", "code"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_it_refuses(body: Any, field: str | None, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert field_name(caught.value) == field
    assert verdict(caught.value) == (400, code)
    status, said, _ = refused(caught.value, request_id="r", now=NOW)
    assert status == 400
    assert said.get("field") == field
    json.dumps(said).encode()
