"""The command line as a script sees it: exit status, one JSON object, one sentence when refused."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from outbound.health.configuration import configuration_checks
from outbound.health.work import work_checks
from outbound.models import Chunk, Message, ProviderAccount
from outbound.states import MessageState
from tenants.members.models import User
from tenants.models import ApiKey, Host, Tenant
from tenants.services.due import note_due

ROOT = Path(__file__).resolve().parents[2]


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a process of its own, on the tests' database."""
    database = settings.DATABASES["default"]
    host = database["HOST"].replace("/", "%2F")
    url = f"postgres://{database['USER']}@{host}/{database['NAME']}"
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, "DATABASE_URL": url, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def said(*arguments: str) -> str:
    """What a command prints, run in this process."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def answered(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return answer


@pytest.fixture
def new_slug(django_db_setup: None, django_db_blocker) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """A slug that is free; the tenant that a command makes of it is dropped afterwards."""
    slug = f"cli_{uuid4().hex[:10]}"
    with django_db_blocker.unblock():
        yield slug
        connection.set_schema_to_public()
        for tenant in Tenant.objects.filter(slug=slug):
            Host.objects.filter(tenant=tenant).delete()
            ApiKey.objects.filter(tenant=tenant).delete()
            tenant.delete(force_drop=True)


def test_a_tenant_is_made_and_described_in_json(new_slug: str) -> None:
    host = f"{new_slug.replace('_', '-')}.testserver"
    done = manage("create_tenant", new_slug, "--name", "Shop", "--host", host, "--workspace", new_slug, "--json")
    assert done.returncode == 0, done.stderr
    tenant = Tenant.objects.get(slug=new_slug)
    assert json.loads(done.stdout) == {"id": tenant.pk, "slug": new_slug, "host": host, "workspace_id": new_slug}
    assert list(Host.objects.filter(tenant=tenant).values_list("domain", flat=True)) == [host]


def test_a_tenant_gets_all_it_needs_to_send(acme: Tenant) -> None:
    slug = acme.slug
    member = answered("create_member", "--tenant", slug, "--email", "ana@example.com", "--password", "correct horse 9")
    domain = answered("create_sending_domain", "news.example.com", "--tenant", slug)
    provider = answered(
        "create_provider", "--tenant", slug, "--name", "Relay", "--host", "smtp.example.com", "--port", "587",
        "--username", "u", "--password", "p", "--rate", "300/min",
    )  # fmt: skip
    key = answered("create_api_key", "--tenant", slug, "--name", "shop", "--limit", "50", "--scope", "send")
    assert User.objects.get(pk=member["id"]).check_password("correct horse 9")
    records = domain["txt_records"]
    assert sorted(records) == ["ls1._domainkey.news.example.com", "ls2._domainkey.news.example.com"]
    assert all(value.startswith("v=DKIM1;") for value in records.values())
    assert (provider["name"], provider["host"], provider["port"]) == ("Relay", "smtp.example.com", 587)
    assert key["key"].startswith(f"ls_{key['prefix']}_")
    assert (key["scopes"], key["admin"]) == (["send"], False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create_tenant", "Not A Slug", "--name", "X", "--host", "x.testserver"], "lower-case letters"),
        (["create_tenant", "public", "--name", "X", "--host", "x.testserver"], "reserved"),
        (["create_tenant", "fine", "--name", "X", "--host", "http://x/"], "is not a host name"),
        (["create_tenant", "fine", "--name", "X", "--host", "x.testserver", "--plan", "gold"], "no plan 'gold'"),
        (["create_tenant", "acme", "--name", "X", "--host", "x.testserver"], "already"),
        (["create_tenant", "fine", "--name", "X", "--host", "acme.testserver"], "belongs to a tenant already"),
        (["create_member", "--tenant", "nobody", "--email", "a@example.com", "--password", "x"], "no tenant 'nobody'"),
        (["create_member", "--tenant", "acme", "--email", "no address", "--password", "correct horse 9"], "address"),
        (["create_member", "--tenant", "acme", "--email", "a@example.com", "--password", "short"], "too short"),
        (["create_provider", "--tenant", "acme", "--name", "R", "--host", "h", "--port", "0"], "port"),
        (
            ["create_provider", "--tenant", "acme", "--name", "R", "--host", "h", "--port", "25", "--rate", "fast"],
            "rate",
        ),
        (
            ["create_provider", "--tenant", "acme", "--name", "R", "--host", "h", "--port", "25", "--tls", "maybe"],
            "TLS",
        ),
        (["create_sending_domain", "not a domain", "--tenant", "acme"], "not a domain name"),
        (["create_api_key", "--tenant", "acme", "--name", " "], "needs a name"),
        (["create_api_key", "--tenant", "acme", "--name", "k", "--scope", "everything"], "no scope 'everything'"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_refusal_is_one_sentence(db: None, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        said(*arguments, "--json")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.returncode == 1


def test_a_refusal_ends_the_process_with_status_1_and_no_traceback(db: None) -> None:
    done = manage("create_tenant", "Not A Slug", "--name", "X", "--host", "x.testserver", "--json")
    assert done.returncode == 1
    assert "lower-case letters" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_prepare_may_be_run_again_and_says_that_nothing_is_behind(db: None) -> None:
    assert answered("prepare") == {"ready": True, "behind": []}


def test_the_doctor_finds_that_nobody_works_and_exits_1(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("doctor", "--json")
    report = json.loads(capsys.readouterr().out)
    by_name = {check["name"]: check for check in report["checks"]}
    assert (end.value.code, report["healthy"]) == (1, False)
    assert by_name["database"]["ok"]
    assert by_name["tables"]["ok"]
    assert by_name["workers"]["what"].startswith("No worker answers")
    assert "serve" in by_name["workers"]["do"]


def test_a_weak_secret_is_wrong_and_links_without_https_are_worth_a_look(settings: Any) -> None:
    settings.SECRET_KEY, settings.PUBLIC_URL = "secret", "http://mail.example.com"
    found = {check.name: check for check in configuration_checks()}
    assert (found["secret key"].ok, found["secret key"].warning) == (False, False)
    assert (found["public address"].ok, found["public address"].warning) == (False, True)
    settings.SECRET_KEY, settings.PUBLIC_URL = "a secret of more than thirty-two letters", "https://mail.example.com"
    found = {check.name: check for check in configuration_checks()}
    assert found["secret key"].ok
    assert found["public address"].ok


def test_the_doctor_names_a_campaign_that_the_provider_stopped_and_a_provider_that_failed(acme: Tenant) -> None:
    provider = ProviderAccount.objects.create(
        name="Relay", host="smtp.example.com", last_error="connection refused", last_error_at=timezone.now()
    )
    Message.objects.create(
        name="Spring", provider=provider, month="2026-03-01", content={}, stamp={},
        state=MessageState.PAUSED, error="The provider refuses the sender: 550 5.7.1",
    )  # fmt: skip
    found = {check.name: check for check in work_checks()}
    assert "acme: Spring" in found["paused messages"].what
    assert "550 5.7.1" in found["paused messages"].what
    assert "acme: Relay: connection refused" in found["providers"].what
    assert found["routes"].warning, "globex has no provider"


def test_the_doctor_finds_a_message_that_nobody_sends(acme: Tenant) -> None:
    provider = ProviderAccount.objects.create(name="Relay", host="smtp.example.com")
    message = Message.objects.create(
        name="Autumn", provider=provider, month="2026-03-01", content={}, stamp={}, total=1,
        state=MessageState.SENDING, started_at=timezone.now() - timedelta(minutes=10),
    )  # fmt: skip
    chunk = Chunk.objects.create(message=message, contact_ids=[1], size=1)
    assert "acme: Autumn" in {check.name: check for check in work_checks()}["stuck messages"].what
    Chunk.objects.filter(pk=chunk.pk).update(lease_until=timezone.now() + timedelta(seconds=20))
    assert {check.name: check for check in work_checks()}["stuck messages"].ok, "somebody has it"


def test_the_doctor_finds_work_that_nobody_wakes(acme: Tenant) -> None:
    assert {check.name: check for check in work_checks()}["due work"].ok
    note_due(task="outbound.send_message", reference=1, due_at=timezone.now() - timedelta(minutes=5))
    found = {check.name: check for check in work_checks()}["due work"]
    assert not found.ok
    assert "1 pieces of work" not in found.what


def test_the_doctor_still_answers_when_every_server_is_away() -> None:
    done = manage("doctor", DATABASE_URL="postgres://x@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0",
                  CELERY_BROKER_URL="redis://127.0.0.1:1/1")  # fmt: skip
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stdout
    assert "Redis cannot be reached" in done.stdout
    assert "The broker cannot be reached" in done.stdout
