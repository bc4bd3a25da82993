"""Validation through API v2."""

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Tag, ValidationRun
from contacts.validation.domain_memory import forget_domains
from contacts.validation.running import run_validation
from tests.api.v2_cast import caller
from tests.contacts.validation_cast import make_contacts, verdicts, world

PEOPLE = ["ana@good.example", "bob@null.example", "info@good.example", "eve@nowhere.example"]


@pytest.fixture
def dns_world(monkeypatch):
    forget_domains()
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        for key in store.scan_iter("mail-domain:*"):
            store.delete(key)
    with world() as server:
        monkeypatch.setenv("DNS_RESOLVERS", server.address)
        yield server


def test_v28_pending_contacts_are_validated_in_bulk(acme, dns_world):
    api = caller(acme)
    make_contacts(PEOPLE)
    answer = api.post(f"contacts/{acme.pk}/validate")
    assert answer.status_code == 202
    run = ValidationRun.objects.get()
    assert answer.json() == {"queued": 4, "run_id": run.pk}
    run_validation(run.pk, seconds=30)
    assert verdicts()["bob@null.example"] == ("invalid", "null_mx")
    answer = api.get(f"contacts/{acme.pk}/validation")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"tenant_id", "counts", "run"}
    assert body["tenant_id"] == acme.pk
    assert body["counts"] == {"pending": 0, "valid": 1, "risky": 1, "invalid": 2}
    run.refresh_from_db()
    assert body["run"] == {
        "id": run.pk,
        "state": "finished",
        "total": 4,
        "checked": 4,
        "valid": 1,
        "risky": 1,
        "invalid": 2,
        "unanswered": 0,
        "error": "",
        "started_at": body["run"]["started_at"],
        "again_at": None,
        "finished_at": body["run"]["finished_at"],
    }
    assert body["run"]["finished_at"].endswith("Z")


def test_named_contacts_are_validated_and_invalid_ones_tagged(acme, dns_world):
    Tag.objects.create(slug="undeliverable", name="Undeliverable")
    ids = make_contacts(PEOPLE)
    body = {"contact_ids": [ids["bob@null.example"], ids["ana@good.example"]], "tag_invalid": "undeliverable"}
    answer = caller(acme).post(f"contacts/{acme.pk}/validate", body)
    assert (answer.status_code, answer.json()["queued"]) == (202, 2)
    run_validation(answer.json()["run_id"], seconds=30)
    assert [contact.email for contact in Contact.objects.exclude(tags=[])] == ["bob@null.example"]
    assert verdicts()["eve@nowhere.example"] == ("pending", "")


def test_a_run_that_is_under_way_is_409_and_nobody_to_check_is_none(acme):
    api = caller(acme)
    assert api.post(f"contacts/{acme.pk}/validate").json() == {"queued": 0, "run_id": None}
    make_contacts(PEOPLE)
    assert api.post(f"contacts/{acme.pk}/validate", {"limit": 2}).json()["queued"] == 2
    answer = api.post(f"contacts/{acme.pk}/validate")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"


