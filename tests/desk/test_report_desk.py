"""What the report of a campaign shows: the figures of the database, in words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from campaigns.models import Campaign
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from outbound.events import record_events
from outbound.models import Chunk, Message
from outbound.recording import Hit
from outbound.states import EventKind, RecipientState
from tests.desk.conftest import campaign, logged_in, person, provider, queries

Inside = Callable[[], Any]

STATES = (RecipientState.SENT,) * 5 + (
    RecipientState.BOUNCED_HARD, RecipientState.BOUNCED_SOFT, RecipientState.IN_DOUBT, RecipientState.DEFERRED, RecipientState.SUPPRESSED,
)  # fmt: skip
REASONS = {
    RecipientState.BOUNCED_HARD: (550, "5.1.1 <b>No such user</b>"),
    RecipientState.DEFERRED: (451, "4.7.1 Greylisted"),
}


@pytest.fixture
def sent(acme: object) -> Campaign:
    """Ten recipients: five were sent, of whom three opened and one clicked and left."""
    provider()
    for number in range(len(STATES)):
        person(f"p{number}@example.com", first_name=f"P{number}")
    one = campaign()
    send_campaign(campaign=one)
    plan_campaign(one.pk)
    message = Message.objects.get()
    finish(message)
    Campaign.objects.update(state="sent")
    at = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    kinds = [
        (0, EventKind.OPEN),
        (1, EventKind.OPEN),
        (2, EventKind.OPEN),
        (0, EventKind.OPEN),
        (0, EventKind.CLICK),
        (0, EventKind.UNSUBSCRIBE),
    ]
    record_events(
        [
            Hit(kind, message.pk, position, at, 0 if kind == EventKind.CLICK else None, None, None, None)
            for position, kind in kinds
        ]
    )
    one.refresh_from_db()
    return one


def finish(message: Message) -> None:
    """What the engine writes when all have an outcome."""
    ids = message.chunks.get().contact_ids
    rows = [
        (message.month, message.pk, position, ids[position], state, *REASONS.get(state, (None, None)))
        for position, state in enumerate(STATES)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO outbound_recipient (month, message_id, position, contact_id, state, code, reason, at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, now())",
            rows,
        )
    Chunk.objects.update(done=10, sent=5, bounced=2, in_doubt=1, deferred=1, suppressed=1, state="done")
    Message.objects.update(state="finished", finished_at=message.started_at)


def test_the_figures_stand_there_with_their_shares_and_meaning(owner: Client, sent: Campaign) -> None:
    answer = owner.get(f"/admin/campaigns/campaign/{sent.pk}/change/")
    shown = {figure.name: (figure.count, figure.share) for figure in answer.context["shown"]}
    assert shown["delivered"] == (5, 0.5)
    assert shown["opened"] == (3, 0.6)
    assert shown["clicked"] == (1, 0.2)
    assert shown["unsubscribed"] == (1, 0.2)
    assert shown["bounced_hard"] == (1, 0.1)
    assert shown["in_doubt"] == (1, 0.1)
    assert "failed" not in shown
    page = answer.content.decode()
    for words in ("60.0 %", "it may have the mail or not", "https://shop.example/", "Deferred", 'class="chart"'):
        assert words in page


def test_recipients_are_listed_with_state_and_reason(owner: Client, sent: Campaign) -> None:
    page = owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients/").content.decode()
    for words in ("p0@example.com", "bounced hard", "550 5.1.1 &lt;b&gt;No such user", "in doubt", "unsubscribed"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "here", "not_here"),
    [
        ("state=opened", "p2@example.com", "p3@example.com"),
        ("state=clicked", "p0@example.com", "p1@example.com"),
        ("state=in_doubt", "p7@example.com", "p0@example.com"),
        ("state=deferred", "p8@example.com", "p0@example.com"),
        ("q=p5", "p5@example.com", "p6@example.com"),
    ],
)
def test_recipients_are_narrowed(owner: Client, sent: Campaign, query: str, here: str, not_here: str) -> None:
    page = owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients/?{query}").content.decode()
    assert here in page
    assert not_here not in page


def test_in_doubt_is_explained_where_they_are_listed(owner: Client, sent: Campaign) -> None:
    page = owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients/?state=in_doubt").content.decode()
    assert "so that nobody gets it twice" in page
    assert owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients/?state=unheard").status_code == 302


def test_recipients_are_downloaded_as_csv(owner: Client, sent: Campaign) -> None:
    answer = owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients.csv?state=bounced")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Spring-bounced.csv"'
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("email,first_name,last_name,state")
    assert [line.split(",")[0] for line in lines[1:]] == ["p5@example.com", "p6@example.com"]
    assert connection.schema_name == "public"


def test_an_odd_name_makes_a_harmless_file_name(owner: Client, sent: Campaign, inside: Inside) -> None:
    with inside():
        Campaign.objects.update(name='../../etc/"x"\r\nSet-Cookie: a=b')
    header = owner.get(f"/admin/campaigns/campaign/{sent.pk}/recipients.csv").headers["Content-Disposition"]
    name = header.removeprefix('attachment; filename="').removesuffix('.csv"')
    assert all(char.isalnum() or char in "._-" for char in name)
    assert not name.startswith(".")


def test_a_contact_shows_the_mails_it_got(owner: Client, sent: Campaign, inside: Inside) -> None:
    with inside():
        ids = Message.objects.get().chunks.get().contact_ids
        stranger = person("new@example.com")
    rows = owner.get(f"/admin/campaigns/campaign/contact/{ids[5]}/history/").content.decode()
    assert "Spring" in rows
    assert "bounced hard" in rows
    assert "None of the last" in owner.get(f"/admin/campaigns/campaign/contact/{stranger.pk}/history/").content.decode()


def test_figures_are_watched_live_only_while_it_is_sent(owner: Client, sent: Campaign, inside: Inside) -> None:
    live = f"/admin/campaigns/campaign/{sent.pk}/live/"
    assert "every 2s" not in owner.get(live).content.decode()
    with inside():
        Campaign.objects.update(state="sending")
    assert "every 2s" in owner.get(live).content.decode()
    assert "Watch it" in owner.get("/admin/campaigns/campaign/live/").content.decode()


def test_a_pause_tells_why_and_what_to_do(owner: Client, sent: Campaign, inside: Inside) -> None:
    with inside():
        Campaign.objects.update(state="paused", error="550 5.7.1 Sender not verified")
    for url in ("/admin/", f"/admin/campaigns/campaign/{sent.pk}/change/"):
        assert "550 5.7.1 Sender not verified" in owner.get(url).content.decode()


def test_a_report_takes_few_queries(owner: Client, sent: Campaign) -> None:
    assert queries(owner, f"/admin/campaigns/campaign/{sent.pk}/change/") <= 14
    assert queries(owner, f"/admin/campaigns/campaign/{sent.pk}/recipients/") <= 8


def test_another_tenant_has_no_such_report(sent: Campaign, globex: Any) -> None:
    theirs = logged_in(globex, "owner")
    for url in ("change/", "recipients/", "recipients.csv", "live/"):
        assert theirs.get(f"/admin/campaigns/campaign/{sent.pk}/{url}").status_code == 404
