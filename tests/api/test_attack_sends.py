"""Input that is made to break the doors for sending, one dialect after the other, against a live server."""

import email
import gzip
import json
from collections.abc import Iterator
from email import policy
from email.utils import getaddresses
from typing import Any

import pytest
from django.test import override_settings

from tenants.models import Tenant
from tests.api.send_cast import DOORS, NO_LIMITS, Door, Target, check, under_attack

pytestmark = pytest.mark.timeout(300)

# Whatever some reader takes for the end of a line, half characters, text that turns around, and the same hidden.
ENDS = ["\r\n", "\r", "\n", "\0", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
INJECTIONS = [
    *(f"x{end}Bcc: evil@x.test{end}X-Evil: 1" for end in ENDS),
    "x\r\n Bcc: evil@x.test",
    "x\r\n\r\nX-Evil: 1",
    "x\r\n.\r\nMAIL FROM:<evil@x.test>\r\n",
    "=?utf-8?q?Hi=0D=0ABcc:_evil@x.test?=",
    "=?utf-8?b?SGkNCkJjYzogZXZpbEB4LnRlc3Q=?=",
    "=?utf-7?q?Hi+AA0ACg-Bcc:_evil@x.test?=",
    "\ud800",
    "a\udfffb",
    "\u202eevil",
    "ana@example.com\r\nBcc: evil@x.test",
    "<ana@example.com>, evil@x.test",
    "ana@example.com,evil@x.test",
    '"a\r\nBcc: evil@x.test" <ana@example.com>',
    "undisclosed: ana@example.com, evil@x.test;",
    "x" * 100_000,
    "{{ ''.__class__ }}",
    "{% include '/etc/passwd' %}",
    "%0d%0aBcc: evil@x.test",
    "\\r\\nBcc: evil@x.test",
]
# What a mail of these doors may have at its head.
KNOWN = {
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "feedback-id", "mime-version", "content-type",
    "content-transfer-encoding", "content-disposition", "content-id", "dkim-signature", "list-id",
}  # fmt: skip


@pytest.fixture
def target(live_tenant: Tenant) -> Iterator[Target]:
    with override_settings(**NO_LIMITS), under_attack(live_tenant) as found:
        yield found


PLACES = [(door, place) for door in DOORS for place in door.places]


@pytest.mark.parametrize(("door", "place"), PLACES, ids=[f"{door}: {place}" for door, place in PLACES])
def test_no_text_becomes_a_header_of_its_own(target: Target, door: Door, place: str) -> None:
    for text in INJECTIONS:
        body = door.plain()
        door.places[place](body, text)
        answer = target.post(door.path, body)
        check(door, answer)
    if target.taken():
        for mail in target.mails().values():
            _is_sound(mail)


def _is_sound(mail: bytes) -> None:
    head, _, _ = mail.partition(b"\r\n\r\n")
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert not set(head) & {0, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x7F}
    names = [
        line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    ]
    others = [name for name in names if name not in KNOWN]
    assert others == [] or (len(others) == 1 and others[0].startswith("x-a")), names
    once = [name for name in names if name != "dkim-signature"]
    assert len(once) == len(set(once)), names
    read = email.message_from_bytes(mail, policy=policy.compat32)
    assert [name.lower() for name in read] == names
    people = getaddresses(
        [str(one) for name in ("From", "To", "Cc", "Bcc", "Reply-To") for one in read.get_all(name, [])]
    )
    assert "evil@x.test" not in [address for _, address in people]


BODIES = {
    "nothing": b"",
    "a brace": b"{",
    "text": b"hello",
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a string": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "two objects": b"{}{}",
    "a trailing comma": b'{"to": "ana@example.com",}',
    "a comment": b'{"to": "ana@example.com" /* no */}',
    "NaN": b'{"to": NaN}',
    "infinity": b'{"priority": 1e999, "to": -Infinity}',
    "a huge number": b'{"priority": ' + b"9" * 100_000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"to": "ana@example.com"}'.encode("utf-16"),
    "UTF-32": '{"to": "ana@example.com"}'.encode("utf-32"),
    "broken UTF-8": b'{"to": "\xff\xfe"}',
    "overlong UTF-8": b'{"to": "\xc0\x80"}',
    "half a character in UTF-8": b'{"to": "\xed\xa0\x80"}',
    "NUL": b"\0",
    "deep lists": b"[" * 100_000,
    "deep closed lists": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"a":' * 50_000,
    "deep headers": b'{"to": "ana@example.com", "headers": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "form data": b"to=ana%40example.com&subject=x",
}


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_what_is_no_letter_is_refused_in_the_dialects_words(target: Target, door: Door) -> None:
    for body in BODIES.values():
        check(door, target.post(door.path, body), allowed=())
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "x" * 5000,
    ):
        check(door, target.post(door.path, json.dumps(door.plain()), content_type=kind), allowed=())
    assert target.taken() == 0


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_field_that_is_there_twice_counts_once(target: Target, door: Door) -> None:
    plain = json.dumps(door.plain())
    twice = plain[:-1] + ', "subject": "Second", "__proto__": {"isAdmin": true}, "constructor": {"prototype": {}}}'
    answer = target.post(door.path, twice)
    assert answer.status == 202, answer.body
    (mail,) = target.mails().values()
    assert email.message_from_bytes(mail)["Subject"] == "Second"
    for name in ("__proto__", "constructor", "__class__", "toString"):
        body = {**door.plain(), "headers": {name: "1"}}
        check(door, target.post(door.path, body))


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_large_bodies_are_refused_in_time_and_memory(target: Target, door: Door) -> None:
    plain = door.plain()
    some = "a@example.com"
    for name in plain:
        check(door, target.post(door.path, {**plain, name: "x" * 40_000_000}), allowed=())
    for name in ("to", "cc", "bcc"):
        people: list[Any] = [{"email": some}] * 100_000 if door.name == "aegis" else [some] * 100_000
        allowed = (202,) if door.name == "gateway" and name != "to" else ()
        check(door, target.post(door.path, {**plain, name: people}), allowed=allowed)
    check(door, target.post(door.path, {**plain, "to": ", ".join([some] * 100_000)}), allowed=())
    check(door, target.post(door.path, {**plain, "to": "(" * 100_000 + some}), allowed=())
    check(door, target.post(door.path, {**plain, "to": "<" * 100_000 + some}), allowed=())
    check(door, target.post(door.path, {**plain, "headers": {f"X-{n}": "1" for n in range(100_000)}}), allowed=())
    check(door, target.post(door.path, {**plain, "headers": {"X-" + "a" * 1_000_000: "1"}}), allowed=())
    check(door, target.post(door.path, {**plain, "headers": {"X-A": "b" * 1_000_000}}), allowed=())
    if door.name != "gateway":
        check(door, target.post(door.path, {**plain, "attachments": [{}] * 100_000}), allowed=())
        check(door, target.post(door.path, {**plain, "attachments": "x" * 1_000_000}), allowed=())
    assert target.taken() in (0, 2)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_packed_body_is_not_unpacked(target: Target, door: Door) -> None:
    bomb = gzip.compress(json.dumps(door.plain()).encode() + b" " * 50_000_000)
    for coding in ("gzip", "deflate", "br", "gzip, gzip", "identity, gzip"):
        check(door, target.post(door.path, bomb, content_encoding=coding), allowed=())
    assert target.taken() == 0


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_odd_request_headers_are_no_fault_of_ours(target: Target, door: Door) -> None:
    for name, value in {
        "x_request_id": "a\tb<script>",
        "idempotency_key": "x" * 300,
        "x_workspace_id": "'; DROP TABLE tenants_tenant; --",
        "authorization": "Bearer " + "x" * 5000,
        "content_length_": "1",
        "x_http_method_override": "DELETE",
        "x_" + "a" * 5000: "1",
        "accept": "text/html",
        "accept_language": "x" * 5000,
    }.items():
        check(door, target.post(door.path, door.plain(), **{name: value}))
    for workspace in ("ws-\xff", "%00", "x" * 5000):
        answer = target.post(door.path, door.plain(), x_workspace_id=workspace)
        check(door, answer, allowed=())
