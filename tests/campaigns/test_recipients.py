import csv

import pytest
from django.db import connection

from campaigns.reports import RecipientFilter, export_recipients, recipients
from common.errors import InvalidInput
from contacts.models import Contact
from outbound.states import RecipientState
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.campaigns.report_cast import STATES, give_events, give_outcomes, send

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


def positions(campaign, **filters):
    return [row.position for row in recipients(campaign=campaign, **filters).rows]


def test_everybody_is_listed_with_state_and_reason_also_who_is_still_queued(campaign):
    rows = recipients(campaign=campaign).rows
    assert [row.position for row in rows] == list(range(20))
    assert [row.email for row in rows] == [f"user{n}@example.com" for n in range(20)]
    assert rows[16].state == "queued"
    assert (rows[9].state, rows[9].code, rows[9].reason) == ("bounced hard", 550, "because of 5")
    assert rows[4].state == "bounced hard", "it bounced after it was taken"
    assert rows[0].opens == 2
    assert rows[0].clicked_at is not None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("queued", [16, 17, 18, 19]),
        ("deferred", [8, 15]),
        ("sent", [0, 1, 2, 6, 7]),
        ("delivered", [0, 1, 2, 5, 6, 7]),
        ("bounced", [4, 9, 10]),
        ("bounced_hard", [4, 9]),
        ("bounced_soft", [10]),
        ("failed", [11]),
        ("cancelled", [12]),
        ("suppressed", [13]),
        ("in_doubt", [14]),
        ("opened", [0, 1, 2, 3]),
        ("clicked", [0, 1]),
        ("unsubscribed", [2]),
        ("complained", [3]),
    ],
)
def test_the_list_narrows_to_a_state(campaign, state, expected):
    assert positions(campaign, state=state) == expected
    paged, after = [], ""
    while True:
        page = recipients(campaign=campaign, state=state, after=after, limit=2)
        paged += [row.position for row in page.rows]
        after = page.after
        if not after:
            break
    assert paged == expected
    searched = [n for n in expected if str(n).startswith("1")]
    assert positions(campaign, state=state, search="USER1") == searched


def test_every_state_can_be_asked_for(campaign):
    assert {RecipientState(state).label for state in STATES} == {
        row.state for row in recipients(campaign=campaign).rows
    } - {"queued", "delivered", "complained"}
    for state in RecipientFilter:
        recipients(campaign=campaign, state=state)


def test_a_search_finds_addresses_that_begin_with_it(campaign):
    assert positions(campaign, search="user1@") == [1]
    assert positions(campaign, search="user1") == [1, *range(10, 20)]
    assert positions(campaign, search="ser1") == []
    assert positions(campaign, search="user_") == []
    assert positions(campaign, search="user1", limit=3) == [1, 10, 11]
    page = recipients(campaign=campaign, search="user1", limit=3)
    assert [row.position for row in recipients(campaign=campaign, search="user1", after=page.after).rows] == list(
        range(12, 20)
    )


def test_pages_go_on_over_the_languages_of_a_campaign(acme):
    add_contacts(3)
    add_contacts(4, language="fr", prefix="fr")
    add_provider()
    main = add_template()
    add_template(language="fr")
    campaign = add_campaign(main)
    send(campaign)
    seen, after = [], ""
    while True:
        page = recipients(campaign=campaign, after=after, limit=2, state="queued")
        seen += [row.email for row in page.rows]
        after = page.after
        if not after:
            break
    assert sorted(seen) == sorted(Contact.objects.values_list("email", flat=True))


def test_an_erased_contact_keeps_its_place_without_its_address(campaign):
    Contact.objects.filter(email="user2@example.com").delete()
    row = recipients(campaign=campaign).rows[2]
    assert (row.position, row.email, row.state) == (2, "", "sent")


@pytest.mark.parametrize("wrong", [{"state": "sentt"}, {"after": "x"}, {"after": "1-x"}, {"after": "1'--"}])
def test_what_cannot_be_asked_is_refused(campaign, wrong):
    with pytest.raises(InvalidInput):
        recipients(campaign=campaign, **wrong)


def test_the_export_has_everybody_and_starts_no_formula(campaign):
    Contact.objects.filter(email="user0@example.com").update(first_name="=HYPERLINK(1)", last_name='+1, "x"')
    lines = list(export_recipients(campaign=campaign))
    assert all(line.endswith("\r\n") for line in lines)
    rows = list(csv.DictReader(lines))
    assert len(rows) == 20
    assert rows[0]["first_name"] == "'=HYPERLINK(1)"
    assert rows[0]["last_name"] == '\'+1, "x"'
    assert (rows[9]["state"], rows[9]["reason"]) == ("bounced hard", "because of 5")
    assert [row["email"] for row in csv.DictReader(export_recipients(campaign=campaign, state="clicked"))] == [
        "user0@example.com",
        "user1@example.com",
    ]


def test_an_export_of_an_unknown_state_is_refused_before_the_first_line(campaign):
    with pytest.raises(InvalidInput, match="States: queued"):
        export_recipients(campaign=campaign, state="nope")


def test_another_tenant_sees_no_recipients(campaign, globex):
    connection.set_tenant(globex)
    assert recipients(campaign=campaign).rows == ()
