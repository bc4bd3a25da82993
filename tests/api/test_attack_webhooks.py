"""The webhooks' doors take any body: none of them is a fault of ours, and many events cost what a few do."""

import gzip
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Suppression
from tenants.models import Tenant
from tests.api.test_attack_requests import raw
from tests.api.v2_cast import V2, caller


@pytest.fixture
def teller(acme: Tenant) -> V2:
    return caller(acme, scopes=["webhooks"])


@pytest.mark.parametrize(
    "body",
    [
        b"NaN", b"[Infinity, -Infinity]", b'{"a": 1e999}', b'"\\ud800"', b'{"\\udfff": "\\ud800"}', b'"\\u0000"', b"\xff\xfe",
        b"9" * 4300, b"9" * 5000, b"[" * 900 + b"]" * 900, b"[" * 985 + b"]" * 985, b"[" * 100_000, b"\x00", b"", b"{",
        "é".encode("utf-16"),
    ],
)  # fmt: skip
def test_no_body_is_a_fault_of_ours(teller: V2, body: bytes) -> None:
    for door in ("test", "generic", "mailwizz", "powermta"):
        for kind in ("application/json", "text/plain; charset=utf-7", "", "multipart/form-data", "text/" + "x" * 100):
            assert raw(teller, "POST", f"webhooks/{door}", body, kind).status_code in (200, 400, 422), (door, kind)


def test_a_text_that_cannot_be_stored_is_ignored_or_cleaned(teller: V2) -> None:
    events = [
        {"event": "complained", "email": "a\0@example.com"},
        {"event": "complained", "email": "\ud800@example.com"},
        {"event": "complained", "email": "x@" + "a." * 5000},
        {"event": "complained", "email": "a@example.com\r\nBcc: b@example.com"},
        {
            "event": "opened",
            "message_id": "\ud800",
            "user_agent": "\ud800\0",
            "reason": "\r\n\0",
            "ip": "::ffff:1.2.3.4%25x",
        },
        {"event": "complained", "email": "ok@example.com", "event_id": "\ud800"},
    ]
    answer = raw(teller, "POST", "webhooks/generic", json.dumps(events)).json()
    assert (answer["events"], answer["applied"]) == (6, 1)
    assert [row.email for row in Suppression.objects.all()] == ["ok@example.com"]


def test_thousands_of_addresses_take_as_many_queries_as_ten(teller: V2) -> None:
    def told(count: int, name: str) -> int:
        events = [{"event": "unsubscribed", "email": f"{name}{n}@example.com"} for n in range(count)]
        events += [{"event": "complained", "email": f"none-{name}"}]
        with CaptureQueriesContext(connection) as counted:
            answer = raw(teller, "POST", "webhooks/generic", json.dumps(events)).json()
        assert (answer["applied"], answer["ignored"]) == (count, 1)
        return len(counted)

    told(10, "warm")
    few = told(10, "a")
    assert told(3_000, "b") <= few
    assert Suppression.objects.count() == 3_020


def test_what_stands_behind_the_first_part_of_a_gzip_is_not_lost_in_silence(teller: V2) -> None:
    events = [json.dumps([{"event": "unsubscribed", "email": f"p{n}@example.com"}]).encode() for n in range(2)]
    body = gzip.compress(events[0]) + gzip.compress(events[1])
    answer = raw(teller, "POST", "webhooks/generic", body, content_encoding="gzip")
    assert answer.status_code == 422
    assert not Suppression.objects.exists()


def test_what_arrived_is_shown_without_the_callers_secrets(acme: Tenant, teller: V2) -> None:
    answer: Any = raw(
        teller, "POST", "webhooks/test", b"{}", authorization="Basic c2VjcmV0OnBhc3M=", cookie="session=1"
    )
    assert answer.status_code == 200
    assert teller.key.encode() not in answer.content
    assert b"c2VjcmV0" not in answer.content
    assert b"session" not in answer.content.lower().replace(b"sessionid", b"session")
