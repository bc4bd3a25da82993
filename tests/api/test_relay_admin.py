"""R11, R21 to R24 and R29: limits, configuration, maintenance, clean-up and tokens of the relay's dialect, over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from api.access.key_checks import remembered
from tenants.models import ApiKey, Plan, Setting, Tenant, Usage
from tenants.services.changes import revoke_api_key
from tenants.services.keys import prefix_of
from tenants.services.quotas import number_of_user
from tenants.services.setting_rows import rows
from tenants.services.settings import current
from tests.api.relay_cast import Relay, furnish, refusal, relay
from tests.outbound.cleanup_cast import move_back, sent_long_ago
from tests.outbound.submission_cast import submitted


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    rows.forget()
    remembered.forget()
    yield
    rows.forget()
    remembered.forget()


@pytest.fixture
def operator(acme: Tenant) -> Relay:
    return relay(acme, is_admin=True)


OPERATORS = [
    ("GET", "admin/config", None),
    ("PUT", "admin/config", {}),
    ("POST", "admin/maintenance/mode", {"enabled": True}),
    ("POST", "admin/maintenance/cleanup", {"older_than_days": 90}),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATORS)
@pytest.mark.parametrize("scopes", [["send", "read"], ["admin", "read", "send"]], ids=["a key", "a key with admin"])
def test_what_concerns_all_workspaces_is_for_operators_only(
    acme: Tenant, method: str, path: str, body: Any, scopes: list[str]
) -> None:
    answer = relay(acme, scopes=scopes).call(method, path, body)
    assert refusal(answer)[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    assert not Setting.objects.exists()


@pytest.mark.parametrize(("method", "path", "body"), OPERATORS)
@pytest.mark.parametrize("root", ["/v1", "/api/v1"])
def test_the_same_paths_answer_below_v1(operator: Relay, method: str, path: str, body: Any, root: str) -> None:
    assert operator.call(method, f"{root}/{path}", body).status_code == 200


def test_r11_limits_are_told_for_all_the_workspace_and_its_users(acme: Tenant) -> None:
    day = datetime.now(UTC).date()
    for user, amount in (("user-123", 150), ("user-456", 300)):
        Usage.objects.create(tenant=acme, key_id=number_of_user(user), user_ref=user, day=day, used=amount)
    Usage.objects.create(tenant=acme, day=day, used=450)
    answer = relay(acme, scopes=["read"]).get(f"rate-limit?workspace_id={acme.workspace_id}")
    assert answer.status_code == 200
    reset_at = f"{day + timedelta(days=1)}T00:00:00Z"
    assert answer.json() == {
        "success": True,
        "data": {
            "global": {"limit": 100_000, "remaining": 99_550, "reset_at": reset_at},
            "workspace": {
                "workspace_id": acme.workspace_id,
                "limit": 100_000,
                "used": 450,
                "remaining": 99_550,
                "reset_at": reset_at,
            },
            "users": {
                "user-456": {"limit": 500, "used": 300, "remaining": 200},
                "user-123": {"limit": 500, "used": 150, "remaining": 350},
            },
        },
    }
    assert answer.headers["X-RateLimit-Workspace"] == acme.workspace_id


def test_r11_another_workspaces_limits_are_not_told(acme: Tenant, globex: Tenant) -> None:
    answer = relay(acme).get(f"rate-limit?workspace_id={globex.workspace_id}")
    assert refusal(answer)[:2] == (403, "WORKSPACE_ACCESS_DENIED")
    told = relay(globex).get("rate-limit").json()["data"]
    assert (told["workspace"]["used"], told["users"]) == (0, {})
    for_operator = relay(acme, is_admin=True).get(f"rate-limit?workspace_id={globex.workspace_id}").json()["data"]
    assert for_operator["workspace"]["workspace_id"] == globex.workspace_id


def test_r11_without_a_limit_it_is_null(operator: Relay) -> None:
    operator.put("admin/config", {"rate_limits": {"global_daily": 0}})
    told = operator.get("rate-limit").json()["data"]["global"]
    assert (told["limit"], told["remaining"]) == (None, None)


def test_r21_the_configuration_is_told(operator: Relay) -> None:
    answer = operator.get("admin/config")
    assert answer.status_code == 200
    told = answer.json()
    assert told["success"] is True
    assert set(told["data"]) == {"smtp", "queue", "rate_limits", "providers"}
    assert told["data"]["smtp"] == {"host": "0.0.0.0", "port": 2525, "max_size": 26_214_400}
    assert told["data"]["queue"] == {"batch_size": 50, "process_interval": "30s", "max_retries": 15}
    assert told["data"]["rate_limits"] == {
        "global_daily": 100_000,
        "workspace_default": 10_000,
        "user_default": 500,
    }
    assert told["data"]["providers"]["smtp"] == {"enabled": True, "rate_limit": 0}


def test_r22_a_change_is_merged_and_takes_effect_without_a_restart(operator: Relay) -> None:
    answer = operator.put(
        "admin/config",
        {"queue": {"batch_size": 100, "process_interval": "15s"}, "rate_limits": {"global_daily": 150_000}},
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Configuration updated successfully",
        "restart_required": False,
    }
    told = operator.get("admin/config").json()["data"]
    assert told["queue"] == {"batch_size": 100, "process_interval": "15s", "max_retries": 15}
    assert told["rate_limits"]["global_daily"] == 150_000
    assert operator.get("rate-limit").json()["data"]["global"]["limit"] == 150_000
    assert current().batch_size == 100
    assert Setting.objects.get(name="queue.batch_size").updated_by == "test"


def test_r22_it_says_when_a_restart_is_needed(operator: Relay) -> None:
    assert operator.put("admin/config", {"smtp": {"port": 2587}}).json()["restart_required"] is True
    assert operator.put("admin/config", {"smtp": {"port": 2587}}).json()["restart_required"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"speed": 1}, "speed"),
        ({"queue": {"batch_size": "100"}}, "queue.batch_size"),
        ({"queue": {"turbo": True}}, "queue.turbo"),
        ({"providers": {"pigeon": {}}}, "providers.pigeon"),
        ([], None),
    ],
)
def test_r22_what_is_unknown_or_of_a_wrong_type_is_refused_with_its_name(
    operator: Relay, body: Any, field: str | None
) -> None:
    assert refusal(operator.put("admin/config", body)) == (400, "INVALID_REQUEST", field)
    assert not Setting.objects.exists()


def test_r23_maintenance_closes_sending_and_nothing_else_and_ends_by_itself(acme: Tenant, operator: Relay) -> None:
    furnish()
    began = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    with time_machine.travel(began, tick=False):
        answer = operator.post(
            "admin/maintenance/mode",
            {"enabled": True, "message": "Scheduled maintenance in progress", "expected_duration_minutes": 30},
        )
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": {
            "maintenance_mode": True,
            "started_at": "2026-03-01T10:00:00Z",
            "expected_end": "2026-03-01T10:30:00Z",
        },
    }
    # That time is over: the database's clock is not the test's.
    client = relay(acme)
    assert client.send().status_code == 202
    operator.post("admin/maintenance/mode", {"enabled": True, "message": "New disks", "expected_duration_minutes": 30})
    refused = client.send()
    assert refusal(refused)[:2] == (503, "MAINTENANCE_MODE")
    assert refused.json()["error"]["message"] == "New disks"
    assert 1700 < int(refused.headers["Retry-After"]) <= 1800
    assert client.get("messages").status_code == 200
    assert client.get("rate-limit").status_code == 200
    ended = operator.post("admin/maintenance/mode", {"enabled": False})
    assert ended.json()["data"] == {"maintenance_mode": False, "started_at": None, "expected_end": None}
    assert client.send().status_code == 202


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "MISSING_REQUIRED_FIELD", "enabled"),
        ({"enabled": "true"}, "INVALID_REQUEST", "enabled"),
        ({"enabled": None}, "INVALID_REQUEST", "enabled"),
        ({"enabled": True, "message": 5}, "INVALID_REQUEST", "message"),
        ({"enabled": True, "message": "\ud800"}, "INVALID_REQUEST", "message"),
        ({"enabled": True, "message": "Moving\r\n250 Ok"}, "INVALID_REQUEST", "message"),
        (
            {"enabled": True, "expected_duration_minutes": "30"},
            "INVALID_REQUEST",
            "expected_duration_minutes",
        ),
        ({"enabled": True, "expected_duration_minutes": 0}, "INVALID_REQUEST", "expected_duration_minutes"),
        (b"{", "INVALID_REQUEST", None),
    ],
)
def test_r23_a_bad_body_is_refused(operator: Relay, body: Any, code: str, field: str | None) -> None:
    assert refusal(operator.post("admin/maintenance/mode", body)) == (400, code, field)
    assert not Setting.objects.exists()


def test_r24_a_dry_run_counts_what_a_real_one_deletes(live_tenant: Tenant) -> None:
    client = relay(live_tenant, is_admin=True)
    try:
        for _ in range(3):
            sent_long_ago(100, opens=2)
        waiting = submitted().message_id
        move_back(waiting, 100)
        body = {
            "older_than_days": 90,
            "include_sent": True,
            "include_failed": True,
            "dry_run": True,
            "workspace_id": live_tenant.workspace_id,
        }
        counted = client.post("admin/maintenance/cleanup", body)
        assert counted.status_code == 200
        assert counted.json() == {
            "success": True,
            "data": {
                "deleted": {"messages": 3, "webhook_events": 0, "recipient_events": 6},
                "space_freed_mb": 0,
                "complete": True,
            },
        }
        done = client.post("admin/maintenance/cleanup", {**body, "dry_run": False})
        assert done.json() == counted.json()
        with connection.cursor() as cursor:
            cursor.execute("SELECT message_id FROM outbound_submission")
            assert cursor.fetchall() == [(waiting,)]
        assert client.post("admin/maintenance/cleanup", body).json()["data"]["deleted"]["messages"] == 0
    finally:
        ApiKey.objects.filter(tenant=live_tenant).delete()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "MISSING_REQUIRED_FIELD", "older_than_days"),
        ({"older_than_days": "90"}, "INVALID_REQUEST", "older_than_days"),
        ({"older_than_days": 0}, "INVALID_REQUEST", "older_than_days"),
        ({"older_than_days": True}, "INVALID_REQUEST", "older_than_days"),
        ({"older_than_days": 90, "dry_run": 1}, "INVALID_REQUEST", "dry_run"),
        ({"older_than_days": 90, "include_sent": None}, "INVALID_REQUEST", "include_sent"),
        ({"older_than_days": 90, "workspace_id": 5}, "INVALID_REQUEST", "workspace_id"),
    ],
)
def test_r24_a_bad_body_is_refused(operator: Relay, body: Any, code: str, field: str) -> None:
    assert refusal(operator.post("admin/maintenance/cleanup", body)) == (400, code, field)


def test_r24_a_workspace_that_is_not_there_is_said_so(operator: Relay) -> None:
    answer = operator.post("admin/maintenance/cleanup", {"older_than_days": 9, "workspace_id": "ws-none"})
    assert refusal(answer)[:2] == (404, "WORKSPACE_NOT_FOUND")


def with_token(tenant: Tenant, token: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return Relay(tenant, "").call(method, path, body, authorization=f"Bearer {token}", **headers)


def test_r29_a_key_is_exchanged_for_a_token_and_that_for_the_next(acme: Tenant) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False) as clock:
        answer = relay(acme, scopes=["read", "send"]).post("auth/token", {"scopes": ["read"], "expires_in": 600})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        data = answer.json()["data"]
        assert answer.json()["success"] is True
        assert set(data) == {
            "access_token", "token_type", "expires_in", "expires_at", "refresh_token", "refresh_expires_in",
            "scopes", "workspace_id",
        }  # fmt: skip
        assert (data["token_type"], data["expires_in"], data["expires_at"]) == ("Bearer", 600, "2026-11-21T10:10:00Z")
        assert (data["refresh_expires_in"], data["scopes"]) == (86_400, ["read"])
        assert data["workspace_id"] == acme.workspace_id
        assert with_token(acme, data["access_token"], "GET", "rate-limit").status_code == 200
        refused = with_token(acme, data["access_token"], "POST", "messages", {})
        assert refusal(refused)[:2] == (403, "INSUFFICIENT_PERMISSIONS")

        clock.shift(timedelta(minutes=11))
        expired = with_token(acme, data["access_token"], "GET", "rate-limit")
        assert refusal(expired)[:2] == (401, "INVALID_TOKEN")

        again = Relay(acme, "").post("auth/refresh", {"refresh_token": data["refresh_token"]})
        assert again.status_code == 200, again.content
        new = again.json()["data"]
        assert (new["expires_in"], new["scopes"], new["refresh_token"]) == (900, ["read"], data["refresh_token"])
        assert new["refresh_expires_in"] == 86_400 - 660
        assert with_token(acme, new["access_token"], "GET", "rate-limit").status_code == 200

        clock.shift(timedelta(days=1))
        late = Relay(acme, "").post("auth/refresh", {"refresh_token": data["refresh_token"]})
        assert refusal(late)[:2] == (401, "INVALID_TOKEN")


def test_r29_without_a_key_there_is_no_token(acme: Tenant) -> None:
    assert refusal(Relay(acme, "").post("auth/token", {}))[:2] == (401, "AUTH_REQUIRED")
    assert refusal(Relay(acme, "ls_wrong").post("auth/token", {}))[:2] == (401, "INVALID_TOKEN")


def test_r29_a_token_is_not_exchanged_for_another_and_a_refresh_token_opens_nothing(acme: Tenant) -> None:
    data = relay(acme).post("auth/token", {}).json()["data"]
    again = with_token(acme, data["access_token"], "POST", "auth/token", {})
    assert refusal(again)[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    opened = with_token(acme, data["refresh_token"], "GET", "rate-limit")
    assert refusal(opened)[:2] == (401, "INVALID_TOKEN")
    swapped = Relay(acme, "").post("auth/refresh", {"refresh_token": data["access_token"]})
    assert refusal(swapped)[:2] == (401, "INVALID_TOKEN")


def test_r29_a_refresh_token_ends_with_its_key(acme: Tenant) -> None:
    client = relay(acme)
    data = client.post("auth/token", {}).json()["data"]
    revoke_api_key(key=ApiKey.objects.get(prefix=prefix_of(client.key)))
    remembered.forget()
    answer = Relay(acme, "").post("auth/refresh", {"refresh_token": data["refresh_token"]})
    assert refusal(answer)[:2] == (401, "INVALID_TOKEN")


def test_r29_an_operators_token_acts_for_any_workspace_but_makes_no_admin_key(acme: Tenant, globex: Tenant) -> None:
    admin = relay(acme, is_admin=True)
    plain = admin.post("auth/token", {}).json()["data"]["access_token"]
    assert refusal(with_token(acme, plain, "GET", "admin/config"))[:2] == (403, "INSUFFICIENT_PERMISSIONS")
    given = admin.post("auth/token", {"operator": True}).json()["data"]
    assert with_token(acme, given["access_token"], "GET", "admin/config").status_code == 200
    there = with_token(acme, given["access_token"], "GET", "rate-limit", x_workspace_id=globex.workspace_id)
    assert there.headers["X-RateLimit-Workspace"] == globex.workspace_id
    refreshed = Relay(acme, "").post("auth/refresh", {"refresh_token": given["refresh_token"]}).json()["data"]
    assert with_token(acme, refreshed["access_token"], "GET", "admin/config").status_code == 200
    key = with_token(acme, given["access_token"], "POST", "/api/v2/keys", {"name": "k", "is_admin": True})
    assert key.status_code == 403


def test_r29_only_an_admin_key_has_operators_tokens_and_nobody_gets_more_than_they_have(acme: Tenant) -> None:
    client = relay(acme, scopes=["read"])
    assert refusal(client.post("auth/token", {"operator": True})) == (403, "INSUFFICIENT_PERMISSIONS", "operator")
    assert refusal(client.post("auth/token", {"scopes": ["send"]})) == (403, "INSUFFICIENT_PERMISSIONS", "scopes")


def test_r29_a_token_of_one_workspace_is_refused_for_another(acme: Tenant, globex: Tenant) -> None:
    token = relay(acme).post("auth/token", {}).json()["data"]["access_token"]
    answer = with_token(acme, token, "GET", "rate-limit", x_workspace_id=globex.workspace_id)
    assert refusal(answer)[:2] == (403, "WORKSPACE_ACCESS_DENIED")


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        ("auth/token", {"expires_in": "600"}, "INVALID_REQUEST", "expires_in"),
        ("auth/token", {"expires_in": 3601}, "INVALID_REQUEST", "expires_in"),
        ("auth/token", {"scopes": "read"}, "INVALID_REQUEST", "scopes"),
        ("auth/token", {"scopes": []}, "INVALID_REQUEST", "scopes"),
        ("auth/token", {"scopes": ["fly"]}, "INVALID_REQUEST", "scopes"),
        ("auth/token", {"scopes": [[]]}, "INVALID_REQUEST", "scopes"),
        ("auth/token", {"operator": "yes"}, "INVALID_REQUEST", "operator"),
        ("auth/token", [], "INVALID_REQUEST", None),
        ("auth/refresh", {}, "MISSING_REQUIRED_FIELD", "refresh_token"),
        ("auth/refresh", {"refresh_token": 5}, "INVALID_REQUEST", "refresh_token"),
        ("auth/refresh", [], "INVALID_REQUEST", None),
    ],
)
def test_r29_a_bad_body_is_refused(acme: Tenant, path: str, body: Any, code: str, field: str | None) -> None:
    assert refusal(relay(acme).post(path, body)) == (400, code, field)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "x" * 5000, "a.b.c"])
def test_r29_what_is_no_refresh_token_is_refused(acme: Tenant, token: str) -> None:
    answer = Relay(acme, "").post("auth/refresh", {"refresh_token": token})
    assert refusal(answer)[:2] == (401, "INVALID_TOKEN")


def test_r30_the_plans_are_those_of_the_reference(acme: Tenant) -> None:
    told = {plan.slug: (plan.hourly_limit, plan.daily_limit, plan.burst) for plan in Plan.objects.all()}
    assert told["free"] == (100, 1_000, 10)
    assert told["basic"] == (1_000, 10_000, 50)
    assert told["pro"] == (10_000, 100_000, 100)
    assert "enterprise" in told
