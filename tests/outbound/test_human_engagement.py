"""Opens and clicks of people are counted apart from those of machines."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.targeting.audience import Parameters
from outbound.behaviour import Asked, Kind, contacts_query
from outbound.daily import counts_in_all
from outbound.engagement import human_counts
from outbound.events import record_events
from outbound.models import Engagement, Event, Message, Recipient, Tally
from outbound.recording import Hit
from outbound.states import EventKind, RecipientState
from tenants.models import Tenant
from tests.outbound.recipients import NOON, sent_message

OPEN, CLICK = EventKind.OPEN, EventKind.CLICK
PERSON = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.5071; ms-office)"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE = "Mozilla/5.0"
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
LONG_AFTER = 3_600.0  # seconds


def delivered(recipients: int = 3, *, at: datetime = NOON, finished: bool = True) -> Message:
    """A message with ten links whose mail the provider took at `at`."""
    message = sent_message(recipients, links=[{"url": f"https://acme.example/{n}"} for n in range(10)])
    Recipient.objects.filter(month=message.month, message_id=message.pk).update(at=at)
    message.finished_at = at + timedelta(seconds=1) if finished else None
    message.save(update_fields=["finished_at"])
    return message


def hit(
    message: Message, kind: int, seconds: float = LONG_AFTER, *, agent: str | None = PERSON, link: int = 0, who: int = 0
) -> Hit:
    at = NOON + timedelta(seconds=seconds)
    return Hit(kind, message.pk, who, at, link if kind == CLICK else None, "192.0.2.7", agent)


def told(message: Message, kind: int, link: int = -1) -> tuple[int, int, int, int]:
    """(count, uniques, of them by people: count, uniques), over all hours."""
    rows = Tally.objects.filter(message=message, kind=kind, link=link)
    names = ("count", "uniques", "human_count", "human_uniques")
    return tuple(sum(getattr(row, name) for row in rows) for name in names)  # type: ignore[return-value]


def engagement(message: Message, who: int = 0) -> Engagement:
    return Engagement.objects.get(month=message.month, message_id=message.pk, position=who)


def humans(message: Message, kind: int = CLICK) -> list[bool | None]:
    return list(Event.objects.filter(message_id=message.pk, kind=kind).order_by("id").values_list("human", flat=True))


def counted_again(message: Message) -> None:
    """What was counted up is what the events say."""
    clicks = list(Event.objects.filter(message_id=message.pk, kind=CLICK, human=True))
    assert told(message, CLICK)[2:] == (len(clicks), len({one.position for one in clicks}))
    for link in range(10):
        of_link = [one for one in clicks if one.link == link]
        assert told(message, CLICK, link)[2:] == (len(of_link), len({one.position for one in of_link}))
    assert counts_in_all().human_clicked == len({one.position for one in clicks})
    for one in Engagement.objects.filter(message_id=message.pk):
        mine = [click for click in clicks if click.position == one.position]
        assert one.human_clicked_at == min((click.at for click in mine), default=None)
        assert sorted(one.human_links) == sorted({click.link for click in mine})
    assert min(Tally.objects.filter(message=message).values_list("human_count", flat=True)) >= 0


@pytest.mark.parametrize(
    ("requests", "opens", "clicks"),
    [
        pytest.param([(38, OPEN, APPLE, 0)], (1, 1, 0, 0), (0, 0, 0, 0), id="Apple's privacy protection loads the pictures"),
        pytest.param([(7200, OPEN, GMAIL, 0)], (1, 1, 1, 1), (0, 0, 0, 0), id="Gmail's proxy stands for the reader"),
        pytest.param(
            [(2 + n / 10, CLICK, PERSON, n) for n in range(7)],
            (0, 0, 0, 0), (7, 1, 0, 0), id="a scanner follows all links two seconds after delivery",
        ),
        pytest.param(
            [(5400, OPEN, OUTLOOK, 0), (5412, CLICK, PERSON, 2)],
            (1, 1, 1, 1), (1, 1, 1, 1), id="a reader of Outlook clicks once",
        ),
        pytest.param(
            [(600, OPEN, IPHONE, 0), (4000, OPEN, IPHONE, 0), (90000, OPEN, IPHONE, 0)],
            (3, 1, 3, 1), (0, 0, 0, 0), id="the same reader opens three times",
        ),
        pytest.param([(3600, CLICK, PERSON, 1)], (0, 0, 0, 0), (1, 1, 1, 1), id="pictures blocked, one click"),
        pytest.param([(8000, CLICK, SLACK, 3)], (0, 0, 0, 0), (1, 1, 0, 0), id="the link is shared into a chat"),
        pytest.param([(8000, CLICK, None, 3)], (0, 0, 0, 0), (1, 1, 0, 0), id="who says nothing is not counted"),
        pytest.param(
            [(30, OPEN, APPLE, 0), (7200, OPEN, IPHONE, 0), (7300, OPEN, APPLE, 0)],
            (3, 1, 1, 1), (0, 0, 0, 0), id="a machine first, then a person",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [True, False])
def test_stories_of_one_mail(
    acme: Tenant, requests: Sequence[Any], opens: tuple[int, ...], clicks: tuple[int, ...], at_once: bool
) -> None:
    message = delivered()
    hits = [hit(message, kind, seconds, agent=agent, link=link) for seconds, kind, agent, link in requests]
    for batch in [hits] if at_once else [[one] for one in hits]:
        record_events(batch)
    assert (told(message, OPEN), told(message, CLICK)) == (opens, clicks)
    assert human_counts([message.pk]) == {message.pk: (opens[3], clicks[3])}
    assert (counts_in_all().human_opened, counts_in_all().human_clicked) == (opens[3], clicks[3])
    counted_again(message)


def test_the_first_open_of_a_person_is_kept_beside_the_first_of_all(acme: Tenant) -> None:
    message = delivered()
    record_events([hit(message, OPEN, 60, agent=APPLE), hit(message, OPEN, 4000), hit(message, OPEN, 900)])
    record_events(
        [hit(message, OPEN, 9000), hit(message, CLICK, 9001, link=3), hit(message, CLICK, 9100, agent=SLACK, link=4)]
    )
    row = engagement(message)
    assert (row.opened_at, row.human_opened_at) == (NOON + timedelta(seconds=60), NOON + timedelta(seconds=900))
    assert (row.human_clicked_at, row.links, row.human_links) == (NOON + timedelta(seconds=9001), [3, 4], [3])
    assert humans(message, OPEN) == [False, True, True, True]
    assert humans(message) == [True, False]


def test_what_is_no_open_and_no_click_is_nobodys_doing(acme: Tenant) -> None:
    message = delivered()
    record_events([hit(message, EventKind.UNSUBSCRIBE), hit(message, EventKind.BOUNCE_SOFT, who=1)])
    assert set(Event.objects.values_list("human", flat=True)) == {None}
    assert sum(Tally.objects.values_list("human_count", flat=True)) == 0


@pytest.mark.parametrize(
    ("kind", "seconds", "human"),
    [
        (OPEN, 1.9, False),
        (OPEN, 2.1, True),
        (CLICK, 4.9, False),
        (CLICK, 5.1, True),
        (CLICK, -0.9, False),
        (CLICK, -30, True),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_nobody_reads_what_was_delivered_a_moment_ago(
    acme: Tenant, kind: int, seconds: float, human: bool, finished: bool
) -> None:
    message = delivered(finished=finished)
    record_events([hit(message, kind, seconds)])
    assert humans(message, kind) == [human]


def test_a_doubt_that_the_open_itself_settles_does_not_make_it_a_machines(acme: Tenant) -> None:
    message = sent_message(2, state=RecipientState.IN_DOUBT)
    Recipient.objects.filter(message_id=message.pk).update(at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    record_events([Hit(OPEN, message.pk, 0, now + timedelta(seconds=1), agent=PERSON)])
    assert Recipient.objects.get(message_id=message.pk, position=0).state == RecipientState.SENT
    assert humans(message, OPEN) == [True]


@pytest.mark.parametrize(
    ("seconds", "links", "human"),
    [
        pytest.param([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], False, id="five links within ten seconds"),
        pytest.param([0, 0.5, 1], [0, 1, 2], False, id="three links within two seconds"),
        pytest.param([0, 3, 6, 9], [0, 1, 2, 3], True, id="four links within ten seconds"),
        pytest.param([0, 3, 6, 9, 12], [0, 1, 2, 3, 4], True, id="five links in a dozen seconds"),
        pytest.param([0, 0.1, 0.2, 0.3, 0.4], [7, 7, 7, 7, 7], True, id="one link again and again"),
        pytest.param([0, 1.9], [0, 1], True, id="two links at once"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_who_follows_many_links_at_once_is_a_machine(
    acme: Tenant, seconds: list[float], links: list[int], human: bool, size: int
) -> None:
    message = delivered()
    hits = [hit(message, CLICK, LONG_AFTER + s, link=link) for s, link in zip(seconds, links, strict=True)]
    for first in range(0, len(hits), size):
        record_events(hits[first : first + size])
    assert humans(message) == [human] * len(hits)
    counted_again(message)


def test_a_burst_is_taken_back_to_its_first_click_and_no_further(acme: Tenant) -> None:
    """Others' clicks, the opens and what the same recipient does later stay as they are, in whatever order they come."""
    message = delivered(4)
    record_events([hit(message, OPEN), hit(message, CLICK, link=2, who=1), hit(message, CLICK, link=9)])
    assert human_counts([message.pk]) == {message.pk: (1, 2)}
    record_events([hit(message, CLICK, LONG_AFTER + 7_200, link=2), hit(message, CLICK, LONG_AFTER + 7_200, link=9)])
    record_events([hit(message, CLICK, LONG_AFTER + 1, link=n) for n in range(6)])
    assert told(message, CLICK) == (10, 2, 3, 2)
    assert engagement(message).human_clicked_at == NOON + timedelta(seconds=LONG_AFTER + 7_200)
    assert human_counts([message.pk]) == {message.pk: (1, 2)}
    counted_again(message)
    record_events([hit(message, CLICK, LONG_AFTER + 9_000, link=5, who=n) for n in (0, 2)])
    assert human_counts([message.pk]) == {message.pk: (1, 3)}
    counted_again(message)


