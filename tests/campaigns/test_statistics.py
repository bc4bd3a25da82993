"""A tenant in figures: exact, in agreement with the reports, and never older than the last change."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.reports import campaign_figures
from campaigns.statistics import (
    Outcomes,
    campaign_statistics,
    contact_statistics,
    event_statistics,
    performance_of,
    remembered,
    tenant_overview,
)
from common.errors import InvalidInput
from contacts.models import Contact, DataSource
from contacts.targeting import refresh_facets
from outbound.daily import DayCounts, counts_in_all
from outbound.models import Daily
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag
from tests.campaigns.report_cast import give_events, give_outcomes, send

pytestmark = pytest.mark.usefixtures("acme")
COUNT_AGAIN = importlib.import_module("outbound.migrations.0003_growth").COUNT


def count_again() -> None:
    """As the migration counts what was there before."""
    Daily.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(COUNT_AGAIN)


@pytest.fixture
def campaign(acme):
    add_contacts(20)
    add_provider()
    campaign = add_campaign()
    message = send(campaign)
    give_outcomes(message)
    give_events(message)
    count_again()
    return campaign


def count_on(day, **counts):
    Daily.objects.create(day=day, origin="campaign", slot=0, **counts)


def test_contacts_are_counted_by_status_validation_language_and_tag(acme):
    vip, press = add_tag("vip"), add_tag("press")
    add_contacts(3, language="fr", tags=(vip, press), prefix="a")
    add_contacts(2, language="FR", tags=(vip,), prefix="b")
    add_contacts(1, prefix="c")
    Contact.objects.filter(email__startswith="b").update(status="bounced", validation_state="invalid")
    found = contact_statistics()
    assert (found.total, found.mailable) == (6, 4)
    assert found.by_status["active"] == 4
    assert found.by_status["bounced"] == 2
    assert sum(found.by_status.values()) == sum(found.by_validation.values()) == 6
    assert (found.by_validation["pending"], found.by_validation["invalid"]) == (4, 2)
    assert found.by_language == {"fr": 5, "unknown": 1}
    assert [(tag.slug, tag.contact_count) for tag in found.top_tags] == [("vip", 5), ("press", 3)]


def test_growth_tells_who_was_made_lately(acme):
    add_contacts(6)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    ages = (timedelta(0), timedelta(seconds=1), timedelta(days=6), timedelta(days=7), timedelta(days=30))
    for number, age in enumerate(ages):
        Contact.objects.filter(email=f"user{number}@example.com").update(created_at=midnight - age)
    growth = contact_statistics().growth
    assert (growth.today, growth.last_7_days, growth.last_30_days) == (2, 4, 5)


def test_the_rates_of_all_campaigns_are_those_of_their_reports(campaign):
    figures = campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]
    found = campaign_statistics()
    assert found.total == 1
    assert found.by_status == {**dict.fromkeys(Campaign.State.values, 0), "sending": 1}
    outcomes = found.outcomes
    assert (outcomes.sent, outcomes.delivered, outcomes.bounced, outcomes.failed) == (8, 7, 3, 1)
    assert (outcomes.opened, outcomes.clicked, outcomes.unsubscribed, outcomes.complained) == (4, 2, 1, 1)
    for rate in ("delivery_rate", "bounce_rate", "open_rate", "click_rate", "click_to_open_rate", "complaint_rate"):
        assert getattr(outcomes, rate) == pytest.approx(getattr(figures, rate)), rate


def test_what_was_there_before_days_were_counted_is_counted_as_it_would_have_been(campaign):
    assert counts_in_all(origin="campaign") == DayCounts(
        sent=8, refused_hard=1, refused_soft=1, failed=1, cancelled=1, suppressed=1, in_doubt=1, opens=5, opened=4,
        clicks=3, clicked=2, unsubscribed=1, complained=1, confirmed=1, bounced_hard=1, came_back=1,
    )  # fmt: skip


def test_events_are_counted_by_type(campaign):
    found = event_statistics()
    assert found.by_type == {
        "sent": 8, "delivery": 1, "deferral": 0, "hard_bounce": 2, "soft_bounce": 1, "block": 0, "failure": 1,
        "suppression": 1, "cancellation": 1, "in_doubt": 1, "open": 5, "click": 3, "unsubscribe": 1, "complaint": 1,
    }  # fmt: skip
    assert found.total == 26
    assert (found.unique_opens, found.unique_clicks) == (4, 2)
    assert found.hard_bounce_rate == pytest.approx(2 / 11)


def test_rates_of_nothing_are_0_and_none_is_above_1():
    assert (Outcomes().open_rate, Outcomes().delivery_rate, Outcomes().click_to_open_rate) == (0.0, 0.0, 0.0)
    assert Outcomes(delivered=2, opened=3).open_rate == 1.0


def test_performance_has_every_day_in_order(acme):
    today = datetime.now(UTC).date()
    count_on(today, sent=10, came_back=1, opened=5)
    count_on(today - timedelta(days=2), came_back=1, opened=5, refused_hard=2)
    count_on(today - timedelta(days=3), sent=100)
    found = performance_of(days=3)
    assert [day.day for day in found.days] == [today - timedelta(days=n) for n in (2, 1, 0)]
    before, quiet, now = (day.outcomes for day in found.days)
    assert (now.sent, now.delivered, now.bounced, now.opened, now.tried) == (10, 9, 1, 5, 10)
    assert quiet == Outcomes()
    assert (before.sent, before.delivered, before.bounced, before.bounce_rate) == (0, 0, 3, 1.0)
    assert (found.totals.sent, found.totals.delivered, found.totals.bounced, found.totals.tried) == (10, 8, 4, 12)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_performance_is_of_one_day_to_a_year(acme, days):
    with pytest.raises(InvalidInput) as refusal:
        performance_of(days=days)
    assert refusal.value.field == "days"
    assert len(performance_of(days=365).days) == 365


def test_the_overview_says_what_the_other_statistics_say(campaign):
    DataSource.objects.create(name="File", type="csv")
    found = tenant_overview()
    assert (found.contacts, found.campaigns, found.events) == (
        contact_statistics(),
        campaign_statistics(),
        event_statistics(),
    )
    assert found.data_sources.total == 1
    assert found.data_sources.by_type == {"scraper-pro": 0, "backlink-engine": 0, "csv": 1, "manual": 0}
    [recent] = found.recent_campaigns
    assert (recent.id, recent.name, recent.status, recent.figures.delivered) == (campaign.pk, "Spring", "sending", 7)


def test_the_overview_shows_the_newest_five_campaigns(campaign):
    made = [add_campaign(campaign.template).pk for _ in range(6)]
    assert [recent.id for recent in tenant_overview().recent_campaigns] == made[:0:-1]


def test_the_number_of_queries_does_not_grow(campaign):
    with CaptureQueriesContext(connection) as few:
        tenant_overview()
    for number in range(3):
        add_tag(f"tag{number}")
        send(add_campaign(campaign.template))
    add_contacts(30, prefix="more")
    with CaptureQueriesContext(connection) as many:
        tenant_overview()
    assert len(few) == len(many)


def test_another_tenant_is_not_counted(campaign, globex):
    connection.set_tenant(globex)
    found = tenant_overview()
    assert (found.contacts.total, found.campaigns.total, found.events.total, found.recent_campaigns) == (0, 0, 0, ())


class Counter:
    """How often something was counted."""

    def __init__(self) -> None:
        self.counted = 0

    def __call__(self):
        self.counted += 1
        return {"count": self.counted}


CHANGES = {
    "a contact": (lambda: add_contacts(1, prefix="new"), {"contacts", "overview"}),
    "a status": (lambda: Contact.objects.filter(email="user0@example.com").update(status="bounced"), {"contacts", "overview"}),
    "a validation": (
        lambda: Contact.objects.filter(email="user0@example.com").update(validation_state="valid"),
        {"contacts", "overview"},
    ),
    "an erased contact": (lambda: Contact.objects.filter(email="user0@example.com").delete(), {"contacts", "overview"}),
    "a tag": (lambda: add_tag("vip"), {"contacts", "overview"}),
    "a campaign": (lambda: add_campaign(Campaign.objects.get().template), {"campaigns", "overview"}),
    "a state": (lambda: Campaign.objects.update(state="paused"), {"campaigns", "overview"}),
    "a data source": (lambda: DataSource.objects.create(name="File"), {"overview"}),
    "mail": (lambda: Daily.objects.update(sent=9), {"campaigns", "events", "performance", "overview"}),
    "nothing": (lambda: None, set()),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_only_what_a_change_concerns_is_counted_again(campaign, what):
    change, concerned = CHANGES[what]
    counters = {kind: Counter() for kind in ("contacts", "campaigns", "events", "performance", "overview")}
    for _ in range(2):
        for kind, counter in counters.items():
            remembered(kind, counter)
    with transaction.atomic():
        change()
    for kind, counter in counters.items():
        assert remembered(kind, counter) == {"count": counter.counted}
    assert {kind for kind, counter in counters.items() if counter.counted == 2} == concerned


def test_rebuilding_facets_does_not_bring_old_figures_back(campaign):
    def count():
        return {"total": contact_statistics().total}

    assert refresh_facets()
    assert remembered("contacts", count) == {"total": 20}
    with transaction.atomic():
        add_contacts(1, prefix="new")
    assert remembered("contacts", count) == {"total": 21}
    assert refresh_facets()
    assert remembered("contacts", count) == {"total": 21}


def test_what_is_kept_belongs_to_one_tenant_and_one_detail(campaign, globex):
    assert remembered("events", lambda: 1, detail="7") == 1
    assert remembered("events", lambda: 2, detail="30") == 2
    connection.set_tenant(globex)
    assert remembered("events", lambda: 3, detail="30") == 3
