"""Counts stay exact while others write: real transactions on connections of their own."""

import pytest
from celery import current_app
from psycopg import sql

from common.database import connect, connection
from contacts.models import Contact, Suppression
from contacts.targeting import Audience, count_audience, refresh_facets, tag_counts
from tenants.models import DueWork


@pytest.fixture
def writer(live_tenant):
    """A connection as the engine has it: without a search path, every table named with its schema."""
    with connect(application="tests") as conn:
        conn.autocommit = False
        yield conn
        conn.rollback()


def table(name):
    return sql.Identifier("live", name)


def add(conn, address, tags="{}"):
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (email, email_key, needs_smtputf8, first_name, last_name, language, timezone, country, status,"
            " tags, attributes, consent_note, created_at, updated_at)"
            " VALUES (%s, %s, false, '', '', '', '', '', 'active', %s, '{{}}', '', now(), now())"
        ).format(table("contacts_contact")),
        [address, address, tags],
    )


def suppress(conn, address):
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (email, email_key, reason, note, origin, created_at) VALUES (%s, %s, 'manual', '', '', now())"
        ).format(table("contacts_suppression")),
        [address, address],
    )


def test_a_change_that_commits_after_the_facets_were_rebuilt_is_counted(writer):
    Contact.objects.create(email="a@example.com", email_key="a@example.com")
    add(writer, "b@example.com", "{7}")
    writer.execute(
        sql.SQL("UPDATE {} SET status = 'bounced' WHERE email = 'a@example.com'").format(table("contacts_contact"))
    )
    assert refresh_facets()
    assert count_audience(Audience()) == 1
    writer.commit()
    assert count_audience(Audience()) == 1
    assert tag_counts() == {7: 1}
    assert refresh_facets()
    assert tag_counts() == {7: 1}


def test_a_suppression_and_its_contact_that_did_not_see_each_other_meet_in_the_count(writer):
    suppress(writer, "late@example.com")
    Contact.objects.create(email="late@example.com", email_key="late@example.com")
    assert refresh_facets()
    assert count_audience(Audience()) == 1
    writer.commit()
    assert count_audience(Audience()) == 0
    assert refresh_facets()
    assert count_audience(Audience()) == 0


def test_a_contact_that_commits_after_its_suppression_was_dealt_with_is_out(writer):
    add(writer, "late@example.com")
    Suppression.objects.create(email="late@example.com", email_key="late@example.com", reason="manual")
    assert refresh_facets()
    writer.commit()
    assert count_audience(Audience()) == 0
    assert refresh_facets()
    assert count_audience(Audience()) == 0


def test_two_rebuilds_at_once_do_not_double_anything(writer):
    Contact.objects.create(email="a@example.com", email_key="a@example.com", tags=[3])
    writer.execute("SELECT pg_advisory_xact_lock(hashtextextended('live.contacts_facet', 0))")
    assert not refresh_facets(), "another is at it"
    assert tag_counts() == {3: 1}
    writer.rollback()
    assert refresh_facets()
    assert refresh_facets()
    assert tag_counts() == {3: 1}


def test_what_is_written_in_one_tenant_makes_nothing_stale_in_another(writer):
    add(writer, "a@example.com")
    writer.commit()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM live.contacts_stale), (SELECT count(*) FROM globex.contacts_stale)"
        )
        assert cursor.fetchone() == (1, 0)


def test_a_count_that_meets_many_notes_has_the_facets_rebuilt_by_the_tick(live_tenant):
    Contact.objects.bulk_create(
        Contact(pk=block * 2048 + n, email=f"{block}-{n}@example.com", email_key=f"{block}-{n}@example.com")
        for block in range(1, 22)
        for n in range(70)
    )
    assert count_audience(Audience()) == 21 * 70
    [due] = DueWork.objects.filter(schema="live")
    assert due.task in current_app.tasks
    assert current_app.tasks[due.task](due.reference) is True
    assert not DueWork.objects.filter(schema="live").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM contacts_stale), (SELECT count(*) FROM contacts_facet WHERE facet = 'm')"
        )
        assert cursor.fetchone() == (0, 21)
    assert count_audience(Audience()) == 21 * 70
