"""Every field of every door with a value of each type that its documentation does not name, and files made to do harm."""

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.test import override_settings

from api.docs.document import openapi_document
from tenants.models import Tenant
from tests.api.send_cast import DOORS, NO_LIMITS, Door, Target, check, under_attack

pytestmark = pytest.mark.timeout(300)

_DOCUMENT = json.loads(openapi_document())
_VALUES: dict[str, list[Any]] = {
    "string": ["x"],
    "integer": [7, -(2**63) - 1, 10**30],
    "number": [1.5, 1e300],
    "boolean": [True, False],
    "array": [[], [[]], [None], [1, "a"]],
    "object": [{}, {"a": 1}, {"address": []}],
}


# References of the caller's own, which may be numbers there.
_NUMBERS_TOO = {("relay", "campaign_id")}


@pytest.fixture
def target(live_tenant: Tenant) -> Iterator[Target]:
    with override_settings(**NO_LIMITS), under_attack(live_tenant) as found:
        yield found


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = _DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _types(schema: dict[str, Any]) -> set[str]:
    """The types that a value may have; all where nothing is said."""
    schema = _resolved(schema)
    several = [one for word in ("oneOf", "anyOf", "allOf") for one in schema.get(word, [])]
    if several:
        return set().union(*(_types(one) for one in several))
    if "type" not in schema:
        return set(_VALUES)
    given = schema["type"]
    types = set(given if isinstance(given, list) else [given])
    return types | {"integer"} if "number" in types else types


def _wrong(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Where, and what: every property, those of objects and of a list's first item too."""
    schema = _resolved(schema)
    for name, inner in schema.get("properties", {}).items():
        place = (*path, name)
        for kind in _VALUES.keys() - _types(inner):
            yield from ((place, value) for value in _VALUES[kind])
        found = _resolved(inner)
        yield from _wrong(found, place)
        if "items" in found:
            yield from _wrong(found["items"], (*place, 0))


def _body_of(door: Door) -> dict[str, Any]:
    content = _DOCUMENT["paths"][door.path]["post"]["requestBody"]["content"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def _with(body: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """What stands on the way is made, with what its kind needs."""
    at: Any = body
    for step, following in pairwise(path):
        if isinstance(step, int):
            if not at:
                at.append({})
        elif not isinstance(at.get(step), list if isinstance(following, int) else dict):
            at[step] = [] if isinstance(following, int) else {}
        at = at[step]
    at[path[-1]] = value
    return body


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_value_of_another_type_than_documented_is_refused(target: Target, door: Door) -> None:
    # PHP writes an empty object as an empty list, and Aegis' clients are written in it.
    wrong = [one for one in _wrong(_body_of(door)) if (door.name, *one) != ("aegis", ("headers",), [])]
    assert len(wrong) > 30
    taken = []
    for path, value in wrong:
        answer = target.post(door.path, _with(door.plain(), path, value))
        check(door, answer)
        if answer.status == 202 and (door.name, path[-1]) not in _NUMBERS_TOO:
            taken.append((path, value))
        elif answer.status != 202 and path[-1] not in ("tenant_id", "workspace_id"):
            assert str(path[0]) in answer.body.decode(), (path, value, answer.body)
    assert taken == []


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_null_is_taken_for_nothing_or_refused(target: Target, door: Door) -> None:
    for name in _resolved(_body_of(door))["properties"]:
        check(door, target.post(door.path, {**door.plain(), name: None}))


def _zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(200_000_000))
    return packed.getvalue()


def _nested_mail(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: x\r\n\r\nx"


def _nested_parts(depth: int) -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )
    return opened + b"\r\nx\r\n"


_PARTS = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
FILES: dict[str, tuple[str, bytes, str]] = {
    "a zip bomb": ("a.zip", _zip_bomb(), "application/zip"),
    "a gzip bomb": ("a.gz", gzip.compress(bytes(200_000_000)), "application/gzip"),
    "a mail in a mail, a thousand deep": ("a.eml", _nested_mail(1000), "message/rfc822"),
    "parts in parts, a thousand deep": ("a.eml", _nested_parts(1000), "message/rfc822"),
    "a hundred thousand parts": ("a.eml", _PARTS + b"--b\r\n\r\n" * 100_000, "message/rfc822"),
    "a page that says it is a picture": ("a.png", b"<script>alert(1)</script>", "image/png"),
    "a picture with a script": ("a.svg", b'<svg onload="alert(1)"/>', "image/svg+xml"),
    "a program": ("a.txt", b"MZ" + bytes(100), "text/plain"),
    "an odd type": ("a.bin", b"x", "text/plain; charset=utf-8\r\nX-Evil: 1"),
    "a huge type": ("a.bin", b"x", "a/" + "b" * 100_000),
    "a way out": ("../../etc/passwd", b"x", ""),
    "a way out for Windows": ("..\\..\\c:\\windows\\x.txt", b"x", ""),
    "a name with lines": ("a\r\nX-Evil: 1.txt", b"x", ""),
    "a name that turns around": ("a\u202etxt.exe", b"x", ""),
    "a long name": ("a" * 100_000 + ".txt", b"x", ""),
    "a name of dots": ("...", b"x", ""),
    "a lone surrogate": ("\ud800.txt", b"x", ""),
}  # fmt: skip
_NAMES = {
    "aegis": ("name", ""),
    "relay": ("filename", "content_type"),
    "hosting": ("filename", "contentType"),
}


@pytest.mark.parametrize("door", [one for one in DOORS if one.name in _NAMES], ids=str)
def test_files_are_passed_on_or_refused_and_never_opened(target: Target, door: Door) -> None:
    filename, kind = _NAMES[door.name]
    for name, content, declared in FILES.values():
        one = {filename: name, "content": base64.b64encode(content).decode()}
        if kind and declared:
            one[kind] = declared
        check(door, target.post(door.path, {**door.plain(), "attachments": [one]}))
    for mail in target.mails().values():
        head = mail.partition(b"\r\n\r\n")[0]
        # A signature is any letters: now and then some of them are a word.
        assert b"evil" not in head.partition(b"\r\nFrom:")[2].lower()
        assert not [line for line in mail.split(b"\r\n") if line.lower().startswith(b"x-evil")]
        assert b"../" not in mail.partition(b"filename")[2][:200]
        assert b"\r" not in mail.replace(b"\r\n", b"")
        assert b"\n" not in mail.replace(b"\r\n", b"")


@pytest.mark.parametrize("door", [one for one in DOORS if one.name in _NAMES], ids=str)
@pytest.mark.parametrize(
    "content", ["*", "SGk", "SGk=!", "SGk==SGk=", "====", "=", "S\0Gk=", "Ж", "\ud800", "SGk-_w==", "data:text/html,<b>",
     "data:" + "x" * 100_000]
)  # fmt: skip
def test_what_is_no_base64_is_refused_or_read_as_meant(target: Target, door: Door, content: str) -> None:
    filename, _ = _NAMES[door.name]
    answer = target.post(door.path, {**door.plain(), "attachments": [{filename: "a.txt", "content": content}]})
    check(door, answer, allowed=(202,) if content == "SGk" else ())
