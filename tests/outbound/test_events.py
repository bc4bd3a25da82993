"""What happened to recipients is recorded exactly: events, engagement, tallies, states, suppression."""

import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test import TestCase

from common.database import connect
from contacts.models import Suppression
from outbound.events import record_event, record_events
from outbound.models import Chunk, Engagement, Event, Message, Recipient, Tally
from outbound.recording import Hit, clean_agent, clean_ip, clean_text, record_hits, settle_message
from outbound.signals import message_event
from outbound.states import EventKind, RecipientState
from tenants.models import Tenant
from tests.outbound.recipients import NOON, contact_of, sent_message, state_of

OPEN, CLICK = EventKind.OPEN, EventKind.CLICK


def hit(
    message: Message, kind: int, position: int, link: int | None = None, at: datetime = NOON, detail: str | None = None
) -> Hit:
    return Hit(kind, message.pk, position, at, link, "192.0.2.7", "Mozilla/5.0", detail)


def tally(message: Message, kind: int, link: int = -1) -> tuple[int, int]:
    """(count, uniques), over all hours."""
    rows = Tally.objects.filter(message=message, kind=kind, link=link)
    return sum(row.count for row in rows), sum(row.uniques for row in rows)


def engagement(message: Message, position: int) -> Engagement:
    return Engagement.objects.get(month=message.month, message_id=message.pk, position=position)


def test_an_open_is_an_event_an_engagement_and_a_tally(acme: Tenant) -> None:
    message = sent_message(3)
    recorded = record_events([hit(message, OPEN, 1)])
    assert (recorded.recorded, recorded.repeated, recorded.unknown) == (1, 0, 0)
    event = Event.objects.get()
    assert (event.message_id, event.position, event.kind, event.ip, event.agent) == (
        message.pk,
        1,
        OPEN,
        "192.0.2.7",
        "Mozilla/5.0",
    )
    assert (event.at, event.month, event.link, event.detail) == (NOON, message.month, None, None)
    assert (engagement(message, 1).opened_at, engagement(message, 1).opens) == (NOON, 1)
    row = Tally.objects.get()
    assert (row.kind, row.link, row.count, row.uniques, row.hour) == (OPEN, -1, 1, 1, NOON.replace(minute=0, second=0))


def test_opens_of_one_recipient_are_one_unique_within_a_batch_and_over_batches(acme: Tenant) -> None:
    message = sent_message(3)
    record_events([hit(message, OPEN, 0, at=NOON + timedelta(seconds=5)), hit(message, OPEN, 0), hit(message, OPEN, 2)])
    record_events([hit(message, OPEN, 0, at=NOON + timedelta(hours=2)), hit(message, OPEN, 1)])
    assert tally(message, OPEN) == (5, 3)
    assert (engagement(message, 0).opens, engagement(message, 0).opened_at) == (3, NOON)
    assert Tally.objects.filter(message=message).count() == 2


def test_clicks_are_unique_by_recipient_and_by_link(acme: Tenant) -> None:
    message = sent_message(2)
    record_events(
        [hit(message, CLICK, 0, 4), hit(message, CLICK, 0, 4), hit(message, CLICK, 0, 2), hit(message, CLICK, 1, 4)]
    )
    record_events([hit(message, CLICK, 0, 2), hit(message, CLICK, 1, 7)])
    assert tally(message, CLICK) == (6, 2)
    assert tally(message, CLICK, 4) == (3, 2)
    assert tally(message, CLICK, 2) == (2, 1)
    assert tally(message, CLICK, 7) == (1, 1)
    assert (sorted(engagement(message, 0).links), engagement(message, 0).clicks) == ([2, 4], 4)


def test_unknown_messages_and_positions_are_counted_and_spoil_nothing(acme: Tenant) -> None:
    message = sent_message(2)
    strangers = [
        Hit(OPEN, 10**9, 0, NOON),
        hit(message, OPEN, 2),
        hit(message, OPEN, -1),
        hit(message, EventKind.BOUNCE_HARD, 99),
    ]
    recorded = record_events([*strangers, hit(message, OPEN, 1)])
    assert (recorded.recorded, recorded.unknown) == (1, 4)
    assert Event.objects.count() == 1


