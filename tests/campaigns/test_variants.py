"""Variants: what can be defined, how the audience is shared out, what is checked before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, SplitTest, Variant
from campaigns.reports import campaign_report
from campaigns.reports.variants import split_report
from campaigns.services.checking import check_campaign, errors_of
from campaigns.services.drafts import delete_campaign, duplicate_campaign
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from campaigns.services.templates import delete_template
from campaigns.services.variants import VariantDraft, set_variants
from common.errors import Conflict, InvalidInput
from contacts.models import Contact
from outbound.models import Message
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.campaigns.variants_cast import begin, frozen, people, rest, trial, try_out, variant

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def campaign(acme):
    add_contacts(1_000)
    add_provider()
    return add_campaign()


def errors(campaign):
    return [str(problem) for problem in errors_of(check_campaign(campaign=campaign))]


def test_of_a_thousand_contacts_every_variant_gets_exactly_its_share(campaign):
    try_out(campaign, 10, 25, 7)
    begin(campaign)
    assert [trial(campaign, name).total for name in "ABC"] == [100, 250, 70]
    assert [part.message.total for part in rest(campaign)] == [580]
    everybody = set(Contact.objects.values_list("pk", flat=True))
    assert frozen(campaign) == dict.fromkeys(everybody, 1)


def test_the_split_is_random_over_the_audience_and_another_one_for_another_campaign(campaign):
    other = add_campaign(campaign.template)
    for each in (campaign, other):
        try_out(each, 50, 50)
        begin(each)
    one, two = people(trial(campaign, "A")), people(trial(other, "A"))
    assert len(one) == len(two) == 500
    assert one != two
    ids = sorted(Contact.objects.values_list("pk", flat=True))
    assert 200 < len(set(one) & set(ids[:500])) < 300
    assert 200 < len(set(one) & set(two)) < 300


def test_shares_of_a_hundred_percent_leave_no_rest_and_nothing_to_decide(campaign):
    try_out(campaign, 33, 67)
    begin(campaign)
    assert (trial(campaign, "A").total, trial(campaign, "B").total, rest(campaign)) == (330, 670, [])
    assert SplitTest.objects.get().decides_at is None


def test_who_comes_in_after_the_freeze_is_in_no_share(campaign):
    try_out(campaign, 10, 10)
    begin(campaign)
    late = add_contacts(10, prefix="late")
    plan_campaign(campaign.pk)
    assert not {one.pk for one in late} & set(frozen(campaign))


def test_the_shares_are_sent_at_once_and_the_rest_waits(campaign):
    before = timezone.now()
    try_out(campaign, 10, 10, decide_after_minutes=90)
    begin(campaign)
    states = Message.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["sending", "sending", "planned"]
    assert 89 < (SplitTest.objects.get().decides_at - before).total_seconds() / 60 < 91


def test_each_variant_has_its_own_subject_or_template_or_the_campaigns(campaign):
    template = add_template("Other", subject="Another mail", html='<b>B</b><a href="{{ unsubscribe_url }}">Leave</a>')
    drafts = [
        VariantDraft("As it is", 10),
        VariantDraft("Subject", 10, subject="Short  and\nsweet"),
        VariantDraft("Template", 10, template_id=template.pk),
        VariantDraft("Both", 10, template_id=template.pk, subject="Mine"),
    ]
    set_variants(campaign=campaign, variants=drafts)
    begin(campaign)
    contents = [trial(campaign, draft.name).content for draft in drafts]
    assert [content["subject"] for content in contents] == ["News ", "Short and sweet", "Another mail", "Mine"]
    assert [content["html"].startswith("<b>B") for content in contents] == [False, False, True, True]
    assert {link.variant for link in campaign_report(campaign=campaign).links} == {"As it is", "Subject"}


def test_every_language_gets_its_version_of_every_variant_and_the_rest_of_any_that_may_win(acme):
    add_provider()
    for language in ("", "fr", "de"):
        add_contacts(100, language=language, prefix=language or "any")
    main, other = add_template(), add_template("Other", subject="Other")
    add_template(language="fr", subject="Bonjour")
    add_template("Other", language="de", subject="Hallo")
    campaign = add_campaign(main)
    set_variants(campaign=campaign, variants=[VariantDraft("A", 20), VariantDraft("B", 20, template_id=other.pk)])
    begin(campaign)
    parts = CampaignPart.objects.filter(campaign=campaign).select_related("message")
    told = {
        (part.variant_id and part.variant.name, part.message.content["subject"]) for part in parts if not part.is_rest
    }
    assert told == {("A", "News "), ("A", "Bonjour"), ("B", "Other"), ("B", "Hallo")}
    assert sorted(part.spoken for part in rest(campaign)) == [[""], ["de"], ["fr"]]
    totals = [sum(part.message.total for part in parts if part.variant == one) for one in Variant.objects.all()]
    assert totals == [60, 60]
    everybody = Contact.objects.values_list("pk", flat=True)
    assert frozen(campaign) == dict.fromkeys(everybody, 1)


@pytest.mark.parametrize(
    ("drafts", "field"),
    [
        ([VariantDraft("A", 10)], "variants"),
        ([VariantDraft(name, 10) for name in "ABCDEF"], "variants"),
        ([VariantDraft("A", 60), VariantDraft("B", 41)], "variants"),
        ([VariantDraft("A", 0), VariantDraft("B", 10)], "variants.0.share"),
        ([VariantDraft("A", 10), VariantDraft(" A ", 10)], "variants.1.name"),
        ([VariantDraft("A", 10), VariantDraft(" ", 10)], "variants.1.name"),
        ([VariantDraft("A", 10), VariantDraft("B", 10, template_id=987654)], "variants.1.template_id"),
        ([VariantDraft("A", 10, subject="x" * 501), VariantDraft("B", 10)], "variants.0.subject"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_and_what_was_there_stays(campaign, drafts, field):
    try_out(campaign, 20, 30)
    with pytest.raises(InvalidInput) as caught:
        set_variants(campaign=campaign, variants=drafts)
    assert caught.value.field == field
    assert list(Variant.objects.values_list("share", flat=True)) == [20, 30]


def test_variants_are_replaced_as_a_whole_and_taken_away_by_none(campaign):
    try_out(campaign, 20, 30, winner_by="clicks")
    try_out(campaign, 1, 2, 3)
    assert list(Variant.objects.values_list("number", "name", "share")) == [(1, "A", 1), (2, "B", 2), (3, "C", 3)]
    assert SplitTest.objects.get().winner_by == "opens"
    set_variants(campaign=campaign, variants=[])
    assert not Variant.objects.exists()
    assert not SplitTest.objects.exists()
    begin(campaign)
    assert Message.objects.get().total == 1_000


def test_once_it_is_being_sent_variants_cannot_be_changed(campaign):
    send_campaign(campaign=campaign)
    with pytest.raises(Conflict) as caught:
        try_out(campaign, 20, 30)
    assert str(caught.value) == "“Spring” is being sent, so its variants cannot be changed any more."


def test_a_scheduled_campaign_takes_only_variants_it_could_be_sent_with(campaign):
    send_campaign(campaign=campaign, when=timezone.now() + timedelta(hours=1))
    broken = [VariantDraft("A", 10), VariantDraft("B", 10, subject="{{ first_name")]
    with pytest.raises(InvalidInput) as caught:
        set_variants(campaign=campaign, variants=broken)
    assert "subject" in str(caught.value)
    assert not Variant.objects.exists()


def test_every_variants_mail_is_checked_before_sending(campaign):
    gap = add_template("Gap", html="<p>{{ compny }}</p>")
    set_variants(
        campaign=campaign,
        variants=[VariantDraft("A", 10, subject="{{ nobodys }}"), VariantDraft("B", 10, template_id=gap.pk)],
    )
    told = errors(campaign)
    assert len(told) == 2
    assert "{{ nobodys }}" in told[0]
    assert "“Gap” shows {{ compny }}" in told[1]


def test_an_audience_too_small_for_the_shares_is_refused_before_it_is_sent(campaign):
    Contact.objects.filter(pk__gt=Contact.objects.order_by("pk")[3].pk).delete()
    try_out(campaign, 50, 10)
    assert errors(campaign) == [
        "The audience is too small: the variant “B” would get nobody. Make its share larger, or take it away."
    ]


def test_a_winner_by_what_is_not_tracked_is_refused(acme):
    add_contacts(100)
    add_provider()
    campaign = add_campaign(track_opens=False)
    try_out(campaign, 10, 10)
    [error] = errors(campaign)
    assert error.startswith("The winner is chosen by opens, which this campaign does not track.")
    try_out(campaign, 10, 10, winner_by="clicks")
    assert errors(campaign) == []
    try_out(campaign, 50, 50)
    assert errors(campaign) == []


def test_one_subject_for_many_languages_is_a_warning(campaign):
    add_contacts(10, language="fr", prefix="fr")
    add_template(language="fr")
    try_out(campaign, 10, 10)
    told = [str(problem) for problem in check_campaign(campaign=campaign) if problem.field == "variants"]
    assert told[0].startswith("“Subject A” is the subject in all languages.")


def test_a_copy_of_a_campaign_has_its_variants_and_not_their_figures(campaign):
    try_out(campaign, 10, 20, winner_by="hand", decide_after_minutes=5)
    begin(campaign)
    copy = duplicate_campaign(campaign=campaign)
    report = split_report(campaign=copy)
    assert [(one.name, one.subject, one.share, one.figures.total) for one in report.variants] == [
        ("A", "Subject A", 10, 0),
        ("B", "Subject B", 20, 0),
    ]
    assert (report.winner_by, report.decide_after_minutes, report.decides_at) == ("hand", 5, None)


def test_a_variants_template_cannot_be_deleted_and_a_campaign_goes_with_its_variants(campaign):
    template = add_template("Other")
    set_variants(campaign=campaign, variants=[VariantDraft("A", 10, template_id=template.pk), VariantDraft("B", 10)])
    with pytest.raises(Conflict):
        delete_template(template=template)
    begin(campaign)
    SplitTest.objects.update(winner=variant(campaign, "A"))
    Campaign.objects.update(state="sent")
    delete_campaign(campaign=campaign)
    assert not Variant.objects.exists()
