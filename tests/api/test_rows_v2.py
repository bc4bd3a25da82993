"""Rows of docs/contract-v2.md that no test of one resource covers, and that the page names tests that are there."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings

from campaigns.models import Campaign, Template
from campaigns.services.drafts import Draft, create_campaign, update_campaign
from campaigns.services.sending import send_campaign
from campaigns.services.templates import TemplateText, create_template, update_template
from common import environment
from common.cache import build_stats_key
from contacts.validation.bulk import validate_contacts_bulk
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import HTML, add_contacts, add_provider

ROOT = Path(__file__).resolve().parents[2]
USE_CASES: tuple[Callable[..., Any], ...] = (
    create_campaign,
    send_campaign,
    update_campaign,
    create_template,
    update_template,
    validate_contacts_bulk,
)
STATISTICS = ("contacts", "campaigns", "events", "overview", "performance")
PAGES = "http://localhost:3000,https://app.example.com"


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


@pytest.fixture
def kept(acme: Tenant) -> Iterator[redis.Redis]:
    """The Redis that the cache is in, without this tenant's statistics."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"cache:{build_stats_key(acme.pk, '')}*"):
            client.delete(key)
        yield client


@pytest.mark.usefixtures("acme")
def test_v28_each_use_case_is_a_function_that_no_door_is_needed_for() -> None:
    template = create_template(written=TemplateText(name="News", subject="Hello", html=HTML))
    changed = update_template(template=template, written=TemplateText(name="News", subject="Hi", html=HTML))
    assert Template.objects.get(pk=template.pk).subject == changed.subject == "Hi"
    draft = Draft(name="Spring", template=changed, sender="Acme <news@acme.example>")
    campaign = create_campaign(draft=draft)
    campaign = update_campaign(campaign=campaign, draft=replace(draft, name="Summer"))
    assert Campaign.objects.get(pk=campaign.pk).name == "Summer"
    add_provider()
    add_contacts(3)
    assert send_campaign(campaign=campaign).state == "sending"
    assert validate_contacts_bulk().count == 3


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda function: function.__name__)
def test_v28_use_cases_take_their_arguments_by_name(use_case: Callable[..., Any]) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(use_case).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    assert use_case.__doc__


@pytest.mark.parametrize("path", STATISTICS)
def test_v30_statistics_are_kept_for_five_minutes(v2: V2, kept: redis.Redis, path: str) -> None:
    assert v2.get(f"stats/{v2.tenant.pk}/{path}").status_code == 200
    [key] = kept.scan_iter(f"cache:{build_stats_key(v2.tenant.pk, path)}*")
    assert 0 < kept.ttl(key) <= 300


def test_v30_statistics_are_not_told_any_more_when_a_call_has_changed_what_they_count(
    v2: V2, kept: redis.Redis
) -> None:
    address = f"stats/{v2.tenant.pk}/contacts"
    assert v2.get(address).json()["total"] == 0
    made = v2.post("contacts", {"email": "ann@example.com", "language": "fr"}).json()
    assert (v2.get(address).json()["total"], v2.get(address).json()["by_language"]) == (1, {"fr": 1})
    v2.post("suppressions", {"email": "ann@example.com"})
    assert v2.get(address).json()["mailable"] == 0
    v2.delete(f"contacts/{v2.tenant.pk}/{made['id']}")
    assert v2.get(address).json()["total"] == 0


def test_v32_the_pages_that_may_call_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", PAGES)
    assert environment.words("CORS_ORIGINS") == PAGES.split(",")
    told = subprocess.run(
        [sys.executable, "-c", "from config import settings; print(*settings.CORS_ALLOWED_ORIGINS, sep=',')"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "CORS_ORIGINS": PAGES, "SECRET_KEY": "x"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == PAGES


def test_v32_a_listed_page_may_call_every_method_with_credentials(v2: V2, settings: Any) -> None:
    page = PAGES.split(",")[1]
    settings.CORS_ALLOWED_ORIGINS = PAGES.split(",")
    asked = {"access_control_request_method": "DELETE", "access_control_request_headers": "x-api-key"}
    answer = v2.call("OPTIONS", f"tags/{v2.tenant.pk}/1", origin=page, **asked)
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    methods = {method.strip() for method in answer.headers["Access-Control-Allow-Methods"].split(",")}
    assert methods >= {"GET", "POST", "PUT", "DELETE"}
    assert "Access-Control-Allow-Origin" not in v2.get(f"tags/{v2.tenant.pk}", origin="https://evil.example").headers


def test_every_row_of_the_contract_names_tests_that_are_there() -> None:
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    rows = dict(re.findall(r"^\| (V\d+) \|.*\|(.*)\|$", (ROOT / "docs/contract-v2.md").read_text(), re.MULTILINE))
    assert list(rows) == [f"V{number}" for number in range(1, 36)]
    for row, named in rows.items():
        tests = re.findall(r"`(test_\w+)`", named)
        assert tests or row in ("V34", "V35"), row
        number = int(row[1:])
        for test in tests:
            assert test in there, test
            assert number in [int(found) for found in re.findall(r"(?<![a-z0-9])v(\d+)", test)], (row, test)