def test_a_message_whose_months_rows_were_dropped_is_unknown(acme: Tenant) -> None:
    message = sent_message(1)
    Message.objects.filter(pk=message.pk).update(month="2019-01-01")
    assert record_events([hit(message, OPEN, 0)]).unknown == 1


@pytest.mark.parametrize(
    ("kind", "state", "status"),
    [
        (EventKind.BOUNCE_HARD, RecipientState.BOUNCED_HARD, "bounced"),
        (EventKind.BOUNCE_SOFT, RecipientState.BOUNCED_SOFT, "active"),
        (EventKind.BLOCK, RecipientState.BOUNCED_SOFT, "active"),
        (EventKind.COMPLAINT, RecipientState.COMPLAINED, "complained"),
        (EventKind.DELIVERY, RecipientState.DELIVERED, "active"),
        (EventKind.UNSUBSCRIBE, RecipientState.SENT, "unsubscribed"),
        (EventKind.OPEN, RecipientState.SENT, "active"),
    ],
)
def test_an_event_moves_the_recipient_and_the_contact(acme: Tenant, kind: EventKind, state: int, status: str) -> None:
    message = sent_message(2)
    assert record_event(kind=kind, message_id=message.pk, position=1, detail="550 5.1.1 no such user")
    assert (state_of(message, 1), contact_of(message, 1).status) == (state, status)
    assert (state_of(message, 0), contact_of(message, 0).status) == (RecipientState.SENT, "active")
    assert tally(message, kind) == (1, 1)


def test_the_words_of_a_bounce_stand_with_the_recipient_and_the_suppression_names_the_message(acme: Tenant) -> None:
    message = sent_message(1)
    record_event(kind=EventKind.BOUNCE_HARD, message_id=message.pk, position=0, detail="550 5.1.1 no such user")
    assert Recipient.objects.get(month=message.month, message_id=message.pk).reason == "550 5.1.1 no such user"
    entry = Suppression.objects.get()
    assert (entry.email, entry.reason, entry.origin) == ("p0@example.com", "hard_bounce", f"message {message.pk}")


@pytest.mark.parametrize(
    "kind",
    [
        EventKind.BOUNCE_HARD,
        EventKind.BOUNCE_SOFT,
        EventKind.COMPLAINT,
        EventKind.DELIVERY,
        EventKind.UNSUBSCRIBE,
        EventKind.BLOCK,
    ],
)
def test_what_is_told_twice_counts_once(acme: Tenant, kind: EventKind) -> None:
    message = sent_message(1)
    first = record_events([hit(message, kind, 0), hit(message, kind, 0)])
    second = record_events([hit(message, kind, 0, at=NOON + timedelta(hours=3))])
    assert (first.recorded, first.repeated) == (1, 1)
    assert (second.recorded, second.repeated) == (0, 1)
    assert tally(message, kind) == (1, 1)
    assert Event.objects.count() == 1


def test_a_hard_bounce_after_a_soft_one_still_counts(acme: Tenant) -> None:
    message = sent_message(1)
    record_event(kind=EventKind.BOUNCE_SOFT, message_id=message.pk, position=0)
    assert record_event(kind=EventKind.BOUNCE_HARD, message_id=message.pk, position=0)
    assert (state_of(message, 0), contact_of(message, 0).status) == (RecipientState.BOUNCED_HARD, "bounced")


def test_a_weaker_event_never_takes_a_stronger_state_back(acme: Tenant) -> None:
    message = sent_message(1)
    for kind in (EventKind.COMPLAINT, EventKind.BOUNCE_HARD, EventKind.DELIVERY, EventKind.BOUNCE_SOFT):
        record_event(kind=kind, message_id=message.pk, position=0)
    assert (state_of(message, 0), contact_of(message, 0).status) == (RecipientState.COMPLAINED, "complained")


