"""Which variant wins, when, and what becomes of the rest when a campaign is paused or cancelled meanwhile."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from campaigns.models import Campaign, CampaignPart, SplitTest
from campaigns.reports.variants import AtDecision, split_report
from campaigns.services.deciding import choose_winner
from campaigns.services.planning import plan_campaign, settle_campaign_of
from campaigns.services.sending import PLAN_TASK, cancel_campaign, pause_campaign, resume_campaign
from campaigns.services.templates import text_of, update_template
from campaigns.services.variants import VariantDraft, set_variants
from common.errors import Conflict, InvalidInput
from outbound.models import Message
from outbound.services import pause_message
from outbound.states import EventKind
from tenants.models import DueWork
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.campaigns.variants_cast import (
    APPLE,
    SCANNER,
    begin,
    deliver,
    happen,
    let_time_pass,
    rest,
    split_of,
    trial,
    try_out,
    variant,
)

pytestmark = pytest.mark.usefixtures("acme")
OPEN, CLICK = EventKind.OPEN, EventKind.CLICK


@pytest.fixture
def campaign(acme):
    add_contacts(200)
    add_provider()
    return add_campaign()


def under_way(campaign, *shares, **options):
    try_out(campaign, *shares, **options)
    begin(campaign)
    deliver(campaign)


def due():
    return DueWork.objects.filter(schema="acme", task=PLAN_TASK).values_list("due_at", flat=True).first()


def test_the_variant_that_most_people_opened_goes_to_the_rest(campaign):
    under_way(campaign, 10, 20)
    happen(trial(campaign, "A"), OPEN, 5)  # of 20
    happen(trial(campaign, "B"), OPEN, 8)  # of 40: more people, and less often
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    split = split_of(campaign)
    assert (split.winner.name, split.decided_by) == ("A", "opens")
    assert split.decided_at > split.decides_at
    assert split.reason == "25.0 % opened “A”, and 20.0 % the next best."
    [part] = rest(campaign)
    assert (part.variant, part.message.state) == (split.winner, "sending")
    assert part.message.content["subject"] == "Subject A"
    assert [link["url"] for link in part.message.links] == ["https://acme.example/shop"]
    report = split_report(campaign=campaign)
    assert [one.at_decision for one in report.variants] == [AtDecision(20, 5, 0), AtDecision(40, 8, 0)]
    assert (report.rest.total, report.rest.queued) == (140, 140)


def test_machines_do_not_choose_the_winner(campaign):
    under_way(campaign, 20, 20)
    happen(trial(campaign, "A"), OPEN, 20, agent=APPLE)
    happen(trial(campaign, "A"), OPEN, 10, agent=SCANNER, first=20)
    happen(trial(campaign, "A"), OPEN, 5, agent=None, first=30)
    happen(trial(campaign, "B"), OPEN, 2)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert split_of(campaign).winner.name == "B"
    told = split_report(campaign=campaign).variants
    assert [one.figures.opened for one in told] == [35, 2]
    assert [one.people.opened for one in told] == [one.at_decision.opened for one in told] == [0, 2]


def test_a_person_who_opens_often_counts_once(campaign):
    under_way(campaign, 20, 20)
    for _ in range(5):
        happen(trial(campaign, "A"), OPEN, 1)
    happen(trial(campaign, "B"), OPEN, 2)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert split_of(campaign).winner.name == "B"


def test_a_winner_by_clicks_takes_no_notice_of_opens(campaign):
    under_way(campaign, 20, 20, winner_by="clicks")
    happen(trial(campaign, "A"), OPEN, 20)
    happen(trial(campaign, "B"), CLICK, 1)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert (split_of(campaign).winner.name, split_of(campaign).decided_by) == ("B", "clicks")


@pytest.mark.parametrize(
    ("opens", "reason"),
    [
        (0, "Nobody opened any of them: the first goes to the rest."),
        (4, "As many opened each of “A”, “B” (10.0 %): the first of them goes to the rest."),
    ],
)
def test_of_equals_the_first_wins_and_it_is_said(campaign, opens, reason):
    under_way(campaign, 20, 20, 20)
    for name in "AB" if opens else "":
        happen(trial(campaign, name), OPEN, opens)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert (split_of(campaign).winner.name, split_of(campaign).reason) == ("A", reason)


def test_before_its_time_nothing_is_decided_and_the_tick_knows_when_to_look(campaign):
    under_way(campaign, 20, 20, decide_after_minutes=60)
    happen(trial(campaign, "A"), OPEN, 5)
    plan_campaign(campaign.pk)
    assert split_of(campaign).decided_at is None
    assert due() == split_of(campaign).decides_at
    assert rest(campaign)[0].message.state == "planned"


def test_while_the_shares_are_being_sent_it_is_looked_at_more_often(campaign):
    try_out(campaign, 20, 20, decide_after_minutes=60)
    begin(campaign)
    plan_campaign(campaign.pk)
    assert due() < timezone.now() + timedelta(seconds=20)


def test_nothing_is_decided_before_everybody_in_the_shares_was_tried(campaign):
    try_out(campaign, 20, 20)
    begin(campaign)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert split_of(campaign).decided_at is None
    deliver(campaign)
    plan_campaign(campaign.pk)
    assert split_of(campaign).decided_at is not None


def test_a_decision_that_is_delivered_again_changes_nothing(campaign):
    current_app.loader.import_default_modules()
    under_way(campaign, 20, 20)
    happen(trial(campaign, "B"), OPEN, 1)
    let_time_pass(campaign)
    task = current_app.tasks[PLAN_TASK]
    task(campaign.pk)
    first, [part] = split_of(campaign), rest(campaign)
    happen(trial(campaign, "A"), OPEN, 30)
    for _ in range(3):
        task(campaign.pk)
        settle_campaign_of(part.message_id)
    again, [same] = split_of(campaign), rest(campaign)
    assert (again.winner, again.decided_at, again.reason) == (first.winner, first.decided_at, first.reason)
    assert same.message.started_at == part.message.started_at
    assert Message.objects.count() == 3


def test_a_paused_campaign_is_decided_when_it_goes_on(campaign):
    under_way(campaign, 20, 20)
    happen(trial(campaign, "B"), OPEN, 1)
    pause_campaign(campaign=campaign)
    let_time_pass(campaign)
    assert plan_campaign(campaign.pk) == "paused"
    settle_campaign_of(trial(campaign, "A").pk)
    assert split_of(campaign).decided_at is None
    assert rest(campaign)[0].message.state == "planned"
    with pytest.raises(Conflict):
        choose_winner(campaign=campaign, variant_id=variant(campaign, "A").pk)
    resume_campaign(campaign=campaign)
    assert due() <= timezone.now()
    plan_campaign(campaign.pk)
    assert split_of(campaign).winner.name == "B"
    assert rest(campaign)[0].message.state == "sending"


def test_when_the_engine_pauses_a_share_the_campaign_is_paused_and_not_decided(campaign):
    try_out(campaign, 20, 20)
    begin(campaign)
    pause_message(trial(campaign, "A"), why="550 Sender refused")
    let_time_pass(campaign)
    assert plan_campaign(campaign.pk) == "paused"
    assert split_of(campaign).decided_at is None
    assert rest(campaign)[0].message.state == "planned"


def test_a_cancelled_campaign_never_sends_the_rest(campaign):
    under_way(campaign, 20, 20)
    cancel_campaign(campaign=campaign)
    let_time_pass(campaign)
    assert plan_campaign(campaign.pk) == "cancelled"
    settle_campaign_of(trial(campaign, "A").pk)
    assert split_of(campaign).decided_at is None
    assert rest(campaign)[0].message.state == "cancelled"
    assert due() is None


def test_pause_and_cancel_reach_the_rest_after_the_decision(campaign):
    under_way(campaign, 20, 20)
    choose_winner(campaign=campaign, variant_id=variant(campaign, "A").pk)
    pause_campaign(campaign=campaign)
    assert rest(campaign)[0].message.state == "paused"
    cancel_campaign(campaign=campaign)
    assert rest(campaign)[0].message.state == "cancelled"


def test_a_winner_chosen_by_hand_goes_out_at_once_whatever_the_figures_say(campaign):
    under_way(campaign, 20, 20)
    happen(trial(campaign, "A"), OPEN, 9)
    choose_winner(campaign=campaign, variant_id=variant(campaign, "B").pk)
    split = split_of(campaign)
    assert (split.winner.name, split.decided_by, split.reason) == ("B", "hand", "Chosen by hand.")
    [part] = rest(campaign)
    assert (part.message.state, part.message.content["subject"]) == ("sending", "Subject B")
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    assert split_of(campaign).winner.name == "B"


def test_where_a_person_decides_nothing_is_decided_by_itself(campaign):
    under_way(campaign, 20, 20, winner_by="hand", decide_after_minutes=1)
    happen(trial(campaign, "A"), OPEN, 9)
    plan_campaign(campaign.pk)
    assert (split_of(campaign).decides_at, split_of(campaign).decided_at) == (None, None)
    assert due() > timezone.now() + timedelta(minutes=30)
    choose_winner(campaign=campaign, variant_id=variant(campaign, "A").pk)
    assert due() <= timezone.now()


def test_a_choice_that_cannot_be_made_is_refused(campaign):
    def choose(variant_id=1):
        choose_winner(campaign=campaign, variant_id=variant_id)

    with pytest.raises(Conflict, match="is a draft"):
        choose()
    try_out(campaign, 20, 20)
    Campaign.objects.update(state="sending")
    with pytest.raises(Conflict, match="only just begun"):
        choose()
    plan_campaign(campaign.pk)
    with pytest.raises(InvalidInput, match="has no variant 1"):
        choose()
    choose(variant(campaign, "A").pk)
    with pytest.raises(Conflict, match="chosen already"):
        choose(variant(campaign, "B").pk)


def test_without_variants_or_without_a_rest_there_is_nothing_to_choose(campaign):
    begin(campaign)
    with pytest.raises(Conflict, match="has no variants"):
        choose_winner(campaign=campaign, variant_id=1)
    whole = add_campaign(campaign.template)
    try_out(whole, 50, 50)
    begin(whole)
    with pytest.raises(Conflict, match="whole audience"):
        choose_winner(campaign=whole, variant_id=variant(whole, "A").pk)


def test_the_rest_gets_what_was_tried_even_if_the_template_was_changed_meanwhile(campaign):
    french = add_template("Other", language="fr", subject="Bonjour")
    other = add_template("Other", subject="Tried")
    add_contacts(20, language="fr", prefix="fr")
    set_variants(campaign=campaign, variants=[VariantDraft("A", 1), VariantDraft("B", 1, template_id=other.pk)])
    begin(campaign)
    deliver(campaign)
    update_template(template=other, written=text_of(other, subject="Changed"))
    if not CampaignPart.objects.filter(template=french).exists():
        french.delete()
    choose_winner(campaign=campaign, variant_id=variant(campaign, "B").pk)
    subjects = {
        part.message.content["subject"]
        for part in CampaignPart.objects.filter(variant__name="B").select_related("message")
    }
    assert subjects == {"Tried", "Bonjour"}


def test_figures_are_read_in_as_many_queries_whatever_there_is(campaign, django_assert_max_num_queries):
    under_way(campaign, 20, 20, 20, 20, 10)
    with django_assert_max_num_queries(7):
        report = split_report(campaign=campaign)
    assert len(report.variants) == 5
    assert SplitTest.objects.count() == 1
