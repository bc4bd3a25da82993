import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.reports import campaign_figures, campaign_report
from outbound.states import EventKind
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.campaigns.report_cast import give_events, give_outcomes, send

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
def campaign(acme):
    add_contacts(20)
    add_provider()
    campaign = add_campaign()
    message = send(campaign)
    give_outcomes(message)
    give_events(message)
    return campaign


def test_a_report_says_what_became_of_everybody(campaign):
    figures = campaign_report(campaign=campaign).figures
    assert figures.total == 20
    assert figures.queued == 4
    assert figures.sent == 8
    assert figures.deferred == 2, "one waits for its time, one is being tried again"
    assert (figures.bounced_hard, figures.bounced_soft) == (2, 1), "one of them bounced after it was taken"
    assert figures.delivered == 7
    assert figures.confirmed == 1
    assert (figures.failed, figures.suppressed, figures.cancelled, figures.in_doubt) == (1, 1, 1, 1)
    assert (figures.opened, figures.opens, figures.clicked, figures.clicks) == (4, 5, 2, 3)
    assert (figures.unsubscribed, figures.complained) == (1, 1)


def test_rates_are_of_those_who_were_reached(campaign):
    figures = campaign_report(campaign=campaign).figures
    assert figures.delivery_rate == pytest.approx(7 / 11)
    assert figures.bounce_rate == pytest.approx(3 / 11)
    assert figures.open_rate == pytest.approx(4 / 7)
    assert figures.click_rate == pytest.approx(2 / 7)
    assert figures.click_to_open_rate == pytest.approx(2 / 4)
    assert figures.unsubscribe_rate == figures.complaint_rate == pytest.approx(1 / 7)


def test_links_have_their_clicks_and_the_people_behind_them(campaign):
    [link] = campaign_report(campaign=campaign).links
    assert (link.url, link.number, link.clicks, link.uniques) == ("https://acme.example/shop", 0, 3, 2)


def test_events_are_told_by_the_hour(campaign):
    hours = campaign_report(campaign=campaign).hours
    assert {hour.kind: (hour.count, hour.uniques) for hour in hours}[EventKind.OPEN] == (5, 4)
    assert len({hour.hour for hour in hours}) == 1
    assert all(hour.hour.minute == 0 for hour in hours)


def test_a_draft_has_an_empty_report(acme):
    report = campaign_report(campaign=add_campaign())
    assert (report.figures.total, report.figures.open_rate, report.links, report.hours) == (0, 0.0, (), ())


def test_a_campaign_in_two_languages_is_one_report(campaign):
    add_contacts(3, language="fr", prefix="fr")
    add_template(language="fr")
    other = add_campaign(campaign.template, language="fr")
    send(other)
    mixed = add_campaign(campaign.template)
    send(mixed)
    found = campaign_figures(campaign_ids=[campaign.pk, other.pk, mixed.pk])
    assert {pk: figures.total for pk, figures in found.items()} == {campaign.pk: 20, other.pk: 3, mixed.pk: 20}
    assert sorted(link.language for link in campaign_report(campaign=mixed).links) == ["", "fr"]


def test_the_number_of_queries_does_not_grow(campaign):
    for _ in range(3):
        send(add_campaign(campaign.template))
    ids = list(type(campaign).objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as one:
        campaign_figures(campaign_ids=ids[:1])
    with CaptureQueriesContext(connection) as all_of_them:
        assert len(campaign_figures(campaign_ids=ids)) == 4
    assert len(one) == len(all_of_them) == 4
    with CaptureQueriesContext(connection) as report:
        campaign_report(campaign=campaign)
    assert len(report) == 6


def test_another_tenant_sees_no_figures(campaign, globex):
    connection.set_tenant(globex)
    assert campaign_report(campaign=campaign).figures.total == 0
