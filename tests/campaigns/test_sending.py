from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart
from campaigns.services.planning import plan_campaign, settle_campaign_of
from campaigns.services.sending import (
    PLAN_TASK,
    cancel_campaign,
    pause_campaign,
    resume_campaign,
    send_campaign,
    unschedule_campaign,
)
from common.errors import Conflict, InvalidInput
from contacts.models import Contact, Suppression, Tag
from outbound.models import Chunk, Message
from outbound.signals import message_event
from outbound.states import MessageState
from tenants.models import DueWork
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template

pytestmark = pytest.mark.usefixtures("acme")
State = Campaign.State


@pytest.fixture
def campaign(acme):
    add_contacts(5)
    add_provider()
    return add_campaign()


def frozen(campaign):
    """Contact ids by message."""
    return {
        part.language: sorted(i for chunk in part.message.chunks.all() for i in chunk.contact_ids)
        for part in campaign.parts.select_related("message")
    }


def due(task=PLAN_TASK):
    return DueWork.objects.filter(schema="acme", task=task).first()


def test_sending_starts_at_once_and_is_noted_for_the_tick(campaign):
    send_campaign(campaign=campaign)
    assert campaign.state == State.SENDING
    assert due().reference == campaign.pk
    assert due().due_at <= timezone.now()


def test_a_second_send_is_refused_in_words_a_marketer_understands(campaign):
    send_campaign(campaign=campaign)
    with pytest.raises(Conflict) as caught:
        send_campaign(campaign=campaign)
    assert str(caught.value) == "“Spring” is being sent."
    Campaign.objects.update(state=State.SENT)
    with pytest.raises(Conflict) as caught:
        send_campaign(campaign=campaign)
    assert str(caught.value) == "“Spring” was sent already. To send it again, duplicate it."


def test_a_campaign_with_errors_is_refused_with_all_of_them_and_stays_a_draft(campaign):
    Contact.objects.all().delete()
    campaign.provider = None
    with pytest.raises(InvalidInput, match="The audience is empty"):
        send_campaign(campaign=campaign)
    campaign.refresh_from_db()
    assert campaign.state == State.DRAFT
    assert due() is None


def test_planning_freezes_the_audience_and_starts_the_message(campaign):
    Suppression.objects.create(email="user3@example.com", email_key="user3@example.com", reason="complaint")
    send_campaign(campaign=campaign)
    assert plan_campaign(campaign.pk) == State.SENDING
    [part] = CampaignPart.objects.select_related("message")
    assert part.message.state == MessageState.SENDING
    assert part.message.total == 4
    assert part.message.origin == f"campaign:{campaign.pk}"
    assert part.message.links == [{"url": "https://acme.example/shop", "needs": []}]
    assert part.message.stamp["from_address"] == "news@acme.example"
    assert len(frozen(campaign)[""]) == 4


def test_planning_twice_makes_one_message(campaign):
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    plan_campaign(campaign.pk)
    assert Message.objects.count() == 1
    assert Chunk.objects.count() == 1


def test_each_language_gets_its_version_and_everybody_gets_one(acme):
    add_provider()
    for language, count in [("", 3), ("fr", 4), ("fr-ca", 5), ("FR-be", 2), ("de", 6)]:
        add_contacts(count, language=language, prefix=f"x{language}")
    main = add_template()
    add_template(language="fr")
    add_template(language="fr-ca")
    campaign = send_campaign(campaign=add_campaign(main))
    plan_campaign(campaign.pk)
    sizes = {language: len(ids) for language, ids in frozen(campaign).items()}
    assert sizes == {"": 9, "fr": 6, "fr-ca": 5}
    everybody = [i for ids in frozen(campaign).values() for i in ids]
    assert sorted(everybody) == sorted(Contact.objects.values_list("pk", flat=True))
    subjects = {part.language: part.message.content["subject"] for part in campaign.parts.all()}
    assert subjects == {"": "News ", "fr": "News fr", "fr-ca": "News fr-ca"}


def test_the_audience_is_what_the_tags_say(campaign):
    vip, old = add_tag("vip"), add_tag("old")
    Contact.objects.filter(email__in=["user1@example.com", "user2@example.com"]).update(tags=[vip])
    Contact.objects.filter(email="user2@example.com").update(tags=sorted([vip, old]))
    chosen = send_campaign(campaign=add_campaign(campaign.template, tags_all=("vip",), exclude_tags=("old",)))
    plan_campaign(chosen.pk)
    assert frozen(chosen) == {"": [Contact.objects.get(email="user1@example.com").pk]}


def test_a_scheduled_campaign_waits_for_its_time(campaign):
    when = timezone.now() + timedelta(hours=1)
    send_campaign(campaign=campaign, when=when)
    assert (campaign.state, campaign.scheduled_at) == (State.SCHEDULED, when)
    assert due().due_at == when
    assert plan_campaign(campaign.pk) == State.SCHEDULED
    assert not Message.objects.exists()
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(seconds=1))
    assert plan_campaign(campaign.pk) == State.SENDING
    assert Message.objects.count() == 1


