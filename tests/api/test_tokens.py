"""Tokens: what they say, whom they open what, and how they end."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine

from api.access.key_checks import remembered
from api.access.tokens import _signing_key
from tenants.models import ApiKey, Tenant
from tenants.services.changes import revoke_api_key
from tenants.services.keys import prefix_of
from tests.api.v2_cast import V2, caller


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered.forget()
    yield
    remembered.forget()


def token_of(client: V2, **body: Any) -> str:
    answer = client.post("tokens", body)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["token"])


def with_token(tenant: Tenant, token: str, method: str = "GET", path: str = "", body: Any = None) -> Any:
    return V2(tenant, "").call(method, path or f"keys/{tenant.pk}", body, authorization=f"Bearer {token}")


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_token_is_given_for_a_key(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    with time_machine.travel("2026-11-21 10:00:00.5+00:00", tick=False):
        answer = client.post("tokens")
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert sorted(body) == ["expires_at", "scopes", "token", "token_type"]
    assert (body["token_type"], body["expires_at"], body["scopes"]) == (
        "Bearer",
        "2026-11-21T10:15:00Z",
        ["admin", "read"],
    )
    claims = claims_of(body["token"])
    key = ApiKey.objects.get(prefix=prefix_of(client.key))
    assert sorted(claims) == ["exp", "iat", "iss", "jti", "kind", "scopes", "sub", "tenant"]
    assert (claims["iss"], claims["sub"], claims["tenant"], claims["kind"]) == (
        "lettershop",
        str(key.pk),
        acme.pk,
        "key",
    )
    assert claims["exp"] - claims["iat"] == 900


def test_a_token_opens_what_its_key_opens(acme: Tenant) -> None:
    token = token_of(caller(acme, scopes=["admin"]))
    assert with_token(acme, token).status_code == 200
    lower = V2(acme, "").get(f"keys/{acme.pk}", authorization=f"bearer {token}")
    assert lower.status_code == 200


def test_a_token_may_have_fewer_scopes_never_more(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    assert with_token(acme, token_of(client, scopes=["read"])).status_code == 403
    answer = client.post("tokens", {"scopes": ["contacts"]})
    assert (answer.status_code, answer.json()["error"]["field"]) == (403, "scopes")


def test_a_token_of_one_tenant_is_refused_for_another(acme: Tenant, globex: Tenant) -> None:
    token = token_of(caller(acme, scopes=["admin"]))
    assert with_token(globex, token).status_code == 403
    on_their_host = V2(globex, "").get(f"keys/{acme.pk}", authorization=f"Bearer {token}", host="globex.testserver")
    assert on_their_host.status_code == 403


def test_a_token_with_anothers_tenant_in_it_is_refused(acme: Tenant, globex: Tenant) -> None:
    claims = {**claims_of(token_of(caller(acme, scopes=["admin"]))), "tenant": globex.pk}
    assert with_token(globex, jwt.encode(claims, _signing_key(), algorithm="HS256")).status_code == 401


def test_a_token_of_an_admin_key_is_for_the_tenant_it_names(acme: Tenant, globex: Tenant) -> None:
    admin = caller(globex, is_admin=True)
    token = token_of(admin, tenant_id=acme.pk, scopes=["admin"])
    assert with_token(acme, token).status_code == 200
    assert with_token(globex, token).status_code == 403


def test_a_token_makes_no_key_that_would_outlive_it(acme: Tenant, globex: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    before = set(ApiKey.objects.values_list("pk", flat=True))
    mine = ApiKey.objects.get(prefix=prefix_of(client.key)).pk
    of_admin = token_of(caller(globex, is_admin=True), tenant_id=acme.pk, scopes=["admin", "read"])
    before |= set(ApiKey.objects.values_list("pk", flat=True))
    for token in (token_of(client), of_admin):
        for path, body in (
            ("keys", {"name": "for ever", "scopes": ["read"]}),
            ("keys", {"name": "for ever", "is_admin": True}),
            (f"keys/{acme.pk}/{mine}/rotate", {}),
        ):
            refused = with_token(acme, token, "POST", path, body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
            assert "outlive" in refused.json()["error"]["message"]
    assert set(ApiKey.objects.values_list("pk", flat=True)) == before
    assert client.get(f"keys/{acme.pk}").status_code == 200


def test_a_token_ends_with_its_key(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin"])
    token = token_of(client)
    assert with_token(acme, token).status_code == 200
    revoke_api_key(key=ApiKey.objects.get(prefix=prefix_of(client.key)))
    remembered.forget()
    assert with_token(acme, token).status_code == 401


def test_an_expired_token_is_refused(acme: Tenant) -> None:
    token = token_of(caller(acme, scopes=["admin"]), seconds=60)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=False):
        refused = with_token(acme, token)
    assert (refused.status_code, refused.json()["error"]["message"]) == (401, "This token has expired.")


def test_a_token_without_signature_of_another_kind_or_another_key_is_refused(acme: Tenant) -> None:
    good = token_of(caller(acme, scopes=["admin"]))
    claims = claims_of(good)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    forged = {
        "none": f"{none}.{body}.",
        "none with the old signature": f"{none}.{body}.{signature}",
        "HS512": jwt.encode(claims, _signing_key() * 2, algorithm="HS512"),
        "HS384": jwt.encode(claims, _signing_key() * 2, algorithm="HS384"),
        "another key": jwt.encode(claims, b"0" * 32, algorithm="HS256"),
        "SECRET_KEY itself": jwt.encode(claims, b"only for tests".ljust(32, b"\0"), algorithm="HS256"),
        "another issuer": jwt.encode({**claims, "iss": "x"}, _signing_key(), algorithm="HS256"),
        "another kind": jwt.encode({**claims, "kind": "member"}, _signing_key(), algorithm="HS256"),
        "a subject that is no id": jwt.encode({**claims, "sub": "x"}, _signing_key(), algorithm="HS256"),
        "a tenant that is no id": jwt.encode({**claims, "tenant": None}, _signing_key(), algorithm="HS256"),
        "scopes that are none": jwt.encode({**claims, "scopes": 5}, _signing_key(), algorithm="HS256"),
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "no token": "x",
        "three dots": "...",
        "bytes": "\xff\xfe.\xff.\xff",
    }
    for name in claims:
        left = {key: value for key, value in claims.items() if key != name}
        forged[f"without {name}"] = jwt.encode(left, _signing_key(), algorithm="HS256")
    for name, token in forged.items():
        answer = with_token(acme, token)
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer "), name


def test_a_token_is_not_prolonged_by_itself(acme: Tenant) -> None:
    token = token_of(caller(acme, scopes=["admin"]))
    assert with_token(acme, token, "POST", "tokens", {}).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seconds": 3601}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": "soon"}, "seconds"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"tenant_id": "acme"}, "tenant_id"),
    ],
    ids=str,
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(acme: Tenant, body: Any, field: str) -> None:
    answer = caller(acme).post("tokens", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_no_token_is_kept_for_an_idempotency_key(acme: Tenant) -> None:
    client = caller(acme)
    first, second = (client.post("tokens", idempotency_key="same").json()["token"] for _ in range(2))
    assert first != second