def test_the_strongest_event_of_a_batch_decides_whatever_their_order(acme: Tenant) -> None:
    message = sent_message(2)
    record_events(
        [hit(message, EventKind.BOUNCE_HARD, 0), hit(message, EventKind.DELIVERY, 0, at=NOON + timedelta(seconds=9))]
    )
    record_events(
        [hit(message, EventKind.DELIVERY, 1), hit(message, EventKind.BOUNCE_SOFT, 1, at=NOON + timedelta(seconds=9))]
    )
    assert (state_of(message, 0), state_of(message, 1)) == (RecipientState.BOUNCED_HARD, RecipientState.BOUNCED_SOFT)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (OPEN, RecipientState.SENT),
        (CLICK, RecipientState.SENT),
        (EventKind.DELIVERY, RecipientState.DELIVERED),
        (EventKind.BOUNCE_HARD, RecipientState.BOUNCED_HARD),
        (EventKind.COMPLAINT, RecipientState.COMPLAINED),
    ],
)
def test_evidence_settles_a_doubt_and_the_sums_stay_exact(acme: Tenant, kind: EventKind, state: int) -> None:
    message = sent_message(1500, state=RecipientState.IN_DOUBT)
    record_events([hit(message, kind, position) for position in (3, 3, 999, 1000, 1499)])
    assert [state_of(message, position) for position in (3, 999, 1000, 1499, 4)] == [state] * 4 + [
        RecipientState.IN_DOUBT
    ]
    assert list(Chunk.objects.order_by("first_position").values_list("in_doubt", "sent")) == [(998, 2), (498, 2)]
    record_events([hit(message, OPEN, 3)])
    assert list(Chunk.objects.order_by("first_position").values_list("in_doubt", "sent")) == [(998, 2), (498, 2)]


def test_a_doubt_of_a_retry_is_settled_in_the_retrys_chunk(acme: Tenant) -> None:
    message = sent_message(10, state=RecipientState.IN_DOUBT)
    Chunk.objects.update(in_doubt=9, deferred=1)
    Chunk.objects.create(
        message=message,
        attempt=2,
        positions=[7],
        contact_ids=[contact_of(message, 7).pk],
        size=1,
        state="done",
        done=1,
        in_doubt=1,
    )
    record_event(kind=OPEN, message_id=message.pk, position=7)
    assert list(Chunk.objects.order_by("attempt").values_list("in_doubt", "sent")) == [(9, 0), (0, 1)]


def test_a_doubt_of_a_chunk_at_work_waits_for_the_end_of_the_message(acme: Tenant) -> None:
    message = sent_message(10, state=RecipientState.IN_DOUBT)
    Chunk.objects.update(state="open")
    record_events([hit(message, OPEN, 1), hit(message, EventKind.BOUNCE_HARD, 2, detail="550 gone")])
    assert list(Chunk.objects.values_list("in_doubt", "sent")) == [(10, 0)]
    assert contact_of(message, 2).status == "bounced"
    Chunk.objects.update(state="done")
    for _ in range(2):
        with connection.cursor() as cursor:
            settle_message(cursor, schema=acme.schema_name, message_id=message.pk)
        assert list(Chunk.objects.values_list("in_doubt", "sent")) == [(8, 2)]
        assert (state_of(message, 1), state_of(message, 2)) == (RecipientState.SENT, RecipientState.BOUNCED_HARD)


def test_a_bounce_that_comes_before_its_recipients_row_still_suppresses_and_is_applied_at_the_end(acme: Tenant) -> None:
    message = sent_message(3)
    row = Recipient.objects.filter(month=message.month, message_id=message.pk, position=2)
    kept = row.values("contact_id", "at")[0]
    row.delete()
    assert record_event(kind=EventKind.BOUNCE_HARD, message_id=message.pk, position=2, detail="550 gone")
    assert contact_of(message, 2).status == "bounced"
    Recipient.objects.create(month=message.month, message_id=message.pk, position=2, state=RecipientState.SENT, **kept)
    with connection.cursor() as cursor:
        settle_message(cursor, schema=acme.schema_name, message_id=message.pk)
    assert state_of(message, 2) == RecipientState.BOUNCED_HARD