def test_a_scheduled_campaign_can_be_moved_sent_now_or_taken_back(campaign):
    soon, late = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(hours=5)
    send_campaign(campaign=campaign, when=soon)
    send_campaign(campaign=campaign, when=late)
    assert due().due_at == late
    unschedule_campaign(campaign=campaign)
    assert (campaign.state, campaign.scheduled_at, due()) == (State.DRAFT, None, None)
    with pytest.raises(Conflict, match="“Spring” is a draft"):
        unschedule_campaign(campaign=campaign)


def test_a_time_without_a_zone_is_refused(campaign):
    with pytest.raises(InvalidInput, match="needs a time zone"):
        send_campaign(campaign=campaign, when=timezone.now().replace(tzinfo=None))


def test_what_went_wrong_between_scheduling_and_sending_is_shown(campaign):
    add_tag("vip")
    campaign = add_campaign(campaign.template, exclude_tags=("vip",))
    send_campaign(campaign=campaign, when=timezone.now() + timedelta(hours=1))
    Tag.objects.all().delete()
    Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=timezone.now())
    assert plan_campaign(campaign.pk) == State.FAILED
    campaign.refresh_from_db()
    assert campaign.error == "There is no tag 'vip'."
    assert not Message.objects.exists()
    assert due() is None


def test_pausing_and_resuming_reach_every_message(campaign):
    add_contacts(2, language="fr", prefix="fr")
    add_template(language="fr")
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    pause_campaign(campaign=campaign)
    assert campaign.state == State.PAUSED
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.PAUSED}
    assert plan_campaign(campaign.pk) == State.PAUSED
    resume_campaign(campaign=campaign)
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.SENDING}
    with pytest.raises(Conflict, match="“Spring” is being sent"):
        resume_campaign(campaign=campaign)


def test_a_campaign_paused_before_it_was_planned_is_planned_when_it_goes_on(campaign):
    send_campaign(campaign=campaign)
    pause_campaign(campaign=campaign)
    assert plan_campaign(campaign.pk) == State.PAUSED
    assert not Message.objects.exists()
    resume_campaign(campaign=campaign)
    assert plan_campaign(campaign.pk) == State.SENDING
    assert Message.objects.count() == 1


def test_cancelling_stops_what_was_not_sent_for_good(campaign):
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    cancel_campaign(campaign=campaign)
    assert campaign.state == State.CANCELLED
    assert Message.objects.get().state == MessageState.CANCELLED
    with pytest.raises(Conflict, match="was cancelled"):
        cancel_campaign(campaign=campaign)
    with pytest.raises(Conflict, match="To send it after all, duplicate it"):
        send_campaign(campaign=campaign)


def test_a_campaign_is_sent_when_all_its_messages_are(campaign):
    add_contacts(2, language="fr", prefix="fr")
    add_template(language="fr")
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    first, second = Message.objects.order_by("pk")
    for message, expected in ((first, State.SENDING), (second, State.SENT)):
        Message.objects.filter(pk=message.pk).update(state=MessageState.FINISHED)
        message_event.send(sender=Message, kind="finished", message_id=message.pk)
        campaign.refresh_from_db()
        assert campaign.state == expected
    assert due() is None


def test_a_lost_word_of_the_end_is_made_up_for(campaign):
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    Message.objects.update(state=MessageState.FINISHED)
    assert plan_campaign(campaign.pk) == State.SENT


def test_when_the_engine_pauses_one_message_the_campaign_pauses_and_says_why(campaign):
    add_contacts(2, language="fr", prefix="fr")
    add_template(language="fr")
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    first = Message.objects.order_by("pk").first()
    Message.objects.filter(pk=first.pk).update(state=MessageState.PAUSED, error="The provider refuses the sender.")
    message_event.send(sender=Message, kind="paused", message_id=first.pk)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.error) == (State.PAUSED, "The provider refuses the sender.")
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.PAUSED}


def test_news_of_a_message_that_is_no_campaigns_changes_nothing(campaign):
    settle_campaign_of(987_654)
    campaign.refresh_from_db()
    assert campaign.state == State.DRAFT


def test_another_tenants_campaign_cannot_be_planned(campaign, globex):
    send_campaign(campaign=campaign)
    connection.set_tenant(globex)
    assert plan_campaign(campaign.pk) == ""
    assert not Message.objects.exists()


def test_the_tick_knows_the_task_that_brings_a_campaign_on(campaign):
    current_app.loader.import_default_modules()
    send_campaign(campaign=campaign)
    assert current_app.tasks[due().task](due().reference) == State.SENDING
    assert Message.objects.count() == 1
