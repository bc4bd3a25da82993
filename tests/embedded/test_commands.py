"""The command line as a script sees it: exit status, one JSON object, one sentence when refused."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.members.models import User
from tenants.models import ApiKey, Host, Tenant
from tenants.scope import tenant_scope

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


def answered(*arguments: str, **environ: str) -> dict[str, object]:
    done = manage(*arguments, "--json", **environ)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
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
    answer = answered("create_tenant", new_slug, "--name", "Command Line", "--host", host, "--workspace", new_slug)
    tenant = Tenant.objects.get(slug=new_slug)
    assert answer == {"id": tenant.pk, "slug": new_slug, "host": host, "workspace_id": new_slug}
    assert list(Host.objects.filter(tenant=tenant).values_list("domain", flat=True)) == [host]


def test_a_tenant_gets_all_it_needs_to_send(live_tenant: Tenant) -> None:
    slug = live_tenant.slug
    member = answered("create_member", "--tenant", slug, "--email", "ana@example.com", "--password", "correct horse 9")
    domain = answered("create_sending_domain", "news.example.com", "--tenant", slug)
    provider = answered(
        "create_provider", "--tenant", slug, "--name", "Relay", "--host", "smtp.example.com", "--port", "587",
        "--username", "u", "--password", "p", "--rate", "300/min",
    )  # fmt: skip
    key = answered("create_api_key", "--tenant", slug, "--name", "shop", "--limit", "50", "--scope", "send")
    with tenant_scope(live_tenant):
        assert User.objects.get(pk=member["id"]).check_password("correct horse 9")
    records = domain["txt_records"]
    assert isinstance(records, dict)
    assert sorted(records) == ["ls1._domainkey.news.example.com", "ls2._domainkey.news.example.com"]
    assert all(value.startswith("v=DKIM1;") for value in records.values())
    assert (provider["name"], provider["host"], provider["port"]) == ("Relay", "smtp.example.com", 587)
    assert str(key["key"]).startswith(f"ls_{key['prefix']}_")
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
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command(*arguments, "--json", stdout=out)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.returncode == 1
    assert out.getvalue() == ""


def test_a_refusal_ends_the_process_with_status_1_and_no_traceback(db: None) -> None:
    done = manage("create_tenant", "Not A Slug", "--name", "X", "--host", "x.testserver", "--json")
    assert done.returncode == 1
    assert "lower-case letters" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_prepare_may_be_run_again_and_says_that_nothing_is_behind(db: None) -> None:
    assert answered("prepare") == {"ready": True, "behind": []}


def test_the_doctor_finds_that_nobody_works_and_exits_1(db: None) -> None:
    done = manage("doctor", "--json", SECRET_KEY="a secret of more than thirty-two characters")
    report = json.loads(done.stdout)
    by_name = {check["name"]: check for check in report["checks"]}
    assert (done.returncode, report["healthy"]) == (1, False)
    assert by_name["database"]["ok"]
    assert by_name["tables"]["ok"]
    assert by_name["workers"]["what"].startswith("No worker answers")
    assert "serve" in by_name["workers"]["do"]


def test_the_doctor_names_a_weak_secret_and_a_missing_https(db: None) -> None:
    done = manage("doctor", SECRET_KEY="secret", PUBLIC_URL="http://mail.example.com")
    assert done.returncode == 1
    assert "SECRET_KEY can be guessed" in done.stdout
    assert "without encryption" in done.stdout


def test_the_doctor_still_answers_when_every_server_is_away() -> None:
    done = manage("doctor", DATABASE_URL="postgres://x@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0",
                  CELERY_BROKER_URL="redis://127.0.0.1:1/1")  # fmt: skip
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stdout
    assert "Redis cannot be reached" in done.stdout
    assert "The broker cannot be reached" in done.stdout