def test_two_bursts_in_one_batch_are_both_taken_back(acme: Tenant) -> None:
    messages = [delivered(3), delivered(3)]
    record_events(
        [hit(message, CLICK, link=n, who=who) for message in messages for who in (0, 2) for n in range(5)]
        + [hit(messages[0], CLICK, link=1, who=1)]
    )
    assert human_counts(m.pk for m in messages) == {messages[0].pk: (0, 1), messages[1].pk: (0, 0)}
    assert counts_in_all().human_clicked == 1


def test_a_batch_takes_the_statements_it_took_before(acme: Tenant) -> None:
    """A turn, the doubts, and the rest; one more only where a burst is to be taken back."""
    message = delivered(3)
    with CaptureQueriesContext(connection) as plain:
        record_events([hit(message, kind, who=who) for kind in (OPEN, CLICK) for who in range(3)])
    with CaptureQueriesContext(connection) as burst:
        record_events([hit(message, CLICK, LONG_AFTER + 1, link=n) for n in range(6)])
    around = sum("SAVEPOINT" in query["sql"] for query in plain)
    assert (len(plain) - around, len(burst) - around) == (3, 4)


def test_human_counts_of_many_messages_are_one_query(acme: Tenant) -> None:
    messages = [delivered(2) for _ in range(3)]
    record_events(
        [
            hit(messages[0], OPEN),
            hit(messages[0], OPEN, who=1),
            hit(messages[1], CLICK),
            hit(messages[1], OPEN, agent=APPLE),
        ]
    )
    with CaptureQueriesContext(connection) as queries:
        found = human_counts(message.pk for message in messages)
    assert found == {messages[0].pk: (2, 0), messages[1].pk: (0, 1), messages[2].pk: (0, 0)}
    assert len(queries) == 1


