"""Daily quotas: exact, however many ask at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from common.errors import QuotaExceeded
from tenants.models import Tenant, Usage
from tenants.services.usage import DailyQuotaExceeded, give_back, spend, used_on
from tests.api.limits_cast import at_once

DAY = date(2026, 3, 1)


def test_what_is_left_is_told_and_what_is_over_is_refused_without_being_counted(acme: Tenant) -> None:
    assert spend(tenant=acme, key_id=7, amount=10, limit=15, day=DAY) == 5
    with pytest.raises(DailyQuotaExceeded, match="daily limit of this key is used up: 15 a day") as refused:
        spend(tenant=acme, key_id=7, amount=6, limit=15, day=DAY)
    assert refused.value.resets_at == datetime(2026, 3, 2, tzinfo=UTC)
    assert refused.value.headers["X-RateLimit-Remaining"] == "0"
    assert spend(tenant=acme, key_id=7, amount=5, limit=15, day=DAY) == 0
    assert used_on(tenant=acme, key_id=7, day=DAY) == 15


def test_the_first_send_of_a_day_may_be_too_much_too(acme: Tenant) -> None:
    with pytest.raises(QuotaExceeded):
        spend(tenant=acme, key_id=7, amount=16, limit=15, day=DAY)
    assert not Usage.objects.exists()


def test_keys_tenants_and_days_are_counted_apart(acme: Tenant, globex: Tenant) -> None:
    spend(tenant=acme, key_id=7, amount=1, limit=1, day=DAY)
    assert spend(tenant=acme, key_id=8, amount=1, limit=1, day=DAY) == 0
    assert spend(tenant=acme, key_id=None, amount=1, limit=1, day=DAY) == 0
    assert spend(tenant=globex, key_id=7, amount=1, limit=1, day=DAY) == 0
    assert spend(tenant=acme, key_id=7, amount=1, limit=1, day=DAY + timedelta(days=1)) == 0


def test_today_is_over_at_midnight_utc(acme: Tenant) -> None:
    with pytest.raises(DailyQuotaExceeded) as refused:
        spend(tenant=acme, key_id=7, amount=1, limit=0, day=datetime.now(UTC).date())
    assert 1 <= refused.value.retry_after <= 86_400


def test_what_did_not_happen_is_given_back(acme: Tenant) -> None:
    spend(tenant=acme, key_id=7, amount=3, limit=3, day=DAY)
    give_back(tenant=acme, key_id=7, amount=2, day=DAY)
    assert used_on(tenant=acme, key_id=7, day=DAY) == 1
    give_back(tenant=acme, key_id=7, amount=9, day=DAY)
    assert used_on(tenant=acme, key_id=7, day=DAY) == 0


def test_what_is_rolled_back_was_not_counted(live_tenant: Tenant) -> None:
    with transaction.atomic():
        spend(tenant=live_tenant, key_id=7, amount=1, limit=3, day=DAY)
        transaction.set_rollback(True)
    assert used_on(tenant=live_tenant, key_id=7, day=DAY) == 0


def test_two_hundred_callers_at_once_never_spend_one_too_many(live_tenant: Tenant) -> None:
    try:
        answers = at_once(200, lambda: spend(tenant=live_tenant, key_id=7, amount=1, limit=15, day=DAY))
        assert sorted(answer for answer in answers if isinstance(answer, int)) == list(range(15))
        assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 185
        assert used_on(tenant=live_tenant, key_id=7, day=DAY) == 15
    finally:
        Usage.objects.all().delete()
