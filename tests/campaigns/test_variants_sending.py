"""Variants on their way to a real SMTP server, through workers that die and brokers that forget."""

import threading
from email import policy
from email.parser import BytesParser

import pytest
from celery import current_app
from django.db import connection, transaction

from campaigns.models import Campaign, CampaignPart
from campaigns.reports import campaign_figures
from campaigns.services.deciding import choose_winner
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import PLAN_TASK, cancel_campaign
from common.errors import Conflict
from contacts.models import Contact, Suppression
from outbound.models import Message
from outbound.services import work_inline
from outbound.states import EventKind
from tenants.models import DueWork
from tests.campaigns.cast import add_campaign, add_contacts, add_template
from tests.campaigns.variants_cast import begin, happen, let_time_pass, rest, split_of, try_out, variant
from tests.outbound.engine_cast import Provider, books_agree


@pytest.fixture
def provider(live_tenant):
    with Provider() as provider:
        provider.account()
        yield provider


@pytest.fixture
def campaign(provider):
    add_contacts(150)
    add_contacts(150, language="fr", prefix="fr")
    main = add_template(subject="Hello")
    add_template(language="fr", subject="Bonjour")
    return add_campaign(main)


def work(campaign):
    """What workers would do: every message that is being sent is."""
    for message in Message.objects.filter(campaign_part__campaign=campaign, state__in=("sending", "cancelled")):
        work_inline(message.pk)
    campaign.refresh_from_db()


def subjects(provider):
    """By address; each address is there once, or it would have been mailed twice."""
    assert set(provider.received.values()) <= {1}
    parse = BytesParser(policy=policy.default).parsebytes
    return {mail.recipients[0]: parse(mail.body)["Subject"] for mail in provider.server.taken}


def tick(task):
    """What the beat would start of this kind, in this process."""
    current_app.loader.import_default_modules()
    for due in DueWork.objects.filter(schema=connection.schema_name, task=task):
        current_app.tasks[task](due.reference)


def test_everybody_gets_exactly_one_mail_and_the_rest_the_winner(provider, campaign):
    try_out(campaign, 10, 20)
    begin(campaign)
    assert CampaignPart.objects.filter(is_rest=False).count() == 4
    work(campaign)
    assert len(provider.received) == 90
    assert campaign.state == "sending"
    for part in CampaignPart.objects.filter(variant__name="B").select_related("message"):
        happen(part.message, EventKind.OPEN, part.message.total)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    work(campaign)
    told = subjects(provider)
    assert set(told) == set(Contact.objects.values_list("email", flat=True))
    assert campaign.state == "sent"
    trials = [sum(part.message.total for part in variant(campaign, name).parts.filter(is_rest=False)) for name in "AB"]
    assert trials == [30, 60]
    assert list(told.values()).count("Subject A") == 30
    assert list(told.values()).count("Subject B") == 270
    assert all(books_agree(message) for message in Message.objects.all())
    figures = campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]
    assert (figures.total, figures.sent, figures.opened) == (300, 300, 60)


def test_who_leaves_before_the_decision_gets_nothing_of_the_rest(provider, campaign):
    try_out(campaign, 10, 10)
    begin(campaign)
    work(campaign)
    waiting = next(chunk for part in rest(campaign) for chunk in part.message.chunks.all())
    gone = Contact.objects.get(pk=waiting.contact_ids[0])
    Suppression.objects.create(email=gone.email, email_key=gone.email_key, reason="complaint")
    choose_winner(campaign=campaign, variant_id=variant(campaign, "A").pk)
    work(campaign)
    assert gone.email not in subjects(provider)
    assert len(provider.received) == 299
    assert campaign.state == "sent"


def test_a_cancelled_campaign_mails_nobody_of_the_rest_and_the_books_agree(provider, campaign):
    try_out(campaign, 10, 10)
    begin(campaign)
    work(campaign)
    cancel_campaign(campaign=campaign)
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    work(campaign)
    assert len(provider.received) == 60
    figures = campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]
    assert (campaign.state, figures.sent, figures.cancelled, figures.queued) == ("cancelled", 60, 240, 0)
    assert all(books_agree(message) for message in Message.objects.all())


def decide_and_die(campaign):
    with transaction.atomic():
        plan_campaign(campaign.pk)
        assert split_of(campaign).decided_at is not None
        raise KeyboardInterrupt


def test_a_worker_that_dies_while_it_decides_leaves_nothing_and_the_next_tick_decides(provider, campaign):
    try_out(campaign, 10, 10)
    begin(campaign)
    work(campaign)
    let_time_pass(campaign)
    with pytest.raises(KeyboardInterrupt):
        decide_and_die(campaign)
    assert split_of(campaign).decided_at is None
    assert {part.message.state for part in rest(campaign)} == {"planned"}
    tick(PLAN_TASK)
    work(campaign)
    assert len(subjects(provider)) == 300
    assert campaign.state == "sent"


def test_what_was_decided_goes_out_by_the_tick_even_when_its_tasks_were_lost(provider, campaign):
    """Tasks put into the broker on commit are taken by nobody here; what the tick reads is in the database."""
    try_out(campaign, 10, 10)
    begin(campaign)
    work(campaign)
    let_time_pass(campaign)
    tick(PLAN_TASK)
    assert split_of(campaign).winner is not None
    assert len(provider.received) == 60
    tick("outbound.send_message")
    campaign.refresh_from_db()
    assert len(subjects(provider)) == 300
    assert campaign.state == "sent"
    tasks = (PLAN_TASK, "outbound.send_message")
    assert not DueWork.objects.filter(schema=connection.schema_name, task__in=tasks).exists()


def test_workers_that_decide_at_once_and_a_person_agree_on_one_winner(live_tenant, provider, campaign):
    try_out(campaign, 10, 10)
    begin(campaign)
    work(campaign)
    let_time_pass(campaign)
    by_hand = variant(campaign, "B").pk
    gate, refused = threading.Barrier(4), []

    def run(decide):
        connection.set_tenant(live_tenant)
        try:
            gate.wait(10)
            decide()
        except Conflict as error:
            refused.append(error)
        finally:
            connection.close()

    def choose():
        choose_winner(campaign=Campaign.objects.get(pk=campaign.pk), variant_id=by_hand)

    threads = [
        threading.Thread(target=run, args=[each]) for each in (*[lambda: plan_campaign(campaign.pk)] * 3, choose)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    split = split_of(campaign)
    assert (split.decided_by == "hand") == (not refused)
    assert {part.variant for part in rest(campaign)} == {split.winner}
    work(campaign)
    assert len(subjects(provider)) == 300
    assert campaign.state == "sent"
