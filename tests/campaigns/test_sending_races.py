"""Two people press the button; two workers plan; one is killed while it plans. Real threads and connections."""

import threading

import pytest
from django.db import connection, transaction

from campaigns.models import Campaign, CampaignPart
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from common.errors import Conflict
from outbound.models import Chunk, Message
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template


@pytest.fixture
def campaign(live_tenant):
    add_contacts(2_500)
    add_contacts(700, language="fr", prefix="fr")
    add_provider()
    main = add_template()
    add_template(language="fr")
    return add_campaign(main)


def at_once(tenant, count, work):
    """Run `work` in threads that start together; what each returned or raised."""
    gate, results = threading.Barrier(count), []

    def run():
        connection.set_tenant(tenant)
        try:
            gate.wait(10)
            results.append(work())
        except Conflict as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_two_who_send_at_once_one_is_told(live_tenant, campaign):
    results = at_once(live_tenant, 4, lambda: send_campaign(campaign=Campaign.objects.get(pk=campaign.pk)))
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert len(results) == 4


def test_workers_that_plan_at_once_freeze_everybody_once(live_tenant, campaign):
    send_campaign(campaign=campaign)
    assert at_once(live_tenant, 3, lambda: plan_campaign(campaign.pk)) == ["sending"] * 3
    assert CampaignPart.objects.count() == Message.objects.count() == 2
    ids = [i for chunk in Chunk.objects.all() for i in chunk.contact_ids]
    assert len(ids) == len(set(ids)) == 3_200


def plan_and_die(campaign):
    with transaction.atomic():
        plan_campaign(campaign.pk)
        assert Message.objects.count() == 2
        raise KeyboardInterrupt


def test_a_worker_that_dies_while_planning_leaves_nothing_and_the_next_one_begins_again(live_tenant, campaign):
    send_campaign(campaign=campaign)
    with pytest.raises(KeyboardInterrupt):
        plan_and_die(campaign)
    assert not Message.objects.exists()
    assert Campaign.objects.get().state == Campaign.State.SENDING
    plan_campaign(campaign.pk)
    assert Message.objects.count() == 2
