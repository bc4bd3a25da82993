"""Campaigns as programs order them, and as whom they go out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.services.ordering import change_order, order_campaign, send_order
from campaigns.services.senders import default_sender
from common.errors import Conflict, InvalidInput, NotFound
from deliverability.models import SendingDomain
from tenants.services.profile import Profile, profile_of, set_profile
from tests.campaigns.cast import add_contacts, add_provider, add_template

pytestmark = pytest.mark.usefixtures("acme")


def test_a_tenants_profile_is_set_in_parts(acme):
    set_profile(tenant=acme, brand_domain="Acme.Example.", sender='"Doe, Ana" <ana@acme.example>')
    set_profile(tenant=acme, reply_to="help@acme.example")
    assert profile_of(acme) == Profile("acme.example", "Doe, Ana", "ana@acme.example", "help@acme.example")
    assert set_profile(tenant=acme, brand_domain="", sender="", reply_to="") == Profile()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"brand_domain": "no domain"}, "brand_domain"),
        ({"sender": "nobody"}, "sender"),
        ({"sender": "ceo@bank.example <x@y.example>"}, "sender"),
        ({"sender": "é@acme.example"}, "sender"),
        ({"reply_to": "a@b.example\nBcc: c@d.example"}, "reply_to"),
    ],
)
def test_a_profile_that_could_not_stand_in_a_mail_is_refused(acme, change, field):
    with pytest.raises(InvalidInput) as caught:
        set_profile(tenant=acme, **change)
    assert caught.value.field == field
    assert profile_of(acme) == Profile()


def test_the_default_sender_is_the_tenants_own_else_news_at_its_first_domain(acme):
    with pytest.raises(InvalidInput) as caught:
        default_sender()
    assert caught.value.field == "from_email"
    SendingDomain.objects.create(name="zulu.example")
    SendingDomain.objects.create(name="alpha.example")
    assert default_sender().sender == '"Acme" <news@zulu.example>'
    set_profile(tenant=acme, sender="Ana <ana@acme.example>")
    assert default_sender().sender == '"Ana" <ana@acme.example>'
    assert default_sender(name="Bo").sender == '"Bo" <ana@acme.example>'


@pytest.mark.parametrize("missing", ["name", "template_id"])
def test_an_order_says_what_it_lacks(missing):
    fields = {"name": "A", "template_id": 1}
    del fields[missing]
    with pytest.raises(InvalidInput) as caught:
        order_campaign(fields=fields)
    assert caught.value.field == missing


def test_two_programs_that_change_different_fields_both_have_their_way():
    fields = {"name": "A", "template_id": add_template().pk, "sender": "news@acme.example"}
    campaign = order_campaign(fields=fields)
    stale = Campaign.objects.get(pk=campaign.pk)
    change_order(campaign=campaign, fields={"name": "B"})
    change_order(campaign=stale, fields={"reply_to": "help@acme.example"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.reply_to) == ("B", "help@acme.example")


def test_a_change_that_cannot_be_leaves_a_scheduled_campaign_as_it_was():
    add_provider()
    add_contacts(1)
    when = timezone.now() + timedelta(hours=1)
    fields = {"name": "A", "template_id": add_template().pk, "sender": "news@acme.example", "scheduled_at": when}
    campaign = order_campaign(fields=fields)
    assert campaign.state == Campaign.State.SCHEDULED
    with pytest.raises(InvalidInput, match="The audience is empty"):
        change_order(campaign=campaign, fields={"language": "xx"})
    campaign.refresh_from_db()
    assert (campaign.language, campaign.state, campaign.scheduled_at) == ("", Campaign.State.SCHEDULED, when)


def test_an_order_is_sent_once():
    add_provider()
    add_contacts(1)
    fields = {"name": "A", "template_id": add_template().pk, "sender": "news@acme.example"}
    campaign = order_campaign(fields=fields)
    assert send_order(campaign=campaign).state == Campaign.State.SENDING
    with pytest.raises(Conflict):
        send_order(campaign=campaign)


def test_a_change_at_the_moment_it_begins_does_not_make_it_a_draft():
    add_provider()
    add_contacts(1)
    when = timezone.now() + timedelta(hours=1)
    fields = {"name": "A", "template_id": add_template().pk, "sender": "news@acme.example", "scheduled_at": when}
    campaign = order_campaign(fields=fields)
    Campaign.objects.update(scheduled_at=timezone.now() - timedelta(seconds=1))
    assert change_order(campaign=campaign, fields={"name": "B"}).state == Campaign.State.SENDING


def test_a_campaign_that_was_deleted_meanwhile_is_not_found():
    campaign = order_campaign(
        fields={"name": "A", "template_id": add_template().pk, "sender": "news@acme.example", "track_opens": False}
    )
    Campaign.objects.all().delete()
    with pytest.raises(NotFound):
        change_order(campaign=campaign, fields={"name": "B"})
