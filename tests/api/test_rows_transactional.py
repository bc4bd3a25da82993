"""That docs/contract-transactional.md names tests that are there and codes that are said, and rows of no single dialect's."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import override_settings

from tenants.models import Plan, Tenant
from tests.api.clients.cast import Program, count, make_ready, program
from tests.api.limits_cast import empty_windows
from tests.api.relay_cast import relay
from tests.api.test_error_tables import NOT_SAID_YET, TOLD, table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/contract-transactional.md"
ROWS = [
    *(f"A{number}" for number in range(1, 10)),
    *(f"G{number}" for number in range(1, 8)),
    *(f"R{number}" for number in (*range(4, 17), *range(21, 33))),
    *(f"H{number}" for number in range(14, 27)),
]
HELLO: dict[str, Any] = {"to": "user@example.com", "subject": "Welcome!", "html_body": "<h1>Hello</h1>"}
DIALECTS = {"aegis": "Aegis", "gateway": "Gateway", "relay": "Relay", "hosting": "Hosting"}


@pytest.fixture
def shop(acme: Tenant) -> Program:
    make_ready()
    return program(acme, "/api/v1/send")


def test_every_row_names_tests_that_are_there_and_one_that_is_named_after_it() -> None:
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    rows = dict(re.findall(r"^\| ([AGRH]\d+) \|.*\|(.*)\|$", PAGE.read_text(), re.MULTILINE))
    assert list(rows) == ROWS
    for row, named in rows.items():
        tests = re.findall(r"`(test_\w+)`", named)
        assert set(tests) <= there, (row, set(tests) - there)
        assert any(_is_named_after(row, test) for test in tests), row


def test_every_test_that_is_named_after_a_row_stands_in_it() -> None:
    rows = dict(re.findall(r"^\| ([AGRH]\d+) \|.*\|(.*)\|$", PAGE.read_text(), re.MULTILINE))
    for path in (ROOT / "tests").rglob("test_*.py"):
        for test in re.findall(r"^(?:async )?def (test_[agrh]\d\d_\w+)", path.read_text(), re.MULTILINE):
            for row in (row for row in ROWS if _is_named_after(row, test)):
                assert f"`{test}`" in rows[row], (path.name, row, test)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_table_of_errors_is_that_of_the_dialect(dialect: str) -> None:
    text = PAGE.read_text().split(f"### Errors: {DIALECTS[dialect]}\n")[1].split("\n#")[0]
    told = re.findall(r"^\| (\d{3}) \| `?([\w ]+?)`? \|(.*)\|(.*)\|$", text, re.MULTILINE)
    if dialect == "gateway":
        assert {int(status) for status, *_ in told} == {status for _, status in table(dialect)} | {500}
        kinds = {kind for status, kind, *_ in told if status == "422"}
        assert kinds >= {code for status, code in TOLD[dialect].values() if status == 422}
    else:
        assert {(int(status), code) for status, code, *_ in told} == table(dialect)
    for status, code, _, reached in told:
        names = re.findall(r"`(\w+)`", reached)
        if (int(status), code) in NOT_SAID_YET.get(dialect, set()):
            assert not names
            assert reached.strip(), "why no path says it"
            continue
        said = [TOLD[dialect][name] for name in names]
        assert said, (status, code)
        assert all(found == int(status) for found, _ in said), (status, code)
        assert dialect == "gateway" or {word for _, word in said} == {code}


def test_g07_a_key_in_the_address_is_none_and_is_not_logged(shop: Program, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answers = [
            shop.call("POST", f"{path}?{name}={shop.key}", HELLO, x_api_key="")
            for path in ("/send", "/api/v1/send", "/api/messages", "/api/v1/emails")
            for name in ("api_key", "X-API-Key", "token", "key")
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert count("outbound_submission") == 0
    assert caplog.records
    assert shop.key not in "".join(str(vars(record)) for record in caplog.records if "requests" in record.name)


def test_g07_the_container_runs_as_a_user_without_rights() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    (user,) = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert user not in ("root", "0")
    assert any(f"useradd --uid 10001 --gid {user}" in line for line in last_stage)
    assert next(line for line in last_stage if line.startswith(("USER ", "CMD "))).startswith("USER ")
    for name, service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items():
        assert str(service.get("user", user)).split(":")[0] not in ("root", "0"), name
        assert not service.get("privileged"), name


@pytest.mark.parametrize(
    ("given", "secure", "header"),
    [({}, "False", "None"), ({"HTTPS": "1", "BEHIND_PROXY": "1"}, "True", "('HTTP_X_FORWARDED_PROTO', 'https')")],
)
def test_g07_behind_https_cookies_are_secure_and_the_proxy_is_believed(
    given: dict[str, str], secure: str, header: str
) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("HTTPS", "BEHIND_PROXY")}
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from config import settings as s;"
            " print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SECURE_PROXY_SSL_HEADER)",
        ],
        env={**environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "SECRET_KEY": "x", **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == f"{secure} {secure} True {header}"


@pytest.mark.parametrize("limits", [(100_000, 1_000_000, 1_000), (7, 8, 9)], ids=["at first", "as agreed"])
def test_r30_enterprise_is_what_was_agreed(acme: Tenant, limits: tuple[int, int, int]) -> None:
    enterprise = Plan.objects.get(slug="enterprise")
    assert (enterprise.hourly_limit, enterprise.daily_limit, enterprise.burst) == (100_000, 1_000_000, 1_000)
    hour, day, burst = limits
    Plan.objects.filter(pk=enterprise.pk).update(hourly_limit=hour, daily_limit=day, burst=burst)
    Tenant.objects.filter(pk=acme.pk).update(plan=enterprise)
    with override_settings(API_LIMIT_RELAY_TIERS=1), empty_windows():
        answer = relay(acme).get("rate-limit")
    assert answer.status_code == 200
    tightest = min(limits)
    assert answer.headers["X-RateLimit-Limit"] == str(tightest)
    assert answer.headers["X-RateLimit-Remaining"] == str(tightest - 1)


def _is_named_after(row: str, test: str) -> bool:
    """`test_a02_r05_h16_…` is named after three rows, `test_h14_to_h19_…` after two and those between."""
    head = re.match(r"test_((?:[agrh]\d\d_|to_)+)", test)
    if head is None:
        return False
    numbers = [(word[0].upper(), int(word[1:])) for word in re.findall(r"[agrh]\d\d", head[1])]
    letter, number = row[0], int(row[1:])
    if "_to_" in f"_{head[1]}":
        return letter == numbers[0][0] and numbers[0][1] <= number <= numbers[1][1]
    return (letter, number) in numbers