def test_a_recipient_that_was_never_sent_is_not_moved(acme: Tenant) -> None:
    message = sent_message(1, state=RecipientState.SUPPRESSED)
    record_event(kind=EventKind.DELIVERY, message_id=message.pk, position=0)
    assert state_of(message, 0) == RecipientState.SUPPRESSED


def test_the_event_of_a_contact_that_was_erased_is_kept(acme: Tenant) -> None:
    message = sent_message(1)
    contact_of(message, 0).delete()
    assert record_event(kind=EventKind.COMPLAINT, message_id=message.pk, position=0)
    assert not Suppression.objects.exists()


def test_the_apps_above_hear_of_it_after_the_commit(acme: Tenant) -> None:
    message = sent_message(1)
    heard: list[tuple[str, int]] = []

    def listen(*, kind: str, message_id: int, **_: object) -> None:
        heard.append((kind, message_id))

    message_event.connect(listen)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            record_event(kind=EventKind.BOUNCE_HARD, message_id=message.pk, position=0)
            assert heard == []
    finally:
        message_event.disconnect(listen)
    assert heard == [("bounce hard", message.pk)]


def test_what_outsiders_write_is_cut_and_made_harmless(acme: Tenant) -> None:
    message = sent_message(1)
    nasty = "a\x1b[2J\r\nfake\x00log\u202egnp.exe" + "x" * 2000
    record_event(kind=OPEN, message_id=message.pk, position=0, agent=nasty, detail=nasty, ip="10.0.0.1, 1.2.3.4")
    event = Event.objects.get()
    assert event.agent is not None
    assert event.detail is not None
    assert event.agent.startswith("a [2J fake log gnp.exe")
    assert (len(event.agent), len(event.detail), event.ip) == (300, 1000, None)
    assert clean_agent(b"caf\xe9\x9b") == "caf\u00e9"
    assert clean_agent("M\u00fcller".encode()) == "M\u00fcller"
    assert (clean_ip("fe80::1%eth0"), clean_ip("::ffff:192.0.2.1"), clean_ip("1"), clean_ip(None)) == (
        "fe80::1",
        "192.0.2.1",
        None,
        None,
    )
    assert clean_text("  two \t words\n") == "two words"


def test_recorders_at_the_same_message_count_every_hit_and_every_unique_once(live_tenant: Tenant) -> None:
    messages = [sent_message(200, state=RecipientState.IN_DOUBT) for _ in range(3)]
    schema, failures = live_tenant.schema_name, []
    kinds = (OPEN, CLICK, EventKind.BOUNCE_HARD, EventKind.COMPLAINT, EventKind.DELIVERY)

    def work(seed: int) -> None:
        try:
            with connect(application="test") as plain:
                for turn in range(6):
                    hits = [
                        Hit(
                            kind,
                            message.pk,
                            (position * (seed + 3) + turn) % 200,
                            NOON,
                            position % 4 if kind == CLICK else None,
                        )
                        for message in messages
                        for position in range(40)
                        for kind in kinds
                    ]
                    with plain.transaction():
                        record_hits(plain.cursor(), schema=schema, hits=hits[::-1] if seed % 2 else hits)
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for message in messages:
        of_message = Engagement.objects.filter(month=message.month, message_id=message.pk)
        touched = of_message.count()
        assert tally(message, OPEN) == (4 * 6 * 40, touched)
        assert tally(message, CLICK) == (4 * 6 * 40, touched)
        assert tally(message, EventKind.COMPLAINT) == (touched, touched)
        assert tally(message, EventKind.DELIVERY) == (touched, touched)
        links = sum(len(set(row.links)) for row in of_message)
        assert (
            links
            == sum(len(row.links) for row in of_message)
            == sum(tally(message, CLICK, link)[1] for link in range(4))
        )
        chunk = Chunk.objects.get(message=message)
        assert (chunk.in_doubt, chunk.sent) == (200 - touched, touched)
