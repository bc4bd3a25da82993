"""The contacts API: many contacts in one call, tags for many, and the export."""

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactAttribute, DataSource, Suppression, Tag
from contacts.services import exporting
from contacts.services.contacts import create_contact
from contacts.services.details import ContactDetails
from contacts.services.suppressing import suppress
from contacts.services.tagging import create_tag
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.api.v2_cast import V2, caller


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme)


def person(email: str, **details: Any) -> Contact:
    return create_contact(details=ContactDetails(email=email, **details))


def bulk(api: V2, contacts: list[Any], **more: Any) -> Any:
    return api.post(f"contacts/{api.tenant.pk}/bulk", {"contacts": contacts, **more})


def streamed(answer: Any, tenant: Tenant) -> str:
    """Read outside of any tenant, as a web server does, and back."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    text = b"".join(answer.streaming_content).decode()
    assert connection.schema_name == "public"  # type: ignore[attr-defined]
    connection.set_tenant(tenant)  # type: ignore[attr-defined]
    return text


def test_many_contacts_are_made_and_changed_with_a_word_about_each(api: V2) -> None:
    known = person("known@example.com", first_name="Kay", attributes={"city": "Bonn", "orders": 1})
    same = person("same@example.com", first_name="Sam")
    source = DataSource.objects.create(name="shop")
    answer = bulk(
        api,
        [
            {
                "email": "New@Example.com",
                "first_name": " Ana ",
                "last_name": "Lee\\\t",
                "language": "fr_CA",
                "timezone": "Europe/Paris",
                "country": "France",
                "status": "unconfirmed",
                "consent": {"at": "2026-03-01T09:00:00+00:00", "ip": "198.51.100.7"},
                "tags": ["Real Estate", "real_estate"],
                "attributes": {"city": "Lyon", "orders": 3, "since": None},
            },
            {"email": "KNOWN@example.com", "last_name": "Oh", "attributes": {"orders": 2}},
            {"email": "same@example.com", "first_name": "Sam"},
            {"email": "new@example.com"},
            {"email": "nobody"},
            "x@example.com",
            {"email": "left@example.com", "status": "unsubscribed"},
        ],
        source_id=source.pk,
    )
    assert answer.status_code == 200
    body = answer.json()
    new, left = Contact.objects.get(email_key="new@example.com"), Contact.objects.get(email_key="left@example.com")
    assert {key: value for key, value in body.items() if key != "results"} == {
        "tenant_id": api.tenant.pk,
        "created": 2,
        "updated": 1,
        "unchanged": 1,
        "duplicate": 1,
        "invalid": 2,
    }
    assert body["results"] == [
        {"index": 0, "status": "created", "id": new.pk, "message": ""},
        {"index": 1, "status": "updated", "id": known.pk, "message": ""},
        {"index": 2, "status": "unchanged", "id": same.pk, "message": ""},
        {"index": 3, "status": "duplicate", "id": new.pk, "message": "The contact at 0 has the same address."},
        {"index": 4, "status": "invalid", "id": None, "message": "email: There is no @ in it."},
        {"index": 5, "status": "invalid", "id": None, "message": "A contact is an object with an address."},
        {"index": 6, "status": "created", "id": left.pk, "message": ""},
    ]
    assert (new.email, new.first_name, new.last_name, new.language) == ("New@example.com", "Ana", "Lee\\", "fr-ca")
    assert (new.timezone, new.country, new.status, new.source_id) == ("Europe/Paris", "FR", "unconfirmed", source.pk)
    assert new.attributes == {"city": "Lyon", "orders": 3}
    assert new.consent_at is not None
    assert (new.consent_at.isoformat(), new.consent_ip) == ("2026-03-01T09:00:00+00:00", "198.51.100.7")
    assert sorted(Tag.objects.filter(pk__in=new.tags).values_list("slug", flat=True)) == ["real-estate", "real_estate"]
    known.refresh_from_db()
    assert (known.first_name, known.last_name, known.attributes) == ("Kay", "Oh", {"city": "Bonn", "orders": 2})
    assert left.status == "unsubscribed"
    assert Suppression.objects.values_list("email_key", "reason").get() == ("left@example.com", "unsubscribed")


def test_add_leaves_known_contacts_alone_but_for_the_tags(api: V2) -> None:
    known = person("a@example.com", first_name="Ana")
    body = bulk(api, [{"email": "a@example.com", "first_name": "Anna"}], mode="add", tags=["fair"]).json()
    assert body["results"][0]["status"] == "updated"
    known.refresh_from_db()
    assert (known.first_name, known.tags) == ("Ana", [Tag.objects.get(slug="fair").pk])
    assert bulk(api, [{"email": "a@example.com"}], mode="add", tags=["fair"]).json()["unchanged"] == 1


def test_a_bulk_call_makes_nobody_mailable_again(api: V2) -> None:
    suppress(reason="hard_bounce", origin="test", addresses=["new@example.com", "known@example.com"])
    person("known@example.com")
    rows = [{"email": "new@example.com", "status": "active"}, {"email": "known@example.com", "status": "active"}]
    assert bulk(api, rows).status_code == 200
    assert set(Contact.objects.values_list("status", flat=True)) == {"bounced"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "email: "),
        ({"email": 5}, "email: "),
        ({"email": "a@example.com", "first_name": 5}, "first_name: "),
        ({"email": "a@example.com", "first_name": "a\0b"}, "first_name: "),
        ({"email": "a@example.com", "last_name": "\ud800"}, "last_name: "),
        ({"email": "a@example.com", "language": "x" * 100_000}, "language: "),
        ({"email": "a@example.com", "timezone": "Mars"}, "timezone: "),
        ({"email": "a@example.com", "country": "x" * 65}, "country: "),
        ({"email": "a@example.com", "status": "gone"}, "status: "),
        ({"email": "a@example.com", "tags": "vip"}, "tags: "),
        ({"email": "a@example.com", "tags": ["\0"]}, "tags: "),
        ({"email": "a@example.com", "tags": ["x" * 81]}, "tags: "),
        ({"email": "a@example.com", "attributes": [1]}, "attributes: "),
        ({"email": "a@example.com", "attributes": {"id": 1}}, "attributes: "),
        ({"email": "a@example.com", "attributes": {"new": {"a": "\0"}}}, "attributes: "),
        ({"email": "a@example.com", "attributes": {"orders": "many"}}, "attributes: "),
        ({"email": "a@example.com", "attributes": {"new": 1, "orders": "many"}}, "attributes: "),
        ({"email": "a@example.com", "consent": {"at": "2026-03-01"}}, "consent.at: "),
        ({"email": "a@example.com", "consent": {"at": "0001-01-01T00:00:00+14:00"}}, "consent.at: "),
        ({"email": "a@example.com", "consent": {"ip": "here"}}, "consent.ip: "),
        ({"email": "a@example.com", "consent": "yes"}, "consent: "),
    ],
)
def test_a_row_that_cannot_be_taken_stops_no_other_and_leaves_nothing(api: V2, row: Any, message: str) -> None:
    ContactAttribute.objects.create(key="orders", label="Orders", type="number")
    answer = bulk(api, [row, {"email": "good@example.com"}])
    assert answer.status_code == 200
    refused, good = answer.json()["results"]
    assert (refused["status"], refused["id"], good["status"]) == ("invalid", None, "created")
    assert refused["message"].startswith(message)
    assert len(refused["message"]) < 300
    assert Contact.objects.count() == ContactAttribute.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contacts"),
        ({"contacts": {}}, "contacts"),
        ({"contacts": [{}] * 10_001}, "contacts"),
        ({"contacts": [], "mode": "suppress"}, "mode"),
        ({"contacts": [], "tags": ["x" * 81]}, "tags.0"),
        ({"contacts": [], "source_id": 12345}, "source_id"),
    ],
)
def test_a_bulk_call_that_cannot_be_used_is_refused_as_a_whole(api: V2, body: Any, field: str) -> None:
    answer = api.post(f"contacts/{api.tenant.pk}/bulk", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_ten_thousand_contacts_take_as_many_statements_as_ten(api: V2) -> None:
    def rows(count: int, word: str) -> list[Any]:
        return [
            {"email": f"{word}{n}@example.com", "tags": [f"t{n % 7}"], "attributes": {"n": n}} for n in range(count)
        ]

    bulk(api, rows(1, "w"))
    with CaptureQueriesContext(connection) as few:
        assert bulk(api, rows(10, "a")).json()["created"] == 10
    with CaptureQueriesContext(connection) as many:
        body = bulk(api, rows(10_000, "b")).json()
    assert body["created"] == 10_000
    assert [result["index"] for result in body["results"]] == list(range(10_000))
    assert len(many) <= len(few) + 2
    assert bulk(api, rows(10_000, "b")).json()["unchanged"] == 10_000


def test_a_bulk_body_may_be_larger_than_others_but_not_endless(api: V2) -> None:
    rows = [{"email": f"p{n}@example.com", "attributes": {"note": "x" * 9_000}} for n in range(700)]
    assert bulk(api, rows).json()["created"] == 700
    assert bulk(api, [{"email": "a@example.com", "first_name": "x" * 21_000_000}]).status_code == 413


def test_tags_are_put_on_contacts_by_ids_addresses_and_filters(api: V2) -> None:
    a, b = create_tag(name="a"), create_tag(name="b")
    people = [person(f"p{n}@example.com", language="fr" if n % 2 else "de", tags=("a",)) for n in range(4)]

    def change(action: str, **body: Any) -> int:
        answer = api.post(f"contacts/{api.tenant.pk}/{action}", {"tags": ["a", "b"], **body})
        assert answer.status_code == 200, answer.content
        return int(answer.json()["changed"])

    def tags() -> list[list[int]]:
        return [list(row) for row in Contact.objects.order_by("pk").values_list("tags", flat=True)]

    assert change("tag", contact_ids=[people[0].pk, 12345678]) == 1
    assert change("tag", emails=["P0@example.com", "p2@example.com", "nobody@example.com"]) == 1
    assert tags() == [[a.pk, b.pk], [a.pk], [a.pk, b.pk], [a.pk]]
    assert change("tag", filter={"language": "fr"}) == 2
    assert change("tag", filter={}) == 0
    assert change("untag", filter={"tag": ["b"], "language": "fr"}, tags=["b"]) == 2
    assert change("untag", contact_ids=[person.pk for person in people]) == 4
    assert tags() == [[], [], [], []]
    assert change("untag", filter={}) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact_ids": [1]}, "tags"),
        ({"contact_ids": [1], "tags": []}, "tags"),
        ({"contact_ids": [1], "tags": ["unknown"]}, "tags"),
        ({"tags": ["a"]}, None),
        ({"contact_ids": [1], "emails": [], "tags": ["a"]}, None),
        ({"contact_ids": ["1"], "tags": ["a"]}, "contact_ids.0"),
        ({"contact_ids": [2**64], "tags": ["a"]}, "contact_ids.0"),
        ({"emails": ["a@example.com", "b"], "tags": ["a"]}, "emails.1"),
        ({"filter": {"status": "x"}, "tags": ["a"]}, "filter.status"),
        ({"filter": {"tags": ["a"]}, "tags": ["a"]}, "filter.tags"),
        ({"filter": {"attribute": {"x": 1}}, "tags": ["a"]}, "attribute.x"),
    ],
)
def test_tagging_that_cannot_be_done_is_refused_with_the_fields_name(api: V2, body: Any, field: str | None) -> None:
    create_tag(name="a")
    for action in ("tag", "untag"):
        answer = api.post(f"contacts/{api.tenant.pk}/{action}", body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_the_export_is_a_csv_file_that_a_spreadsheet_does_not_run(
    api: V2, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_PAGE", 2)
    create_tag(name="x")
    create_tag(name="y")
    first = person("a@example.com", first_name="=1+1", tags=("x", "y"), attributes={"city": "@SUM(A1)", "n": -5})
    for number in range(4):
        person(f"p{number}@example.com", last_name='Lee, "Ana"\tx'.replace("\t", " "), attributes={"list": [1, "ä"]})
    answer = api.get(f"contacts/{acme.pk}/export", Accept="text/csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    rows = list(csv.DictReader(io.StringIO(streamed(answer, acme), newline="")))
    assert [row["email"] for row in rows] == ["a@example.com", *(f"p{n}@example.com" for n in range(4))]
    assert (rows[0]["id"], rows[0]["first_name"], rows[0]["tags"]) == (str(first.pk), "'=1+1", "x,y")
    assert (rows[0]["city"], rows[0]["n"], rows[0]["list"]) == ("'@SUM(A1)", "-5", "")
    assert (rows[1]["last_name"], rows[1]["list"]) == ('Lee, "Ana" x', '[1, "ä"]')


def test_the_export_as_json_lines_holds_what_the_api_answers(api: V2, acme: Tenant) -> None:
    create_tag(name="x")
    for number in range(3):
        person(f"p{number}@example.com", tags=("x",) if number else (), attributes={"n": number})
    text = streamed(api.get(f"contacts/{acme.pk}/export?format=jsonl&tag=x"), acme)
    lines = [json.loads(line) for line in text.splitlines()]
    listed = api.get(f"contacts/{acme.pk}?tag=x").json()["items"]
    assert [line["email"] for line in lines] == ["p1@example.com", "p2@example.com"]
    assert [{**line, "created_at": "", "updated_at": ""} for line in lines] == [
        {**item, "created_at": "", "updated_at": ""} for item in reversed(listed)
    ]
    refused = api.get(f"contacts/{acme.pk}/export?format=xlsx")
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "format")
    assert api.get(f"contacts/{acme.pk}/export?tag=unknown").status_code == 422


def test_nothing_in_bulk_reaches_another_tenant(api: V2, globex: Tenant) -> None:
    create_tag(name="x")
    contact = person("a@example.com")
    stranger = caller(globex)
    foreign, own = f"contacts/{api.tenant.pk}", f"contacts/{globex.pk}"
    assert stranger.post(f"{foreign}/bulk", {"contacts": []}).status_code == 403
    assert stranger.get(f"{foreign}/export").status_code == 403
    with tenant_scope(globex):
        create_tag(name="x")
    for action in ("tag", "untag"):
        body = {"contact_ids": [contact.pk], "tags": ["x"]}
        assert stranger.post(f"{foreign}/{action}", body).status_code == 403
        assert stranger.post(f"{own}/{action}", body).json() == {"changed": 0}
    exported = stranger.get(f"{own}/export")
    assert streamed(exported, api.tenant).count("\n") == 1
    assert Contact.objects.get().tags == []
