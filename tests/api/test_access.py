"""Who is let in, with which key, from where, and what that costs."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.access.key_checks import remembered, state_of_key
from api.access.memory import ShortMemory
from tenants.models import ApiKey, Tenant
from tenants.services.changes import revoke_api_key
from tenants.services.environment_keys import make_environment_keys
from tenants.services.keys import create_api_key, prefix_of
from tests.api.v2_cast import V2, caller

NOT_VALID = "The API key is not valid."
ENVIRONMENT = {
    "API_KEY": "first-key-of-the-operator",
    "API_KEY_CLIENT1": "client-1-internal-key-2026",
    "API_KEY_CLIENT2": "client-2-internal-key-2026",
    "API_KEY_ADMIN": "admin-master-key-2026",
}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    remembered.forget()
    yield
    remembered.forget()


def refusal(answer: Any) -> tuple[int, str, str]:
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="lettershop"'
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def test_a_key_opens_its_tenant_whatever_the_case_of_the_header(acme: Tenant) -> None:
    key = caller(acme, scopes=["admin"]).key
    for name in ("X-API-Key", "x-api-key", "X-Api-Key"):
        answer = Client().get(f"/api/v2/keys/{acme.pk}", headers={name: key, "host": "localhost"})
        assert answer.status_code == 200, name


def test_without_a_key_or_with_a_wrong_one_the_call_is_refused(acme: Tenant) -> None:
    good = caller(acme, scopes=["admin"])
    assert refusal(V2(acme, "").get(f"keys/{acme.pk}")) == (401, "invalid_api_key", "The API key is missing.")
    for wrong in (good.key[:-1] + "!", good.key + "x", "ls_", "ls_0123456789ab_x", "nonsense", "é", "x" * 9000):
        assert refusal(V2(acme, wrong).get(f"keys/{acme.pk}")) == (401, "invalid_api_key", NOT_VALID), wrong


@pytest.mark.parametrize("name", ["api_key", "key", "X-API-Key", "token", "access_token"])
def test_a_key_in_the_url_is_never_accepted(acme: Tenant, name: str) -> None:
    good = caller(acme, scopes=["admin"])
    answer = V2(acme, "").get(f"keys/{acme.pk}?{name}={good.key}")
    assert refusal(answer) == (401, "invalid_api_key", "The API key is missing.")


def test_a_key_of_another_tenant_is_forbidden(acme: Tenant, globex: Tenant) -> None:
    answer = caller(globex, scopes=["admin"]).get(f"keys/{acme.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_an_admin_key_acts_for_any_tenant(acme: Tenant, globex: Tenant) -> None:
    admin = caller(globex, is_admin=True)
    assert admin.get(f"keys/{acme.pk}").status_code == 200
    assert admin.get("keys/999999999").status_code == 404


def test_an_admin_key_outlives_the_tenant_it_was_made_with(acme: Tenant, globex: Tenant) -> None:
    admin, ordinary = caller(globex, is_admin=True), caller(globex, scopes=["admin"])
    Tenant.objects.filter(pk=globex.pk).update(is_active=False)
    assert ordinary.get(f"keys/{globex.pk}").status_code == 401
    assert admin.get(f"keys/{acme.pk}").status_code == 200
    assert admin.get(f"keys/{globex.pk}").status_code == 404
    assert admin.post("keys", {"name": "x"}).status_code == 404


def test_bcrypt_is_paid_once_and_then_no_query_is_made(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = _count_comparisons(monkeypatch)
    key = caller(acme).key
    assert state_of_key(key)
    with CaptureQueriesContext(connection) as queries:
        assert state_of_key(key)
    assert (len(compared), len(queries)) == (1, 0)


def test_an_unknown_prefix_costs_what_a_wrong_secret_costs(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    key = caller(acme).key
    unknown = f"ls_{'0' * 12}_{key.split('_', 2)[2]}"
    costs = []
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), unknown, "some-other-form"):
        with monkeypatch.context() as patched, CaptureQueriesContext(connection) as queries:
            compared = _count_comparisons(patched)
            assert state_of_key(wrong) is None
        costs.append((len(compared), len(queries)))
    assert costs == [(1, 1)] * 3


def test_what_is_remembered_is_not_the_key(acme: Tenant) -> None:
    key = caller(acme).key
    state_of_key(key)
    assert key not in repr(remembered.__dict__)
    assert key.split("_", 2)[2] not in repr(remembered.__dict__)


def test_a_revoked_key_stops_working_within_a_minute(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    good = caller(acme, scopes=["admin"])
    assert good.get(f"keys/{acme.pk}").status_code == 200
    revoke_api_key(key=ApiKey.objects.get(prefix=prefix_of(good.key)))
    monkeypatch.setattr(remembered, "clock", lambda: time.monotonic() + 60)
    assert refusal(good.get(f"keys/{acme.pk}")) == (401, "invalid_api_key", NOT_VALID)


def test_an_expired_key_stops_working_at_that_moment(acme: Tenant) -> None:
    ends_at = timezone.now() + timedelta(seconds=30)
    _, key = create_api_key(tenant=acme, name="short", scopes=["admin"], expires_at=ends_at)
    assert V2(acme, key).get(f"keys/{acme.pk}").status_code == 200
    with time_machine.travel(ends_at, tick=False):
        assert refusal(V2(acme, key).get(f"keys/{acme.pk}")) == (401, "invalid_api_key", NOT_VALID)


def test_memory_is_bounded_and_short() -> None:
    now = [0.0]
    memory: ShortMemory[int] = ShortMemory(seconds=60, most=2, clock=lambda: now[0])
    for number in (1, 2, 3):
        memory.learn(number, number)
    assert [memory.recall(number) for number in (1, 2, 3)] == [None, 2, 3]
    now[0] = 60
    assert memory.recall(3) is None


def test_a_key_works_from_its_networks_only(acme: Tenant, settings: Any) -> None:
    _, key = create_api_key(
        tenant=acme, name="office", scopes=["admin"], allowed_addresses=["192.0.2.0/24", "2001:db8::/32"]
    )
    for address, status in {
        "192.0.2.7": 200, "::ffff:192.0.2.7": 200, "2001:db8::1": 200, "198.51.100.1": 401, "2001:db9::1": 401, "": 401,
    }.items():  # fmt: skip
        client = V2(acme, key, Client(REMOTE_ADDR=address))
        assert client.get(f"keys/{acme.pk}").status_code == status, address
        assert client.get(f"keys/{acme.pk}", x_forwarded_for="192.0.2.7").status_code == status, address
    settings.BEHIND_PROXY = True
    proxied = V2(acme, key, Client(REMOTE_ADDR="10.0.0.1"))
    assert proxied.get(f"keys/{acme.pk}", x_forwarded_for="198.51.100.1, 192.0.2.7").status_code == 200
    assert proxied.get(f"keys/{acme.pk}", x_forwarded_for="192.0.2.7, 198.51.100.1").status_code == 401
    assert proxied.get(f"keys/{acme.pk}", x_forwarded_for="nonsense").status_code == 401


def test_the_last_use_is_kept_to_the_minute_and_written_once_in_it(acme: Tenant) -> None:
    good = caller(acme, scopes=["admin"])
    with time_machine.travel("2026-11-21 10:00:30+00:00", tick=False):
        good.get(f"keys/{acme.pk}")
        remembered.forget()
        with CaptureQueriesContext(connection) as queries:
            good.get(f"keys/{acme.pk}")
    used = ApiKey.objects.get(prefix=prefix_of(good.key)).last_used_at
    assert used is not None
    assert used.isoformat() == "2026-11-21T10:00:00+00:00"
    assert not [query for query in queries if query["sql"].startswith("UPDATE") and "tenants_apikey" in query["sql"]]


def test_keys_of_the_environment_are_made_for_the_oldest_tenants(acme: Tenant, globex: Tenant, settings: Any) -> None:
    settings.ENVIRONMENT_API_KEYS = ENVIRONMENT
    first, second = sorted((acme, globex), key=lambda tenant: tenant.pk)
    assert make_environment_keys() == list(ENVIRONMENT)
    assert make_environment_keys() == []
    made = {key.name: key for key in ApiKey.objects.filter(name__in=ENVIRONMENT)}
    assert {name: key.tenant_id for name, key in made.items()} == {
        "API_KEY": first.pk, "API_KEY_CLIENT1": first.pk, "API_KEY_CLIENT2": second.pk, "API_KEY_ADMIN": first.pk,
    }  # fmt: skip
    assert [name for name, key in made.items() if key.is_admin] == ["API_KEY_ADMIN"]
    for name, key in made.items():
        assert bcrypt.checkpw(ENVIRONMENT[name].encode(), key.hash.encode())
        assert len(key.prefix) == 16
        assert key.prefix not in ENVIRONMENT[name]
    assert V2(second, ENVIRONMENT["API_KEY_CLIENT2"]).post("tokens", {"tenant_id": first.pk}).status_code == 403
    assert V2(first, ENVIRONMENT["API_KEY_ADMIN"]).get(f"keys/{second.pk}").status_code == 200


def test_a_key_of_the_environment_works_at_its_first_use_and_stays_revoked(acme: Tenant, settings: Any) -> None:
    settings.ENVIRONMENT_API_KEYS = {"API_KEY_ADMIN": "x" * 200, "API_KEY": ""}
    admin = V2(acme, "x" * 200)
    assert V2(acme, "x" * 199).get(f"keys/{acme.pk}").status_code == 401
    assert admin.get(f"keys/{acme.pk}").status_code == 200
    revoke_api_key(key=ApiKey.objects.get(name="API_KEY_ADMIN"))
    remembered.forget()
    assert admin.get(f"keys/{acme.pk}").status_code == 401
    assert make_environment_keys() == []


def test_a_key_of_the_environment_waits_for_its_tenant(acme: Tenant, settings: Any) -> None:
    settings.ENVIRONMENT_API_KEYS = {"API_KEY_CLIENT2": ENVIRONMENT["API_KEY_CLIENT2"]}
    customers = Tenant.objects.exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA))
    oldest = customers.order_by("pk")[0]
    later = customers.exclude(pk=oldest.pk).order_by("pk")
    to_come = list(later)
    later.delete()
    second = V2(oldest, ENVIRONMENT["API_KEY_CLIENT2"])
    assert second.post("tokens").status_code == 401
    Tenant.objects.bulk_create(to_come)
    assert second.post("tokens").status_code == 201
    assert ApiKey.objects.get(name="API_KEY_CLIENT2").tenant == to_come[0]


def _count_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    compare = bcrypt.checkpw

    def counted(given: bytes, hashed: bytes) -> bool:
        calls.append(1)
        return compare(given, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    return calls