def test_the_same_idempotency_key_starts_one_run(acme):
    api = caller(acme)
    make_contacts(PEOPLE)
    first, second = (api.post(f"contacts/{acme.pk}/validate", {}, idempotency_key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert ValidationRun.objects.count() == 1


def test_addresses_are_checked_at_once(acme, dns_world):
    emails = ["Ana@gmial.com", "info@good.example", "x@mailinator.com", "ana@", "ana@broken.example", "a@host.example"]
    answer = caller(acme).post(f"validation/{acme.pk}/check", {"emails": emails})
    assert answer.status_code == 200
    keys = ("email", "state", "reason", "suggestion", "has_mx", "disposable", "role")
    told = [
        ("Ana@gmial.com", "risky", "typo", "Ana@gmail.com", True, False, False),
        ("info@good.example", "risky", "role", None, True, False, True),
        ("x@mailinator.com", "risky", "disposable", None, True, True, False),
        ("ana@", "invalid", "syntax", None, None, False, False),
        ("ana@broken.example", "pending", "unanswered", None, None, False, False),
        ("a@host.example", "valid", None, None, False, False, False),
    ]
    assert answer.json() == {"items": [dict(zip(keys, row, strict=True)) for row in told]}
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("contacts/{}/validate", {"contact_ids": []}, "contact_ids"),
        ("contacts/{}/validate", {"contact_ids": [0]}, "contact_ids.0"),
        ("contacts/{}/validate", {"contact_ids": [2**63]}, "contact_ids.0"),
        ("contacts/{}/validate", {"contact_ids": ["1"]}, "contact_ids.0"),
        ("contacts/{}/validate", {"contact_ids": 5}, "contact_ids"),
        ("contacts/{}/validate", {"limit": 0}, "limit"),
        ("contacts/{}/validate", {"limit": 2**63}, "limit"),
        ("contacts/{}/validate", {"tag_invalid": "\x00"}, "tag_invalid"),
        ("contacts/{}/validate", {"tag_invalid": "unknown"}, "tag_invalid"),
        ("contacts/{}/validate", {"contact_ids": [1], "limit": 1}, "limit"),
        ("validation/{}/check", {}, "emails"),
        ("validation/{}/check", {"emails": []}, "emails"),
        ("validation/{}/check", {"emails": ["a@good.example"] * 101}, "emails"),
        ("validation/{}/check", {"emails": [1]}, "emails.0"),
        ("validation/{}/check", {"emails": ["a\ud800@good.example"]}, "emails.0"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(acme, path, body, field):
    make_contacts(PEOPLE)
    answer = caller(acme).post(path.format(acme.pk), body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert not ValidationRun.objects.exists()


def test_odd_addresses_are_answered_never_an_error(acme, dns_world):
    emails = [
        "",
        " ",
        "@",
        "a@b@c",
        "x" * 1000,
        "a@" + "b" * 70 + ".example",
        "a@xn--.example",
        "a@*.example",
        "á@ß.example",
    ]
    answer = caller(acme).post(f"validation/{acme.pk}/check", {"emails": emails})
    assert answer.status_code == 200
    assert [item["email"] for item in answer.json()["items"]] == emails
    assert {item["state"] for item in answer.json()["items"]} == {"invalid"}


def test_another_tenants_key_is_403_and_another_tenants_contact_404(acme, globex):
    ids = make_contacts(PEOPLE)
    stranger = caller(globex)
    for answer in (
        stranger.post(f"contacts/{acme.pk}/validate"),
        stranger.get(f"contacts/{acme.pk}/validation"),
        stranger.post(f"validation/{acme.pk}/check", {"emails": ["a@good.example"]}),
    ):
        assert answer.status_code == 403
    answer = stranger.post(f"contacts/{globex.pk}/validate", {"contact_ids": list(ids.values())})
    assert answer.status_code == 404
    assert stranger.get(f"contacts/{globex.pk}/validation").json() == {
        "tenant_id": globex.pk,
        "counts": {"pending": 0, "valid": 0, "risky": 0, "invalid": 0},
        "run": None,
    }
    assert not ValidationRun.objects.exists()


def test_scopes_are_asked_for(acme):
    reader, sender = caller(acme, scopes=["read"]), caller(acme, scopes=["campaigns"])
    assert reader.get(f"contacts/{acme.pk}/validation").status_code == 200
    assert reader.post(f"contacts/{acme.pk}/validate").status_code == 403
    assert sender.post(f"validation/{acme.pk}/check", {"emails": ["a@good.example"]}).status_code == 403
    assert sender.get(f"contacts/{acme.pk}/validation").status_code == 403


def test_progress_takes_two_queries_however_many_contacts_there_are(acme):
    api = caller(acme)

    def queries():
        api.get(f"contacts/{acme.pk}/validation")
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"contacts/{acme.pk}/validation").status_code == 200
        return [query["sql"] for query in captured if "contacts_" in query["sql"]]

    make_contacts(PEOPLE)
    few = queries()
    make_contacts(f"user{number}@good.example" for number in range(500))
    api.post(f"contacts/{acme.pk}/validate")
    assert len(few) == len(queries()) == 2