def test_what_was_recorded_before_machines_were_told_apart_is_not_known(acme: Tenant) -> None:
    message = delivered()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbound_engagement (month, message_id, position, opened_at, opens) VALUES (%s, %s, 0, %s, 1)",
            [message.month, message.pk, NOON],
        )
        cursor.execute(
            "INSERT INTO outbound_tally (message_id, kind, hour, link, count, uniques) VALUES (%s, 1, %s, -1, 1, 1)",
            [message.pk, NOON.replace(minute=0, second=0)],
        )
    assert (engagement(message).human_opened_at, human_counts([message.pk])) == (None, {message.pk: (0, 0)})
    record_events([hit(message, OPEN)])
    assert told(message, OPEN) == (2, 1, 1, 1)


def behaved(message: Message, kind: Kind, *, since: datetime | None = None, link: str = "") -> list[int]:
    """Positions of those who did."""
    parameters = Parameters()
    query = contacts_query(Asked(kind, (message.pk,), since, link), parameters)
    ids = [i for chunk in message.chunks.all() for i in chunk.contact_ids]
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return sorted(ids.index(row[0]) for row in cursor.fetchall())


def test_segments_of_those_who_opened_and_clicked_hold_people(acme: Tenant) -> None:
    message = delivered(5)
    record_events(
        [
            hit(message, OPEN, 30, agent=APPLE, who=0),
            hit(message, OPEN, 4_000, who=1),
            hit(message, OPEN, 4_000, who=2),
            hit(message, OPEN, 90_000, agent=APPLE, who=2),
            hit(message, OPEN, 30, agent=APPLE, who=3),
            hit(message, OPEN, 90_000, who=3),
            hit(message, CLICK, 4_000, link=1, who=1),
            hit(message, CLICK, 90_000, link=2, who=1, agent=SLACK),
            hit(message, CLICK, 4_000, link=2, who=2, agent=SLACK),
            *(hit(message, CLICK, 4_000, link=n, who=4) for n in range(8)),
        ]
    )
    assert behaved(message, Kind.OPENED) == [1, 2, 3]
    assert behaved(message, Kind.OPENED, since=NOON + timedelta(hours=5)) == [3]
    assert behaved(message, Kind.CLICKED) == [1]
    assert behaved(message, Kind.CLICKED, link="https://acme.example/1") == [1]
    assert behaved(message, Kind.CLICKED, link="https://acme.example/2") == []
    assert behaved(message, Kind.CLICKED, since=NOON + timedelta(hours=5)) == []
    assert behaved(message, Kind.CLICKED, since=NOON, link="https://acme.example/1") == [1]
