"""The curl examples of the gateway's reference, as they were printed, against a live server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tenants.models import Tenant
from tests.api.clients.cast import stored
from tests.api.clients.running import Served, run_script, served


@pytest.fixture
def gateway(live_tenant: Tenant) -> Iterator[Served]:
    with served(live_tenant, "/api/v1/send") as server:
        yield server


@pytest.mark.parametrize("name", ["basic", "headers"])
def test_g01_curl(gateway: Served, live_tenant: Tenant, tmp_path: Path, name: str) -> None:
    answer = json.loads(run_script(gateway.printed(f"gateway/{name}.sh"), within=tmp_path))
    assert answer["message"] == "Email queued for delivery"
    connection.set_tenant(live_tenant)
    message = stored(answer["message_id"])
    if name == "basic":
        assert (message["subject"], message["headers"]) == ("Welcome!", [])
    else:
        assert message["reply_to"] == [["noreply@example.com", ""]]
        assert message["headers"] == [["X-Priority", "1"]]


def test_g04_curl_asks_for_health_and_metrics(gateway: Served, tmp_path: Path) -> None:
    assert json.loads(run_script(gateway.printed("gateway/health.sh"), within=tmp_path))["status"]
    said = run_script(gateway.printed("gateway/metrics.sh"), within=tmp_path)
    for name in ("http_requests", "http_request_duration_seconds", "email_sends", "rate_limit_checks"):
        assert f"# TYPE {name}" in said
