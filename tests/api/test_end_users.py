"""End users: tokens that name them, and messages that are theirs."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from django.test import override_settings

from api.access.end_users import LONGEST_USER
from api.access.key_checks import remembered
from api.access.tokens import _signing_key
from outbound.submission.checks import LONGEST_REFERENCE
from tenants.models import Setting, Tenant, Usage
from tenants.services.setting_rows import rows
from tests.api.clients.cast import count, stored
from tests.api.relay_cast import Relay, furnish, letter, refusal, relay
from tests.api.send_cast import DOORS, NO_LIMITS, Door
from tests.api.v2_cast import V2, caller

BAD = [
    5,
    [],
    "",
    " ",
    " ana",
    "ana ",
    "a" * 201,
    "a\nb",
    "nul\0",
    "\ud800",
    "zero\u200bwidth",
    "=?utf-8?q?=0A?=",
]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    rows.forget()
    remembered.forget()
    with override_settings(**NO_LIMITS):
        yield
    rows.forget()
    remembered.forget()


def token_for(client: Relay, user: str, **more: Any) -> str:
    answer = client.post("auth/token", {"user": user, **more})
    assert answer.status_code == 200, answer.content
    return str(answer.json()["data"]["access_token"])


def with_token(tenant: Tenant, token: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return Relay(tenant, "").call(method, path, body, authorization=f"Bearer {token}", **headers)


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_r29_a_token_may_name_the_end_user_it_acts_for_and_a_refresh_keeps_them(acme: Tenant) -> None:
    given = relay(acme, scopes=["read"]).post("auth/token", {"user": "user-123"}).json()["data"]
    new = Relay(acme, "").post("auth/refresh", {"refresh_token": given["refresh_token"]}).json()["data"]
    for token in (given["access_token"], given["refresh_token"], new["access_token"], new["refresh_token"]):
        assert (claims_of(token)["user"], claims_of(token)["tenant"]) == ("user-123", acme.pk)
    assert with_token(acme, new["access_token"], "GET", "rate-limit").status_code == 200
    for body in ({}, {"user": None}):
        assert "user" not in claims_of(relay(acme).post("auth/token", body).json()["data"]["access_token"])


def test_a_token_of_v2_may_name_the_end_user_it_acts_for(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin"])
    token = client.post("tokens", {"user": "user-123"}).json()["token"]
    assert claims_of(token)["user"] == "user-123"
    assert V2(acme, "").get(f"keys/{acme.pk}", authorization=f"Bearer {token}").status_code == 200
    assert "user" not in claims_of(client.post("tokens").json()["token"])


@pytest.mark.parametrize("user", BAD, ids=ascii)
def test_r29_a_user_that_cannot_be_named_is_refused(acme: Tenant, user: Any) -> None:
    assert refusal(relay(acme).post("auth/token", {"user": user})) == (400, "INVALID_REQUEST", "user")
    answer = caller(acme).post("tokens", {"user": user})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "user")


def test_r29_a_token_for_operators_names_no_user(acme: Tenant) -> None:
    answer = relay(acme, is_admin=True).post("auth/token", {"operator": True, "user": "ana"})
    assert refusal(answer) == (400, "INVALID_REQUEST", "user")


@pytest.mark.parametrize("user", ["a" * 200, "\N{GRINNING FACE}" * 200, "Ana Doe <ana@example.com>"], ids=ascii)
def test_whoever_can_be_named_in_a_message_can_be_named_in_a_token(acme: Tenant, user: str) -> None:
    furnish()
    assert LONGEST_USER == LONGEST_REFERENCE == 200
    client = relay(acme)
    assert client.send(metadata={"user_id": user}).status_code == 202
    given = client.post("auth/token", {"user": user}).json()["data"]
    assert with_token(acme, given["access_token"], "POST", "messages", letter()).status_code == 202
    assert Relay(acme, "").post("auth/refresh", {"refresh_token": given["refresh_token"]}).status_code == 200
    assert Usage.objects.get(key_id__lt=0).used == 2


def test_r29_a_forged_user_is_refused(acme: Tenant) -> None:
    token = token_for(relay(acme), "ana")
    head, _, signature = token.split(".")
    claims = claims_of(token)
    somebody = base64.urlsafe_b64encode(json.dumps({**claims, "user": "bo"}).encode()).decode().rstrip("=")
    nobody = {name: value for name, value in claims.items() if name != "user"}
    forged = {
        "another user under the old signature": f"{head}.{somebody}.{signature}",
        "another user under another key": jwt.encode({**claims, "user": "bo"}, b"0" * 32, algorithm="HS256"),
        "no user under another key": jwt.encode(nobody, b"0" * 32, algorithm="HS256"),
        **{
            f"a user that is {kind!r}": jwt.encode({**claims, "user": kind}, _signing_key(), algorithm="HS256")
            for kind in (7, None, ["ana"], True)
        },
    }
    for name, made in forged.items():
        answer = with_token(acme, made, "GET", "rate-limit")
        assert refusal(answer)[:2] == (401, "INVALID_TOKEN"), name


def test_r29_the_holder_of_a_users_token_gets_none_without_the_user(acme: Tenant) -> None:
    token = token_for(relay(acme), "ana")
    for path in ("auth/token", "/api/v2/tokens"):
        assert with_token(acme, token, "POST", path, {}).status_code == 403


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_what_is_sent_with_a_users_token_is_that_users(acme: Tenant, door: Door) -> None:
    furnish()
    token = token_for(relay(acme, daily_limit=100), "user-123")
    answer = with_token(acme, token, "POST", door.path, door.plain())
    assert answer.status_code == 202, answer.content
    assert stored(door.id_of(answer.json()))["user_ref"] == "user-123"
    used = Usage.objects.filter(tenant=acme, day=datetime.now(UTC).date(), key_id__lt=0)
    assert list(used.values_list("user_ref", "used")) == [("user-123", 1)]


def test_r11_a_users_sends_by_token_and_by_name_are_counted_together(acme: Tenant) -> None:
    furnish()
    client = relay(acme)
    token = token_for(client, "user-123")
    assert with_token(acme, token, "POST", "messages", letter()).status_code == 202
    assert client.send(metadata={"user_id": "user-123"}).status_code == 202
    told = client.get("rate-limit").json()["data"]["users"]
    assert told == {"user-123": {"limit": 500, "used": 2, "remaining": 498}}


def test_r11_a_user_has_a_daily_limit_whichever_token_they_send_with(acme: Tenant) -> None:
    furnish()
    Setting.objects.create(name="rate_limits.user_default", value=1)
    client = relay(acme)
    sent = [
        with_token(acme, token_for(client, user), "POST", "messages", letter()) for user in ("ana", "ana", "bo", "bo")
    ]
    assert [answer.status_code for answer in sent] == [202, 429, 202, 429]
    assert refusal(sent[1])[1] == "QUOTA_EXCEEDED"


@pytest.mark.parametrize(
    "named", [{"metadata": {"user_id": "bo"}}, {"headers": {"X-User-ID": "bo"}}], ids=["metadata", "header"]
)
def test_r29_a_message_that_names_another_user_than_its_token_is_refused(acme: Tenant, named: dict[str, Any]) -> None:
    furnish()
    token = token_for(relay(acme), "ana")
    answer = with_token(acme, token, "POST", "messages", letter(**named))
    assert refusal(answer) == (403, "INSUFFICIENT_PERMISSIONS", "metadata.user_id")
    assert answer.json()["error"]["message"] == "This token acts for another user than the message names."
    assert count("outbound_submission") == 0
    own = json.loads(json.dumps(named).replace('"bo"', '"ana"'))
    accepted = with_token(acme, token, "POST", "messages", letter(**own))
    assert stored(accepted.json()["data"]["message_id"])["user_ref"] == "ana"


def test_users_of_one_key_do_not_answer_for_each_other(acme: Tenant) -> None:
    furnish()
    client = relay(acme)
    tokens = [token_for(client, user) for user in ("ana", "ana", "bo")]
    answers = [with_token(acme, token, "POST", "messages", letter(), idempotency_key="order-1") for token in tokens]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", None]
    assert client.call("POST", "messages", letter(), idempotency_key="order-1").status_code == 202
    assert count("outbound_submission") == 3
