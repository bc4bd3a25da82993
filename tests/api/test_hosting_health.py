"""H21, H24 and H25: figures of the installation, and the documentation, as clients of the hosting service want them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, modify_settings, override_settings
from prometheus_client.parser import text_string_to_metric_families

from api.docs.document import openapi_document
from api.health.census import census
from common.database import connection
from common.metrics import EMAIL_SENDS, counts_by
from deliverability.models import DkimKey, SendingDomain
from outbound.models import Daily
from tenants.models import Tenant, WaitingMail
from tests.api.hosting_cast import furnish, hosting


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    first = ["api.measuring.MeasuringMiddleware", "api.health.WatchDoors"]
    census.forget()
    with modify_settings(MIDDLEWARE={"prepend": first}), override_settings(RATE_LIMIT_MAX=0):
        yield
    census.forget()


@pytest.fixture
def busy(live_tenant: Tenant) -> Iterator[Tenant]:
    """A tenant with two domains, of which one signs, mail that waits, and a history of today and yesterday."""
    furnish()
    SendingDomain.objects.create(name="other.example")
    domain = SendingDomain.objects.get(name="acme.example")
    DkimKey.objects.create(domain=domain, selector="a", algorithm="rsa-sha256", sealed_private_key="", record="")
    DkimKey.objects.create(domain=domain, selector="b", algorithm="rsa-sha256", sealed_private_key="", record="")
    shop, later = hosting(live_tenant), (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert shop.send(to=["a@example.com", "b@example.com"]).status_code == 202
    assert shop.send(scheduledAt=later).status_code == 202
    today = datetime.now(UTC).date()
    counts = {
        "sent": 9,
        "confirmed": 8,
        "refused_hard": 1,
        "refused_soft": 2,
        "came_back": 3,
        "deferred": 4,
        "failed": 5,
    }
    Daily.objects.create(day=today, origin="single", slot=0, **counts)
    Daily.objects.create(day=today, origin="campaign", slot=1, sent=1)
    Daily.objects.create(day=today - timedelta(days=1), origin="single", slot=0, sent=1000)
    yield live_tenant
    WaitingMail.objects.filter(schema=live_tenant.schema_name).delete()


def ask(path: str, **options: Any) -> Any:
    return Client(raise_request_exception=False).get(path, **options)


def told(path: str = "/metrics") -> dict[str, Any]:
    text = ask(path).content.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family: Any, **labels: str) -> float:
    (found,) = [sample.value for sample in family.samples if sample.labels == labels]
    return float(found)


def test_h21_metrics_tell_of_requests_and_of_mail_that_was_sent_and_waits(busy: Tenant) -> None:
    before = ask("/health/metrics").json()
    EMAIL_SENDS.labels("sent").inc(2)
    EMAIL_SENDS.labels("failed").inc()
    body = ask("/health/metrics").json()
    assert body["requests"]["total"] == before["requests"]["total"] + 1
    assert body["requests"]["by_status"]["200"] == before["requests"]["by_status"].get("200", 0) + 1
    assert body["email"]["sent"] == before["email"]["sent"] + 2
    assert body["email"]["failed"] == before["email"]["failed"] + 1
    assert (body["email"]["queued"], body["email"]["scheduled"]) == (2, 1)
    assert body["email"]["today"] == {"sent": 10, "delivered": 8, "bounced": 6, "deferred": 4, "failed": 5}
    assert body["domains"] == {"total": 2, "signing": 1}
    assert body["system"]["uptime_seconds"] > 0


def test_h21_without_the_database_the_rest_is_told(busy: Tenant) -> None:
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.DATABASES["default"], "PORT", "1")
        answer = ask("/health/metrics")
    connection.close()
    assert answer.status_code == 200
    body = answer.json()
    assert body["database"] == {"up": False}
    assert body["domains"] is None
    assert (body["email"]["queued"], body["email"]["today"]) == (None, None)
    assert body["system"]["memory_bytes"] > 0


def test_h24_prometheus_is_told_of_http_email_domains_and_system(busy: Tenant) -> None:
    families = told()
    assert value(families["emails_queued"]) == 2
    assert value(families["emails_scheduled"]) == 1
    outcomes = {"sent": 10, "delivered": 8, "bounced": 6, "deferred": 4, "failed": 5}
    assert {name: value(families["emails_today"], status=name) for name in outcomes} == outcomes
    assert value(families["sending_domains"]) == 2
    assert value(families["sending_domains_signing"]) == 1
    total, available = value(families["system_memory_bytes"]), value(families["system_memory_available_bytes"])
    assert total > available > 0
    assert value(families["system_load1"]) >= 0
    assert families["system_cpu_seconds"].type == "counter"
    assert value(families["system_cpu_seconds"]) > 0
    assert families["http_requests"].samples
    assert families["http_request_duration_seconds"].samples


def test_h24_tenants_are_counted_once_a_minute_however_many_ask(busy: Tenant) -> None:
    assert value(told()["emails_queued"]) == 2
    assert hosting(busy).send().status_code == 202
    assert value(told()["emails_queued"]) == 2
    census.forget()
    assert value(told()["emails_queued"]) == 3


def test_h24_figures_of_one_counter_are_summed_by_a_label() -> None:
    before = counts_by(EMAIL_SENDS, "status").get("deferred", 0)
    EMAIL_SENDS.labels("deferred").inc(3)
    assert counts_by(EMAIL_SENDS, "status")["deferred"] == before + 3


def test_h25_the_document_has_the_hosting_operations_with_examples() -> None:
    document = json.loads(openapi_document())
    found = {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"].startswith("hosting_emails_")
    }
    assert {name: (method, path) for name, (method, path, _) in found.items()} == {
        "hosting_emails_send": ("post", "/api/v1/emails"),
        "hosting_emails_list": ("get", "/api/v1/emails"),
        "hosting_emails_stats": ("get", "/api/v1/emails/stats"),
        "hosting_emails_get": ("get", "/api/v1/emails/{email_id}"),
        "hosting_emails_delete": ("delete", "/api/v1/emails/{email_id}"),
        "hosting_emails_resend": ("post", "/api/v1/emails/{email_id}/resend"),
    }
    assert all(operation["summary"] and operation["tags"] for _, _, operation in found.values())
    body = found["hosting_emails_send"][2]["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) == 2
    sent = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
    assert sent["required"] == ["from", "to"]
    assert "202" in found["hosting_emails_send"][2]["responses"]


def test_h25_the_examples_work_when_they_are_pasted(acme: Tenant) -> None:
    document = json.loads(openapi_document())
    examples = document["paths"]["/api/v1/emails"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    furnish()
    SendingDomain.objects.create(name="yourdomain.com")
    for example in examples.values():
        answer = hosting(acme).call("POST", "emails", example["value"])
        assert answer.status_code == 202, answer.content
    assert Client().get("/api-docs", headers={"host": "localhost"}).status_code == 200
