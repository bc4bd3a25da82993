"""Campaigns that are aimed at a segment."""

import pytest

from campaigns.audiences import audience_of
from campaigns.behaviour import campaign_behaviour
from campaigns.models import Campaign
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.drafts import draft_of, duplicate_campaign, update_campaign
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from contacts.models import Contact, ContactAttribute, Suppression, Tag
from contacts.services.segments import create_segment
from contacts.targeting import count_audience, count_by_language, sample_audience
from outbound.models import Message
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template
from tests.campaigns.report_cast import give_events, give_outcomes, send

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def people(acme):
    """Six with the tag; of these three from Paris, one of whom is suppressed."""
    ContactAttribute.objects.create(key="city", label="City")
    add_provider()
    tagged = add_contacts(6, tags=(add_tag("vip"),))
    Contact.objects.filter(pk__in=[one.pk for one in tagged[:3]]).update(attributes={"city": "Paris"})
    for one in add_contacts(2, prefix="other"):
        Contact.objects.filter(pk=one.pk).update(attributes={"city": "Paris"})
    Suppression.objects.create(email="user0@example.com", email_key="user0@example.com", reason="complaint")
    return tagged


def segment_of(tree, name="Some"):
    return create_segment(name=name, tree=tree, behaviour=campaign_behaviour)


PARIS = {"attribute": "city", "is": "Paris"}


def frozen(campaign):
    messages = Message.objects.filter(campaign_part__campaign=campaign)
    return sorted(i for message in messages for chunk in message.chunks.all() for i in chunk.contact_ids)


def test_tags_and_segment_both_hold_and_suppression_is_out(people):
    campaign = add_campaign(tags_all=("vip",), segment=segment_of(PARIS))
    wanted = [people[1].pk, people[2].pk]
    audience = audience_of(campaign)
    assert count_audience(audience) == 2
    assert count_by_language(audience) == {"": 2}
    assert sorted(one.pk for one in sample_audience(audience)) == wanted
    assert errors_of(check_campaign(campaign=campaign)) == []
    send_campaign(campaign=campaign)
    assert plan_campaign(campaign.pk) == Campaign.State.SENDING
    assert frozen(campaign) == wanted


def test_versions_by_language_share_out_the_segment(people):
    Contact.objects.filter(pk=people[2].pk).update(language="fr")
    template = add_template()
    add_template(language="fr")
    campaign = add_campaign(template, segment=segment_of({"all": [PARIS, {"tag": "vip"}]}))
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    assert Message.objects.count() == 2
    assert frozen(campaign) == [people[1].pk, people[2].pk]


def test_a_segment_nobody_is_in_makes_an_empty_audience(people):
    campaign = add_campaign(segment=segment_of({"attribute": "city", "is": "Oslo"}))
    assert [problem.message for problem in errors_of(check_campaign(campaign=campaign))] == ["The audience is empty."]


def test_a_segment_that_speaks_of_what_is_gone_is_an_error_of_the_campaign(people):
    campaign = add_campaign(segment=segment_of({"tag": "vip"}, name="VIPs"))
    Tag.objects.all().delete()
    [problem] = errors_of(check_campaign(campaign=campaign))
    assert problem.message == "The segment “VIPs” cannot be used. There is no tag 'vip'."
    assert problem.field == "segment"


def test_the_segment_is_part_of_the_draft(people):
    segment = segment_of(PARIS)
    campaign = add_campaign(segment=segment)
    assert duplicate_campaign(campaign=campaign).segment == segment
    draft = draft_of(campaign)
    assert draft.segment == segment
    assert update_campaign(campaign=campaign, draft=draft).segment == segment


def test_who_opened_an_earlier_campaign_and_did_not_click_gets_the_next(people):
    add_contacts(12, prefix="more")
    Suppression.objects.all().delete()
    first = add_campaign(add_template("First"))
    message = send(first)
    give_outcomes(message)
    give_events(message)
    ids = list(Contact.objects.order_by("id").values_list("id", flat=True))
    opened = {"opened": {"campaign_id": first.pk}}
    clicked = {"clicked": {"campaign_id": first.pk, "link": "https://acme.example/shop"}}
    campaign = add_campaign(add_template("Second"), segment=segment_of({"all": [opened, {"not": clicked}]}))
    # 0 to 3 opened, 0 and 1 clicked; 2 left and 3 complained, so both are suppressed by now.
    assert count_audience(audience_of(campaign)) == 0
    Suppression.objects.all().delete()
    Contact.objects.update(status="active")
    send_campaign(campaign=campaign)
    plan_campaign(campaign.pk)
    assert frozen(campaign) == [ids[2], ids[3]]


def test_nobody_opened_a_campaign_that_was_not_sent(people):
    draft = add_campaign()
    campaign = add_campaign(draft.template, segment=segment_of({"not": {"opened": {"campaign_id": draft.pk}}}))
    assert count_audience(audience_of(campaign)) == 7
