"""Runtime settings and maintenance."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import psycopg
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.database import conninfo
from common.errors import InvalidInput
from tenants.models import Setting, Tenant
from tenants.services import maintenance, settings
from tenants.services.setting_rows import RowMemory, rows

TYPES = ("smtp", "gmail")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    rows.forget()
    yield
    rows.forget()


def change(given: dict[str, Any]) -> settings.Change:
    return settings.change(given, provider_types=TYPES, by="test")


def test_without_a_change_the_defaults_hold(acme: Tenant) -> None:
    held = settings.current()
    assert (held.smtp_host, held.smtp_port, held.smtp_max_size) == ("0.0.0.0", 2525, 26_214_400)
    assert (held.batch_size, held.process_interval, held.max_retries) == (50, 30.0, 15)
    assert (held.global_daily, held.workspace_default, held.user_default) == (100_000, 10_000, 500)
    assert held.provider("smtp") == settings.ProviderSettings(enabled=True, rate_limit=0)


def test_a_default_comes_from_the_environment(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPD_PORT", "25")
    monkeypatch.setenv("QUEUE_PROCESS_INTERVAL", "500ms")
    monkeypatch.setenv("SEND_LIMIT_GLOBAL_DAILY", "0")
    held = settings.current()
    assert (held.smtp_port, held.process_interval, held.global_daily) == (25, 0.5, 0)


def test_a_change_holds_at_once_here_and_leaves_everything_else(acme: Tenant) -> None:
    done = change({"queue": {"batch_size": 100, "process_interval": "15s"}, "providers": {"gmail": {"enabled": False}}})
    assert done == settings.Change(("providers.gmail.enabled", "queue.batch_size", "queue.process_interval"), False)
    held = settings.current()
    assert (held.batch_size, held.process_interval, held.max_retries) == (100, 15.0, 15)
    assert (held.provider("gmail").enabled, held.provider("smtp").enabled) == (False, True)
    assert settings.written()["queue.process_interval"] == "15s"
    change({"queue": {"max_retries": 3}})
    assert (settings.current().batch_size, settings.current().max_retries) == (100, 3)
    assert set(Setting.objects.values_list("updated_by", flat=True)) == {"test"}


@pytest.mark.parametrize(
    ("given", "restart"),
    [
        ({"smtp": {"port": 2600}}, True),
        ({"smtp": {"host": "127.0.0.1"}}, True),
        ({"smtp": {"port": 2525}}, False),
        ({"smtp": {"max_size": 1024}}, False),
        ({}, False),
    ],
    ids=["port", "host", "the port it has", "size", "nothing"],
)
def test_a_restart_is_asked_for_only_when_something_that_needs_one_was_changed(
    acme: Tenant, given: dict[str, Any], restart: bool
) -> None:
    assert change(given).restart_required is restart


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"speed": 1}, "speed"),
        ({"queue": {"speed": 1}}, "queue.speed"),
        ({"queue": 5}, "queue"),
        ({"queue": {"batch_size": "50"}}, "queue.batch_size"),
        ({"queue": {"batch_size": True}}, "queue.batch_size"),
        ({"queue": {"batch_size": 1.5}}, "queue.batch_size"),
        ({"queue": {"batch_size": None}}, "queue.batch_size"),
        ({"queue": {"batch_size": 0}}, "queue.batch_size"),
        ({"queue": {"batch_size": 10**30}}, "queue.batch_size"),
        ({"queue": {"process_interval": 30}}, "queue.process_interval"),
        ({"queue": {"process_interval": "30"}}, "queue.process_interval"),
        ({"queue": {"process_interval": "1ms"}}, "queue.process_interval"),
        ({"smtp": {"port": 65_535}}, "smtp.port"),
        ({"smtp": {"host": "a b"}}, "smtp.host"),
        ({"smtp": {"host": "\ud800"}}, "smtp.host"),
        ({"rate_limits": {"global_daily": -1}}, "rate_limits.global_daily"),
        ({"providers": {"pigeon": {"enabled": True}}}, "providers.pigeon"),
        ({"providers": {"smtp": {"enabled": "yes"}}}, "providers.smtp.enabled"),
        ({"providers": {"smtp": {"speed": 1}}}, "providers.smtp.speed"),
        ({"providers": []}, "providers"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_then_nothing_is_changed(
    acme: Tenant, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        change({"rate_limits": {"user_default": 7}, **given})
    assert refused.value.field == field
    assert not Setting.objects.exists()


def test_a_stored_value_that_no_longer_fits_is_passed_over(acme: Tenant) -> None:
    Setting.objects.create(name="queue.batch_size", value="many")
    Setting.objects.create(name="queue.forgotten", value=1)
    assert settings.current().batch_size == 50


def test_reading_asks_the_database_once_a_second(acme: Tenant) -> None:
    Tenant.objects.exists()  # enters the schema
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            settings.current()
            maintenance.current()
    assert len(asked) == 1


def test_what_another_process_wrote_is_known_within_a_second(live_tenant: Tenant) -> None:
    now = 100.0
    memory = RowMemory(clock=lambda: now)
    assert memory.read().get("queue.batch_size") is None
    try:
        with psycopg.connect(conninfo(), autocommit=True) as another:
            another.execute(
                "INSERT INTO public.tenants_setting (name, value, updated_at, updated_by)"
                " VALUES ('queue.batch_size', '77', now(), '')"
            )
        assert memory.read().get("queue.batch_size") is None
        now += 1.001
        assert memory.read()["queue.batch_size"] == 77
    finally:
        Setting.objects.all().delete()


def test_a_change_that_is_rolled_back_does_not_hold(live_tenant: Tenant) -> None:
    with transaction.atomic():
        change({"queue": {"batch_size": 77}})
        assert settings.current().batch_size == 77
        transaction.set_rollback(True)
    rows.forget()
    assert settings.current().batch_size == 50


def test_maintenance_has_a_beginning_and_ends_by_itself(acme: Tenant) -> None:
    with time_machine.travel("2026-03-01 10:00:00+00:00", tick=False) as clock:
        assert maintenance.current() is None
        state = maintenance.begin(message="New disks", minutes=30, by="test")
        assert state.until == datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
        assert maintenance.current() == state
        assert Setting.objects.get(name="maintenance").value == {
            "enabled": True,
            "message": "New disks",
            "started_at": "2026-03-01T10:00:00+00:00",
            "until": "2026-03-01T10:30:00+00:00",
        }
        clock.move_to(datetime(2026, 3, 1, 10, 29, 59, tzinfo=UTC))
        assert maintenance.current() == state
        clock.move_to(datetime(2026, 3, 1, 10, 30, tzinfo=UTC))
        assert maintenance.current() is None


def test_maintenance_that_goes_on_keeps_its_beginning(acme: Tenant) -> None:
    with time_machine.travel("2026-03-01 10:00:00+00:00", tick=False) as clock:
        first = maintenance.begin(minutes=10, by="test")
        clock.move_to(datetime(2026, 3, 1, 10, 5, tzinfo=UTC))
        again = maintenance.begin(minutes=10, by="test")
    assert again.started_at == first.started_at
    assert again.until == datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize("given", [{"minutes": 0}, {"minutes": 10_081}, {"message": "x" * 501}])
def test_maintenance_has_bounds(acme: Tenant, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        maintenance.begin(by="test", **given)


def test_the_command_switches_maintenance(acme: Tenant) -> None:
    assert "maintenance  off" in _command("status")
    assert "New disks" in _command("on", "--message", "New disks", "--minutes", "5")
    assert maintenance.current() is not None
    assert "on" in _command("status")
    assert "off" in _command("off")
    assert maintenance.current() is None
    with pytest.raises(CommandError):
        _command("on", "--minutes", "0")


def _command(*arguments: str) -> str:
    out = StringIO()
    call_command("maintenance", *arguments, stdout=out)
    return out.getvalue()
