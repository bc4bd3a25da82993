"""/api/v2/keys: made and shown once, listed, replaced, revoked."""

from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.access.key_checks import remembered
from tenants.models import ApiKey, Tenant
from tenants.services.keys import create_api_key, prefix_of
from tests.api.v2_cast import V2, caller

FIELDS = {
    "id", "tenant_id", "name", "prefix", "scopes", "is_admin", "daily_limit", "allowed_addresses", "created_at",
    "expires_at", "revoked_at", "last_used_at", "replaced_by",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered.forget()
    yield
    remembered.forget()


def refused(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["field"]


def test_a_key_is_made_and_shown_once(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read", "contacts"])
    answer = client.post(
        "keys",
        {
            "tenant_id": acme.pk,
            "name": " Shop ",
            "scopes": ["contacts", "read"],
            "daily_limit": 15,
            "expires_at": "2036-01-01T00:00:00Z",
            "allowed_addresses": ["192.0.2.0/24", "2001:db8::1"],
            "unknown": "ignored",
        },
    )
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(made) == FIELDS | {"key"}
    stored = ApiKey.objects.get(pk=made["id"])
    assert made["key"].startswith(f"ls_{stored.prefix}_")
    assert bcrypt.checkpw(made["key"].encode(), stored.hash.encode())
    assert (made["tenant_id"], made["name"], made["prefix"]) == (acme.pk, "Shop", stored.prefix)
    assert (made["scopes"], made["is_admin"], made["daily_limit"]) == (["contacts", "read"], False, 15)
    assert (made["expires_at"], made["revoked_at"]) == ("2036-01-01T00:00:00Z", None)
    assert (made["last_used_at"], made["replaced_by"]) == (None, None)
    assert made["allowed_addresses"] == ["192.0.2.0/24", "2001:db8::1/128"]
    shown = client.get(f"keys/{acme.pk}/{made['id']}")
    assert shown.status_code == 200
    assert set(shown.json()) == FIELDS
    assert made["key"] not in client.get(f"keys/{acme.pk}").content.decode()


def test_without_scopes_a_key_has_those_of_its_maker_but_admin(acme: Tenant) -> None:
    made = caller(acme, scopes=["admin", "read", "contacts"]).post("keys", {"name": "less"}).json()
    assert made["scopes"] == ["contacts", "read"]


def test_a_key_hands_out_only_what_it_has(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    assert refused(client.post("keys", {"name": "x", "scopes": ["send"]})) == (403, "forbidden", "scopes")
    assert refused(client.post("keys", {"name": "x", "is_admin": True})) == (403, "forbidden", "is_admin")
    everything, _ = create_api_key(tenant=acme, name="everything")
    assert refused(client.post(f"keys/{acme.pk}/{everything.pk}/rotate")) == (403, "forbidden", "scopes")
    assert not ApiKey.objects.filter(name="x").exists()


def test_only_an_admin_key_makes_and_sees_admin_keys(acme: Tenant, globex: Tenant) -> None:
    admin, owner = caller(globex, is_admin=True), caller(acme, scopes=["admin"])
    answer = admin.post("keys", {"tenant_id": acme.pk, "name": "root", "is_admin": True, "scopes": ["read"]})
    assert (answer.status_code, answer.json()["is_admin"]) == (201, True)
    item = f"keys/{acme.pk}/{answer.json()['id']}"
    assert [owner.call(method, item).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert owner.post(f"{item}/rotate").status_code == 404
    assert "root" not in [key["name"] for key in owner.get(f"keys/{acme.pk}").json()["items"]]
    assert "root" in [key["name"] for key in admin.get(f"keys/{acme.pk}").json()["items"]]


def test_every_operation_needs_the_scope_admin(acme: Tenant) -> None:
    client = caller(acme)
    key = ApiKey.objects.get(prefix=prefix_of(client.key))
    item = f"keys/{acme.pk}/{key.pk}"
    calls = [("POST", "keys"), ("GET", f"keys/{acme.pk}"), ("GET", item), ("DELETE", item), ("POST", f"{item}/rotate")]
    for method, path in calls:
        assert refused(client.call(method, path, {"name": "x"})) == (403, "forbidden", None), path


def test_it_hides_another_tenants_keys(acme: Tenant, globex: Tenant) -> None:
    theirs, _ = create_api_key(tenant=acme, name="theirs", scopes=["read"])
    client = caller(globex, scopes=["admin", "read"])
    for method, path in (
        ("GET", f"keys/{acme.pk}"),
        ("GET", f"keys/{acme.pk}/{theirs.pk}"),
        ("DELETE", f"keys/{acme.pk}/{theirs.pk}"),
        ("POST", f"keys/{acme.pk}/{theirs.pk}/rotate"),
    ):
        assert client.call(method, path).status_code == 403, path
    assert client.post("keys", {"tenant_id": acme.pk, "name": "x"}).status_code == 403
    for method, path in (
        ("GET", f"keys/{globex.pk}/{theirs.pk}"),
        ("DELETE", f"keys/{globex.pk}/{theirs.pk}"),
        ("POST", f"keys/{globex.pk}/{theirs.pk}/rotate"),
        ("GET", f"keys/{globex.pk}/{2**63}"),
        ("GET", f"keys/{globex.pk}/{10**30}"),
    ):
        assert refused(client.call(method, path)) == (404, "not_found", "key_id"), path
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_a_list_is_read_in_pages_by_as_many_queries_as_one_key(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin"])
    client.get(f"keys/{acme.pk}")
    with CaptureQueriesContext(connection) as few:
        client.get(f"keys/{acme.pk}")
    template = ApiKey.objects.get(prefix=prefix_of(client.key))
    ApiKey.objects.bulk_create(
        ApiKey(tenant=acme, name=f"n{number}", prefix=f"p{number}", hash=template.hash) for number in range(60)
    )
    with CaptureQueriesContext(connection) as many:
        first = client.get(f"keys/{acme.pk}?limit=50").json()
    assert len(many) == len(few)
    rest = client.get(f"keys/{acme.pk}?limit=50&cursor={first['next_cursor']}").json()
    ids = [key["id"] for key in first["items"] + rest["items"]]
    assert len(first["items"]) == 50
    assert rest["next_cursor"] is None
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == ApiKey.objects.filter(tenant=acme, is_admin=False).count()


def test_a_replaced_key_works_until_its_grace_is_over(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    old, readable = create_api_key(
        tenant=acme, name="Shop", scopes=["admin"], daily_limit=9, allowed_addresses=["127.0.0.0/8"]
    )
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False) as clock:
        answer = client.post(f"keys/{acme.pk}/{old.pk}/rotate", {"grace_seconds": 3600})
        made = answer.json()
        assert answer.status_code == 201
        assert set(made) == FIELDS | {"key"}
        assert made["id"] != old.pk
        assert (made["name"], made["scopes"], made["daily_limit"]) == ("Shop", ["admin"], 9)
        assert (made["allowed_addresses"], made["expires_at"]) == (["127.0.0.0/8"], None)
        shown = client.get(f"keys/{acme.pk}/{old.pk}").json()
        assert (shown["replaced_by"], shown["expires_at"]) == (made["id"], "2026-11-21T11:00:00Z")
        assert [V2(acme, key).get(f"keys/{acme.pk}").status_code for key in (readable, made["key"])] == [200, 200]
        clock.shift(3600)
        assert [V2(acme, key).get(f"keys/{acme.pk}").status_code for key in (readable, made["key"])] == [401, 200]


def test_without_grace_the_old_key_ends_at_once(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin"])
    own = ApiKey.objects.get(prefix=prefix_of(client.key))
    assert client.get(f"keys/{acme.pk}").status_code == 200
    made = client.post(f"keys/{acme.pk}/{own.pk}/rotate").json()
    assert client.get(f"keys/{acme.pk}").status_code == 401
    assert V2(acme, made["key"]).get(f"keys/{acme.pk}").status_code == 200


def test_a_key_is_replaced_once_and_only_while_it_works(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin", "read"])
    replaced, _ = create_api_key(tenant=acme, name="a", scopes=["read"])
    revoked, _ = create_api_key(tenant=acme, name="b", scopes=["read"])
    assert client.post(f"keys/{acme.pk}/{replaced.pk}/rotate", {"grace_seconds": 60}).status_code == 201
    assert client.delete(f"keys/{acme.pk}/{revoked.pk}").status_code == 204
    for key in (replaced, revoked):
        assert refused(client.post(f"keys/{acme.pk}/{key.pk}/rotate")) == (409, "conflict", None)


def test_a_revoked_key_opens_nothing_any_more(acme: Tenant) -> None:
    client = caller(acme, scopes=["admin"])
    other = caller(acme, scopes=["admin"])
    assert other.get(f"keys/{acme.pk}").status_code == 200
    item = f"keys/{acme.pk}/{ApiKey.objects.get(prefix=prefix_of(other.key)).pk}"
    assert [client.delete(item).status_code for _ in range(2)] == [204, 204]
    assert other.get(f"keys/{acme.pk}").status_code == 401
    assert client.get(item).json()["revoked_at"] is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "x", "scopes": ["all"]}, "scopes.0"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "daily_limit": 0}, "daily_limit"),
        ({"name": "x", "daily_limit": 2**31}, "daily_limit"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2036-01-01"}, "expires_at"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"name": "x", "allowed_addresses": ["192.0.2.1/24"]}, "allowed_addresses"),
        ({"name": "x", "allowed_addresses": ["home"]}, "allowed_addresses"),
        ({"name": "x", "allowed_addresses": ["192.0.2.1"] * 51}, "allowed_addresses"),
        ({"name": "x", "is_admin": "perhaps"}, "is_admin"),
        ({"name": "x", "tenant_id": "1"}, "tenant_id"),
        ([], None),
        ("text", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_body_is_refused_with_the_name_of_the_field(acme: Tenant, body: Any, field: str | None) -> None:
    before = ApiKey.objects.count()
    answer = caller(acme, scopes=["admin", "read"]).post("keys", body)
    assert refused(answer) == (422, "invalid_input", field)
    assert ApiKey.objects.count() == before + 1


@pytest.mark.parametrize("grace", [-1, 604801, "long", None])
def test_a_wrong_grace_is_refused(acme: Tenant, grace: Any) -> None:
    client = caller(acme, scopes=["admin"])
    key = ApiKey.objects.get(prefix=prefix_of(client.key))
    answer = client.post(f"keys/{acme.pk}/{key.pk}/rotate", {"grace_seconds": grace})
    assert refused(answer) == (422, "invalid_input", "grace_seconds")
