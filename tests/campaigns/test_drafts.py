from dataclasses import replace

import pytest

from campaigns.models import Campaign
from campaigns.services.drafts import (
    delete_campaign,
    draft_of,
    duplicate_campaign,
    update_campaign,
)
from common.errors import Conflict, InvalidInput
from tests.campaigns.cast import add_campaign, add_provider, add_tag, add_template

pytestmark = pytest.mark.usefixtures("acme")


def test_a_draft_comes_back_as_it_was_filled_in():
    add_tag("vip")
    provider = add_provider()
    campaign = add_campaign(
        sender='"Doe, Ana" <news@acme.example>',
        reply_to="help@acme.example",
        provider=provider,
        tags_all=("vip",),
        language="FR",
        track_opens=False,
    )
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert (campaign.from_name, campaign.from_address) == ("Doe, Ana", "news@acme.example")
    draft = draft_of(campaign)
    assert draft.sender == '"Doe, Ana" <news@acme.example>'
    assert (draft.tags_all, draft.language, draft.track_opens) == (("vip",), "fr", False)
    assert update_campaign(campaign=campaign, draft=draft).from_name == "Doe, Ana"


@pytest.mark.parametrize(
    "sender",
    [
        "nobody",
        "Acme <news@acme.example>\r\nBcc: x@example.com",
        "a@b.example, c@d.example",
        "ceo@bank.example <x@y.example>",
        "",
    ],
)
def test_a_sender_that_cannot_be_one_is_refused(sender):
    with pytest.raises(InvalidInput, match=r"The sender cannot be used\.") as caught:
        add_campaign(sender=sender)
    assert caught.value.field == "sender"


def test_a_reply_address_with_a_header_in_it_is_refused():
    with pytest.raises(InvalidInput) as caught:
        add_campaign(reply_to="a@b.example\nBcc: x@y.example")
    assert caught.value.field == "reply_to"


def test_an_unknown_tag_is_refused_with_one_that_looks_like_it():
    add_tag("vip")
    with pytest.raises(InvalidInput, match=r"There is no tag 'vipp'\. Did you mean 'vip'\?"):
        add_campaign(exclude_tags=("vipp",))


def test_a_campaign_that_is_being_sent_cannot_be_changed():
    campaign = add_campaign()
    Campaign.objects.update(state=Campaign.State.SENDING)
    with pytest.raises(Conflict, match="“Spring” is being sent, so it cannot be changed any more"):
        update_campaign(campaign=campaign, draft=replace(draft_of(campaign), name="Other"))
    assert Campaign.objects.get().name == "Spring"


def test_a_copy_is_a_draft_with_everything_the_original_has():
    add_tag("vip")
    campaign = add_campaign(add_template(category="sale"), tags_any=("vip",), category="sale")
    Campaign.objects.update(state=Campaign.State.SENT)
    copy = duplicate_campaign(campaign=campaign)
    assert copy.pk != campaign.pk
    assert (copy.name, copy.state) == ("Spring (copy)", Campaign.State.DRAFT)
    assert replace(draft_of(copy), name="Spring") == draft_of(campaign)


def test_only_a_campaign_on_its_way_cannot_be_deleted():
    campaign = add_campaign()
    Campaign.objects.update(state=Campaign.State.PAUSED)
    with pytest.raises(Conflict, match=r"“Spring” is paused\. Cancel it before you delete it\."):
        delete_campaign(campaign=campaign)
    Campaign.objects.update(state=Campaign.State.SENT)
    delete_campaign(campaign=campaign)
    assert not Campaign.objects.exists()
