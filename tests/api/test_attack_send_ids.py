"""Whose message is it: another tenant's key and every way to ask, and ids that differ by one character."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings

from outbound.submission.ids import LENGTH
from tenants.models import Tenant
from tenants.services.keys import SCOPES, create_api_key
from tests.api.hosting_cast import furnish, rows
from tests.api.send_cast import DOORS, NO_LIMITS, Door

# Every operation on one message that wants a key: method, and the path below the host.
OPERATIONS = [
    ("GET", "/api/messages/{id}"),
    ("DELETE", "/api/messages/{id}"),
    ("PUT", "/api/messages/{id}/retry"),
    ("GET", "/v1/messages/{id}"),
    ("DELETE", "/v1/messages/{id}"),
    ("PUT", "/v1/messages/{id}/retry"),
    ("GET", "/api/v1/messages/{id}"),
    ("DELETE", "/api/v1/messages/{id}"),
    ("PUT", "/api/v1/messages/{id}/retry"),
    ("GET", "/api/v1/emails/{id}"),
    ("DELETE", "/api/v1/emails/{id}"),
    ("POST", "/api/v1/emails/{id}/resend"),
]
LISTS = ["/api/messages", "/v1/messages", "/api/v1/messages", "/api/v1/emails"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

Call = Callable[..., Any]


@pytest.fixture
def call(acme: Tenant, globex: Tenant) -> Any:
    """Calls with a key of `acme`, or of the tenant that is named."""
    furnish()
    keys = {
        tenant.slug: create_api_key(tenant=tenant, name="test", scopes=[one for one in SCOPES if one != "admin"])[1]
        for tenant in (acme, globex)
    }
    client = Client(raise_request_exception=False)

    def do(
        method: str, path: str, body: Any = None, *, as_: str = "acme", host: str = "localhost", **headers: str
    ) -> Any:
        inside = connection.tenant
        named = {"host": host, "x-api-key": keys[as_]} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        try:
            return client.generic(method, path, data=body or "", content_type="application/json", headers=named)
        finally:
            connection.set_tenant(inside)

    with override_settings(**NO_LIMITS):
        yield do


def _sent(call: Call, door: Door) -> str:
    answer = call("POST", door.path, json.dumps(door.plain()))
    assert answer.status_code == 202, answer.content
    return door.id_of(answer.json())


def _bare(message_id: str) -> str:
    return message_id[4:]


def _state() -> list[tuple[Any, ...]]:
    return rows("SELECT s.state, s.retries, (SELECT count(*) FROM outbound_queue) FROM outbound_submission s")


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_another_tenants_key_finds_nothing_in_any_dialect(call: Call, acme: Tenant, door: Door) -> None:
    bare = _bare(_sent(call, door))
    before = _state()
    for method, path in OPERATIONS:
        for spelled in (bare, f"msg_{bare}", f"msg-{bare}", f"MSG_{bare.upper()}"):
            answer = call(method, path.format(id=spelled), as_="globex")
            assert answer.status_code == 404, (method, path, answer.content)
            named = call(method, path.format(id=spelled), as_="globex", x_workspace_id=acme.workspace_id)
            assert named.status_code == 403, (method, path, named.content)
            there = call(method, path.format(id=spelled), as_="globex", host="acme.testserver")
            assert there.status_code == 403, (method, path, there.content)
    for path in LISTS:
        answer = call("GET", path, as_="globex")
        assert answer.status_code == 200
        assert bare not in answer.content.decode()
    assert _state() == before


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_owner_finds_it_in_every_dialect(call: Call, door: Door) -> None:
    bare = _bare(_sent(call, door))
    for path in ("/api/messages/{}", "/v1/messages/{}", "/api/v1/messages/{}", "/api/v1/emails/{}", "/send/{}/status"):
        for prefix in ("msg_", "msg-"):
            answer = call("GET", path.format(prefix + bare))
            assert answer.status_code == 200, (path, answer.content)
            assert bare in answer.content.decode()
    for path in LISTS:
        assert bare in call("GET", path).content.decode(), path


def test_an_id_with_one_other_character_is_nobodys(call: Call) -> None:
    bare = _bare(_sent(call, DOORS[-1]))
    assert len(bare) == LENGTH
    for place in range(LENGTH):
        other = _LETTERS[(_LETTERS.index(bare[place]) + 1) % 32]
        changed = bare[:place] + other + bare[place + 1 :]
        for path in ("/api/messages/msg-{}", "/api/v1/emails/msg_{}", "/send/msg_{}/status"):
            assert call("GET", path.format(changed)).status_code == 404, (place, path)
    for other in _LETTERS:
        if other != bare[-1]:
            assert call("GET", f"/api/v1/emails/msg_{bare[:-1]}{other}").status_code == 404


@pytest.mark.parametrize(
    "odd",
    ["", "msg_", "msg-", "msg_msg_", "0", "1", "-1", "%00", "%0d%0aX-Evil:%201", "..%2f..%2f", "' OR 1=1 --", "é" * 26, "a" * 26,
     "A" * 30, "msg_" + "a" * 5000, "7" * 26, "msg_%ff", "%ed%a0%80", "msg_aaaaaaaaaaaaaaaaaaaaaaaaa=", "{id}", "<script>"],
)  # fmt: skip
def test_an_odd_id_is_nobodys(call: Call, odd: str) -> None:
    for method, path in [*OPERATIONS, ("GET", "/send/{id}/status")]:
        answer = call(method, path.replace("{id}", odd))
        allowed = (400, 404, 405) if odd else (200, 400, 404, 405)
        assert answer.status_code in allowed, (method, path, answer.content)
        assert "x-evil" not in {name.lower() for name in answer.headers}


def test_the_next_number_has_another_id_altogether(call: Call) -> None:
    first, second = (_bare(_sent(call, DOORS[0])) for _ in range(2))
    same = sum(one == other for one, other in zip(first, second, strict=True))
    assert same < LENGTH // 2
