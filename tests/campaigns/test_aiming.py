"""A tag is deleted while a campaign that is aimed by it is sent: one of the two is refused. Real connections."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from campaigns.models import Campaign
from campaigns.services.aiming import remove_tag
from campaigns.services.drafts import draft_of, update_campaign
from campaigns.services.sending import send_campaign
from common.database import connection
from common.errors import Conflict, InvalidInput, LettershopError
from contacts.models import Contact, Tag
from tenants.models import Tenant
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag

_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s"


@pytest.fixture
def campaign(live_tenant: Tenant) -> Campaign:
    add_provider()
    vip = add_tag("vip")
    add_contacts(2)
    add_contacts(1, tags=(vip,), prefix="vip")
    return add_campaign(exclude_tags=("vip",))


@contextmanager
def somebody(tenant: Tenant, work: Callable[[], object]) -> Iterator[list[Any]]:
    """In a thread, `work` waits for what the block did; its result is there when the transaction around has ended."""
    results: list[Any] = []
    begun = threading.Event()
    pid: list[int] = []

    def run() -> None:
        connection.set_tenant(tenant)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid.append(cursor.fetchone()[0])
        begun.set()
        try:
            results.append(work())
        except LettershopError as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        yield results
        thread.start()
        assert begun.wait(10)
        while not _is_waiting(pid[0]):
            assert thread.is_alive(), f"it did not wait: {results!r}"
    thread.join(30)


def test_v11_a_tag_that_is_being_deleted_waits_for_whoever_sends(live_tenant: Tenant, campaign: Campaign) -> None:
    tag = Tag.objects.get(slug="vip")
    with somebody(live_tenant, lambda: remove_tag(tag=tag)) as result:
        send_campaign(campaign=campaign)
    assert isinstance(result[0], Conflict)
    assert Tag.objects.filter(slug="vip").exists()
    assert Contact.objects.filter(tags=[tag.pk]).count() == 1


def test_v11_whoever_sends_waits_for_the_tag_that_is_being_deleted(live_tenant: Tenant, campaign: Campaign) -> None:
    with somebody(live_tenant, lambda: send_campaign(campaign=campaign)) as result:
        assert remove_tag(tag=Tag.objects.get(slug="vip")) == 1
    assert isinstance(result[0], InvalidInput)
    assert result[0].field == "exclude_tags"
    assert Campaign.objects.get().state == "draft"


def test_v11_whoever_changes_a_scheduled_campaign_waits_too(live_tenant: Tenant, campaign: Campaign) -> None:
    Campaign.objects.update(state="scheduled", exclude_tags=[])
    draft = draft_of(campaign)
    with somebody(live_tenant, lambda: update_campaign(campaign=campaign, draft=draft)) as result:
        remove_tag(tag=Tag.objects.get(slug="vip"))
    assert isinstance(result[0], InvalidInput)
    assert Campaign.objects.get().exclude_tags == []


def _is_waiting(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [pid])
        return bool(cursor.fetchone()[0])
