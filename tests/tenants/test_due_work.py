"""The list of what must be looked at again, and tasks that belong to a tenant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from common.database import connection
from common.errors import NoTenant
from outbound.tasks import send_message
from tenants.models import DueWork, Tenant
from tenants.services.due import claim_due, done_with, note_due, postpone


def test_what_is_due_is_claimed_once_and_comes_again_if_nobody_finishes_it(acme: Tenant) -> None:
    note_due(task="t", reference=5)
    assert claim_due() == [("acme", "t", 5)]
    assert claim_due() == []
    DueWork.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert claim_due() == [("acme", "t", 5)]
    done_with(task="t", reference=5)
    assert not DueWork.objects.exists()


def test_noting_again_keeps_the_earlier_time_and_postponing_moves_it(acme: Tenant) -> None:
    later = timezone.now() + timedelta(hours=1)
    note_due(task="t", reference=5)
    note_due(task="t", reference=5, due_at=later)
    assert DueWork.objects.get().due_at < timezone.now() + timedelta(seconds=1)
    postpone(task="t", reference=5, due_at=later)
    assert claim_due() == []


def test_a_tenant_finishes_only_its_own_work(acme: Tenant, globex: Tenant) -> None:
    note_due(task="t", reference=5)
    note_due(task="t", reference=5, schema="globex")
    done_with(task="t", reference=5)
    assert list(DueWork.objects.values_list("schema", flat=True)) == ["globex"]


def test_a_tenants_task_refuses_to_run_without_a_tenant(db: None) -> None:
    connection.set_schema_to_public()
    with pytest.raises(NoTenant, match=r"outbound\.send_message was started without a tenant"):
        send_message(1)
