"""Checking many contacts: bookmarks, rounds, counts."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.errors import Conflict, InvalidInput, NotFound
from contacts.models import Contact, Tag, ValidationRun
from contacts.services.contacts import update_contact
from contacts.services.details import ContactDetails
from contacts.targeting import Audience, count_audience
from contacts.tasks import run_validation_task
from contacts.validation import running, validate_contacts_bulk, validation_counts
from contacts.validation.bulk import TASK
from contacts.validation.counting import fold_counts
from contacts.validation.domain_memory import forget_domains
from contacts.validation.running import run_validation
from tests.contacts.validation_cast import make_contacts, verdicts, world

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ["ana@good.example", "bob@null.example", "info@good.example", "eve@nowhere.example"]

# Works on one run in small batches, in a process of its own that can be killed.
RUNNER = """
import sys
import django
django.setup()
from contacts.validation import running
from tenants.scope import tenant_by_slug, tenant_scope
running.BATCH = 20
with tenant_scope(tenant_by_slug(sys.argv[1])):
    running.run_validation(int(sys.argv[2]), seconds=600)
"""


@pytest.fixture
def dns_world(monkeypatch):
    forget_domains()
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        for key in store.scan_iter("mail-domain:*"):
            store.delete(key)
    with world() as server:
        monkeypatch.setenv("DNS_RESOLVERS", server.address)
        yield server


def counts():
    return {state.value: count for state, count in validation_counts().items()}


def work(run):
    while run_validation(run.pk, seconds=0.0):
        pass
    run.refresh_from_db()
    return run


def due(run):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT due_at FROM public.tenants_duework WHERE schema = %s AND task = %s AND reference = %s",
            [connection.schema_name, TASK, run.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def test_v28_pending_contacts_are_checked_in_bulk(acme, dns_world):
    make_contacts(PEOPLE)
    queued = validate_contacts_bulk()
    assert queued.count == 4
    assert due(queued.run)
    run = work(queued.run)
    assert verdicts() == {
        "ana@good.example": ("valid", ""),
        "bob@null.example": ("invalid", "null_mx"),
        "info@good.example": ("risky", "role"),
        "eve@nowhere.example": ("invalid", "no_domain"),
    }
    assert (run.state, run.total, run.checked, run.valid, run.risky, run.invalid) == ("finished", 4, 4, 1, 1, 2)
    assert run.finished_at
    assert not due(run)
    assert counts() == {"pending": 0, "valid": 1, "risky": 1, "invalid": 2}
    assert not Contact.objects.filter(validated_at=None).exists()
    assert set(Contact.objects.values_list("status", flat=True)) == {"active"}


def test_a_domain_is_asked_for_once_for_all_its_contacts(acme, dns_world, monkeypatch):
    monkeypatch.setattr(running, "BATCH", 100)
    make_contacts(f"user{number}@good.example" for number in range(250))
    run = work(validate_contacts_bulk().run)
    assert run.valid == 250
    assert dns_world.times_asked("good.example") == 1


def test_a_batch_takes_the_same_number_of_queries_whatever_its_size(acme, dns_world):
    def queries(emails):
        make_contacts(emails)
        run = validate_contacts_bulk().run
        with CaptureQueriesContext(connection) as captured:
            work(run)
        return len(captured)

    few = queries(["one@good.example"])
    assert queries([f"user{number}@d{number}.good.example" for number in range(300)]) == few


def test_contacts_that_came_after_the_run_began_are_left_to_the_next(acme, dns_world):
    make_contacts(PEOPLE)
    run = validate_contacts_bulk().run
    make_contacts(["late@good.example"])
    assert work(run).checked == 4
    assert counts()["pending"] == 1


def test_a_limit_stops_the_run(acme, dns_world):
    ids = make_contacts(f"user{number}@good.example" for number in range(10))
    queued = validate_contacts_bulk(limit=4)
    assert queued.count == 4
    assert work(queued.run).checked == 4
    checked = Contact.objects.filter(validation_state="valid").values_list("pk", flat=True)
    assert sorted(checked) == sorted(ids.values())[:4]


def test_later_rounds_of_a_limited_run_stay_within_it(acme, dns_world):
    make_contacts(["ana@broken.example", "bob@good.example", "eve@broken.example"])
    run = work(validate_contacts_bulk(limit=2).run)
    assert (run.state, run.checked, run.unanswered) == ("retrying", 2, 1)
    dns_world.failing.clear()
    dns_world.zone["broken.example"] = {"MX": ["10 mail.broken.example."]}
    Contact.objects.filter(email="eve@broken.example").update(validation_reason="unanswered")
    ValidationRun.objects.update(again_at=timezone.now() - timedelta(seconds=1))
    run = work(run)
    assert (run.state, run.checked, run.valid, run.unanswered) == ("finished", 2, 2, 0)
    assert verdicts()["eve@broken.example"] == ("pending", "unanswered")


def test_a_contact_whose_address_changes_under_way_is_left_pending(acme, dns_world, monkeypatch):
    make_contacts(["ana@good.example", "bob@good.example"])
    run = validate_contacts_bulk().run
    look_up = running.look_up_domains

    def changed_meanwhile(domains):
        Contact.objects.filter(email="bob@good.example").update(email="bob@null.example", email_key="bob@null.example")
        return look_up(domains)

    monkeypatch.setattr(running, "look_up_domains", changed_meanwhile)
    run = work(run)
    assert (run.state, run.checked, run.valid) == ("finished", 1, 1)
    assert verdicts()["bob@null.example"] == ("pending", "")


def test_named_contacts_are_checked_whatever_was_known_of_them(acme, dns_world):
    ids = make_contacts(PEOPLE)
    Contact.objects.update(validation_state="valid")
    run = work(validate_contacts_bulk(contact_ids=[ids["bob@null.example"]] * 2).run)
    assert (run.total, run.checked, run.invalid) == (1, 1, 1)
    assert counts() == {"pending": 0, "valid": 3, "risky": 0, "invalid": 1}


def test_ids_that_are_no_contacts_are_refused(acme):
    ids = make_contacts(PEOPLE)
    with pytest.raises(NotFound, match="987654321"):
        validate_contacts_bulk(contact_ids=[*ids.values(), 987654321])
    assert not ValidationRun.objects.exists()


def test_ids_and_a_limit_contradict_each_other(acme):
    with pytest.raises(InvalidInput):
        validate_contacts_bulk(contact_ids=[1], limit=1)


def test_nobody_to_check_is_no_run(acme):
    assert validate_contacts_bulk().count == 0
    assert validate_contacts_bulk().run is None


def test_the_pending_ones_are_not_checked_twice_at_once(acme, dns_world):
    ids = make_contacts(PEOPLE)
    first = validate_contacts_bulk().run
    with pytest.raises(Conflict):
        validate_contacts_bulk()
    assert validate_contacts_bulk(contact_ids=ids.values()).count == 4
    work(first)
    make_contacts(["new@good.example"])
    assert validate_contacts_bulk().count == 1


def test_no_answer_leaves_a_contact_pending_and_it_is_asked_again_when_it_is_time(acme, dns_world):
    make_contacts(["ana@good.example", "bob@broken.example"])
    run = work(validate_contacts_bulk().run)
    assert (run.state, run.checked, run.valid, run.unanswered) == ("retrying", 2, 1, 1)
    assert verdicts()["bob@broken.example"] == ("pending", "unanswered")
    assert due(run) == [run.again_at]
    dns_world.failing.clear()
    dns_world.zone["broken.example"] = {"MX": ["10 mail.broken.example."]}
    assert work(run).state == "retrying"  # a task that comes too early changes nothing
    assert due(run) == [run.again_at]
    ValidationRun.objects.update(again_at=timezone.now() - timedelta(seconds=1))
    run = work(run)
    assert (run.state, run.checked, run.valid, run.unanswered) == ("finished", 2, 2, 0)
    assert verdicts()["bob@broken.example"] == ("valid", "")


def test_who_never_gets_an_answer_stays_pending_and_the_run_ends(acme, dns_world):
    make_contacts(["ana@good.example", "bob@broken.example"])
    run = work(validate_contacts_bulk().run)
    for again in range(3):
        assert (run.state, run.round) == ("retrying", again + 1)
        ValidationRun.objects.update(again_at=timezone.now() - timedelta(seconds=1))
        run = work(run)
    assert (run.state, run.checked, run.unanswered) == ("finished", 2, 1)
    assert not due(run)
    assert dns_world.times_asked("broken.example") >= 4
    assert counts()["pending"] == 1


def test_while_the_dns_is_away_nothing_is_written_and_the_run_waits(acme, dns_world):
    make_contacts(PEOPLE)
    dns_world.everybody_silent = True
    run = work(validate_contacts_bulk().run)
    assert (run.state, run.checked, run.error) == ("waiting", 0, "The DNS does not answer.")
    assert due(run)[0] > timezone.now() + timedelta(seconds=30)
    assert set(verdicts().values()) == {("pending", "")}
    dns_world.everybody_silent = False
    run = work(run)
    assert (run.state, run.checked, run.error) == ("finished", 4, "")


def test_invalid_contacts_get_a_tag_that_campaigns_can_leave_out(acme, dns_world):
    tag = Tag.objects.create(slug="undeliverable", name="Undeliverable")
    other = Tag.objects.create(slug="vip", name="VIP")
    ids = make_contacts(PEOPLE)
    Contact.objects.filter(pk=ids["ana@good.example"]).update(tags=[tag.pk, other.pk])
    Contact.objects.filter(pk=ids["bob@null.example"]).update(tags=[other.pk])
    work(validate_contacts_bulk(tag_invalid="undeliverable").run)
    tags = dict(Contact.objects.values_list("email", "tags"))
    assert tags["ana@good.example"] == [other.pk]
    assert tags["bob@null.example"] == sorted([tag.pk, other.pk])
    assert tags["eve@nowhere.example"] == [tag.pk]
    assert tags["info@good.example"] == []
    assert count_audience(Audience(exclude_tags=("undeliverable",))) == 2


def test_an_unknown_tag_is_refused(acme):
    make_contacts(PEOPLE)
    with pytest.raises(InvalidInput, match="nonsense"):
        validate_contacts_bulk(tag_invalid="nonsense")


def test_a_new_address_is_pending_again(acme, dns_world):
    make_contacts(PEOPLE)
    work(validate_contacts_bulk().run)
    contact = Contact.objects.get(email="bob@null.example")
    update_contact(contact=contact, details=ContactDetails(first_name="Bob"))
    assert verdicts()["bob@null.example"] == ("invalid", "null_mx")
    update_contact(contact=contact, details=ContactDetails(email="bob@good.example"))
    assert verdicts()["bob@good.example"] == ("pending", "")
    assert counts() == {"pending": 1, "valid": 1, "risky": 1, "invalid": 1}


def test_counts_are_those_of_the_table_whatever_happens_to_contacts(acme):
    chance = random.Random(3)
    states = ["pending", "valid", "risky", "invalid"]
    ids = list(make_contacts(f"user{number}@good.example" for number in range(200)).values())
    for _ in range(30):
        some = chance.sample(ids, 20)
        if chance.random() < 0.2:
            Contact.objects.filter(pk__in=some).delete()
            ids = [pk for pk in ids if pk not in some] or ids
        elif chance.random() < 0.2:
            fold_counts()
        else:
            Contact.objects.filter(pk__in=some).update(validation_state=chance.choice(states), first_name="x")
        truth = {state: Contact.objects.filter(validation_state=state).count() for state in states}
        assert counts() == truth


def test_it_hides_another_tenants_contacts(acme, globex, dns_world):
    make_contacts(PEOPLE)
    connection.set_tenant(globex)
    assert validate_contacts_bulk().count == 0
    assert counts() == {"pending": 0, "valid": 0, "risky": 0, "invalid": 0}
    connection.set_tenant(acme)


def test_many_notes_of_counts_are_folded_into_one_a_state(acme):
    for number in range(5):
        make_contacts([f"user{number}@good.example"])
    fold_counts()
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count FROM contacts_validation_tally")
        assert cursor.fetchall() == [("pending", 5)]


def start(tenant, run, dns_address):
    name = connection.settings_dict["NAME"]
    environ = os.environ | {
        "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "DNS_RESOLVERS": dns_address,
    }
    return subprocess.Popen([sys.executable, "-c", RUNNER, tenant.slug, str(run.pk)], cwd=ROOT, env=environ)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(live_tenant, dns_world):
    make_contacts(f"user{number}@{'good' if number % 3 else 'null'}.example" for number in range(3_000))
    run = validate_contacts_bulk().run
    process = start(live_tenant, run, dns_world.address)
    deadline = time.monotonic() + 60
    while run.checked < 200:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
        run.refresh_from_db()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    run.refresh_from_db()
    assert run.state == "running"
    assert run.checked < 3_000
    assert Contact.objects.exclude(validation_state="pending").count() == run.checked
    run = work(run)
    assert (run.state, run.checked, run.valid, run.invalid) == ("finished", 3_000, 2_000, 1_000)
    assert counts() == {"pending": 0, "valid": 2_000, "risky": 0, "invalid": 1_000}


def test_two_workers_do_not_work_on_one_run(live_tenant, dns_world):
    make_contacts(PEOPLE)
    run = validate_contacts_bulk().run

    def in_a_thread():
        connection.set_tenant(live_tenant)
        try:
            return run_validation_task.run(run.pk)
        finally:
            connection.close()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"validation {live_tenant.schema_name} {run.pk}"]
        )
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(in_a_thread).result() == "running elsewhere"
        cursor.execute(
            "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"validation {live_tenant.schema_name} {run.pk}"]
        )
    assert run_validation_task.run(run.pk) == "done"
    run.refresh_from_db()
    assert run.state == "finished"
