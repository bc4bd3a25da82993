"""The day's quotas of key, user, tenant and all tenants: exact, however many ask at once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from outbound.submission import spending
from outbound.submission.submitting import submit_message
from outbound.submission.types import Submitter
from tenants.models import Plan, Setting, Tenant, Usage
from tenants.services import settings
from tenants.services.quotas import Scope, number_of_user, quotas_for
from tenants.services.setting_rows import rows
from tenants.services.standing import Standing, standings_of
from tenants.services.usage import DailyQuotaExceeded, used_on
from tests.api.limits_cast import at_once
from tests.outbound.test_submitting import furnish, letter


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    rows.forget()
    spending._seen.clear()
    yield
    rows.forget()
    spending._seen.clear()


def change(**limits: int) -> None:
    settings.change({"rate_limits": limits}, provider_types=(), by="test")


def on_plan(tenant: Tenant, daily: int) -> None:
    plan = Plan.objects.create(slug="small", name="Small", hourly_limit=0, daily_limit=daily, burst=0)
    Tenant.objects.filter(pk=tenant.pk).update(plan=plan)


def today() -> date:
    return datetime.now(UTC).date()


def test_a_message_counts_for_its_key_its_user_and_its_workspace(acme: Tenant) -> None:
    furnish()
    done = submit_message(letter(user="user-123"), submitter=Submitter(key_id=7, daily_limit=15))
    assert (done.quota_limit, done.quota_left) == (15, 14)
    assert dict(Usage.objects.values_list("key_id", "used")) == {7: 1, 0: 1, number_of_user("user-123"): 1}
    assert Usage.objects.get(key_id__lt=0).user_ref == "user-123"


def test_a_workspace_without_a_plan_has_the_default_and_zero_means_no_limit(acme: Tenant) -> None:
    given: dict[str, Any] = {"tenant_id": acme.pk, "plan_daily": None, "key_id": 7}
    assert [quota.limit for quota in quotas_for(settings=settings.current(), **given)] == [10_000, 10_000]
    change(workspace_default=0)
    assert [quota.limit for quota in quotas_for(settings=settings.current(), **given)] == [None, None]


@pytest.mark.parametrize("scope", list(Scope))
def test_whichever_quota_is_used_up_refuses_and_nothing_is_counted(acme: Tenant, scope: Scope) -> None:
    furnish()
    change(user_default=3 if scope == Scope.USER else 9, global_daily=3 if scope == Scope.GLOBAL else 9)
    on_plan(acme, 3 if scope == Scope.WORKSPACE else 9)
    submitter = Submitter(key_id=7, daily_limit=3 if scope == Scope.KEY else 9)
    for _ in range(3):
        submit_message(letter(user="u"), submitter=submitter)
    with pytest.raises(DailyQuotaExceeded) as refused:
        submit_message(letter(user="u"), submitter=submitter)
    assert refused.value.limit == 3
    assert 1 <= refused.value.retry_after <= 86_401
    assert refused.value.headers["X-RateLimit-Remaining"] == "0"
    assert set(Usage.objects.values_list("used", flat=True)) == {3}


def test_what_is_rolled_back_was_not_counted(live_tenant: Tenant) -> None:
    furnish()
    with transaction.atomic():
        submit_message(letter(), submitter=Submitter(key_id=7))
        transaction.set_rollback(True)
    assert used_on(tenant=live_tenant, key_id=7, day=today()) == 0


def test_two_hundred_at_once_spend_no_quota_one_too_often(live_tenant: Tenant) -> None:
    furnish()
    change(user_default=11, global_daily=23)
    numbers = iter(range(200))

    def send() -> None:
        number = next(numbers)
        connection.set_tenant(live_tenant)
        submit_message(letter(user=f"user-{number % 4}"), submitter=Submitter(key_id=1 + number % 3))

    try:
        answers = at_once(200, send)
        assert sum(not isinstance(answer, Exception) for answer in answers) == 23
        assert all(isinstance(answer, DailyQuotaExceeded) for answer in answers if isinstance(answer, Exception))
        assert used_on(tenant=live_tenant, key_id=None, day=today()) == 23
        assert max(Usage.objects.filter(key_id__lt=0).values_list("used", flat=True)) <= 11
    finally:
        Usage.objects.all().delete()
        Setting.objects.all().delete()


def test_the_standing_of_quotas_is_told_with_two_queries(acme: Tenant, globex: Tenant) -> None:
    day = today()
    for user, used in (("user-1", 3), ("user-2", 5)):
        Usage.objects.create(tenant=acme, key_id=number_of_user(user), user_ref=user, day=day, used=used)
    Usage.objects.create(tenant=acme, day=day, used=10)
    Usage.objects.create(tenant=globex, day=day, used=4)
    Usage.objects.create(tenant=acme, day=day - timedelta(days=1), used=99)
    tenant = Tenant.objects.select_related("plan").get(pk=acme.pk)
    settings.current()
    with CaptureQueriesContext(connection) as asked:
        told = standings_of(tenant)
    assert len(asked) == 2
    assert told.installation == Standing(100_000, 14)
    assert told.workspace == Standing(100_000, 10)
    assert told.users == {"user-2": Standing(500, 5), "user-1": Standing(500, 3)}
    assert list(told.users) == ["user-2", "user-1"]
    assert told.resets_at == datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
