"""Segments over HTTP."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactAttribute, Segment, Suppression, Tag
from tests.api.v2_cast import caller
from tests.campaigns.cast import add_campaign, add_contacts, add_tag

TREE = {"all": [{"tag": "vip"}, {"attribute": "city", "in": ["Paris", "Lyon"]}]}
KEYS = {
    "id", "tenant_id", "name", "description", "tree", "last_count", "last_mailable", "counted_at", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def v2(acme):
    return caller(acme)


@pytest.fixture
def people(acme):
    ContactAttribute.objects.create(key="city", label="City")
    made = add_contacts(5, tags=(add_tag("vip"),))
    Contact.objects.filter(pk__in=[one.pk for one in made[:3]]).update(attributes={"city": "Paris"})
    Suppression.objects.create(email=made[0].email, email_key=made[0].email_key, reason="manual")
    return made


def make(v2, name="Parisians", tree=TREE, **more):
    answer = v2.post("segments", {"name": name, "tree": tree, **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_segment_is_created(v2, people, acme):
    body = make(v2, description="Of the fair", tenant_id=acme.pk)
    assert set(body) == KEYS
    assert (body["name"], body["description"], body["tree"], body["tenant_id"]) == (
        "Parisians",
        "Of the fair",
        TREE,
        acme.pk,
    )
    assert (body["last_count"], body["last_mailable"], body["counted_at"]) == (None, None, None)
    assert Segment.objects.get().pk == body["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tree": TREE}, "name"),
        ({"name": "x"}, "tree"),
        ({"name": 5, "tree": TREE}, "name"),
        ({"name": "x", "tree": []}, "tree"),
        ({"name": "x", "tree": {}}, "tree"),
        ({"name": "x", "tree": {"all": [{"tag": "vip"}, {"attribute": "town", "is": "x"}]}}, "tree.all.1.attribute"),
        ({"name": "x", "tree": {"opened": {"campaign_id": 99999}}}, "tree.opened.campaign_id"),
    ],
)
def test_what_cannot_be_understood_is_refused_at_its_place(v2, people, body, field):
    answer = v2.post("segments", body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("invalid_input", field)
    assert not Segment.objects.exists()


def test_a_name_is_taken_once(v2, people):
    make(v2)
    answer = v2.post("segments", {"name": "Parisians", "tree": TREE})
    assert answer.status_code == 409
    assert answer.json()["error"]["field"] == "name"


def test_segments_are_listed_in_pages(v2, people, acme):
    ids = [make(v2, f"S{number}")["id"] for number in range(3)]
    page = v2.get(f"segments/{acme.pk}?limit=2").json()
    assert [item["id"] for item in page["items"]] == [ids[2], ids[1]]
    assert set(page["items"][0]) == KEYS
    rest = v2.get(f"segments/{acme.pk}?limit=2&cursor={page['next_cursor']}").json()
    assert [item["id"] for item in rest["items"]] == [ids[0]]
    assert rest["next_cursor"] is None


def test_lists_and_items_take_the_same_queries_for_one_and_for_many(v2, people, acme):
    segment = make(v2)["id"]
    paths = [f"segments/{acme.pk}", f"segments/{acme.pk}/{segment}", f"segments/{acme.pk}/{segment}/contacts"]
    for path in paths:
        assert v2.get(path).status_code == 200
    few = [queries(v2, path) for path in paths]
    for number in range(20):
        Segment.objects.create(name=f"S{number}", tree=TREE)
    add_contacts(30, prefix="more", tags=(Tag.objects.get().pk,))
    Contact.objects.update(attributes={"city": "Lyon"})
    assert [queries(v2, path) for path in paths] == few


def queries(v2, path):
    with CaptureQueriesContext(connection) as captured:
        assert v2.get(path).status_code == 200
    return len([one for one in captured.captured_queries if "contacts_" in one["sql"]])


def test_a_segment_is_got_changed_and_deleted(v2, people, acme):
    body = make(v2)
    path = f"segments/{acme.pk}/{body['id']}"
    assert v2.get(path).json() == body
    changed = v2.put(path, {"name": "Tagged", "tree": {"tag": "vip"}})
    assert changed.status_code == 200
    assert changed.json() == {
        **body,
        "name": "Tagged",
        "tree": {"tag": "vip"},
        "updated_at": changed.json()["updated_at"],
    }
    assert v2.put(path, {"tree": {"tag": "vipp"}}).json()["error"]["hint"] == "Did you mean 'vip'?"
    answer = v2.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert v2.get(path).status_code == 404
    assert not Segment.objects.exists()


def test_a_segment_that_a_campaign_uses_stays(v2, people, acme):
    body = make(v2)
    add_campaign(segment=Segment.objects.get())
    answer = v2.delete(f"segments/{acme.pk}/{body['id']}")
    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "“Parisians” is used by “Spring”."


def test_a_segment_is_counted_and_remembers_it(v2, people, acme):
    body = make(v2)
    path = f"segments/{acme.pk}/{body['id']}"
    counted = v2.get(f"{path}/count").json()
    assert counted == {
        "segment_id": body["id"],
        "tenant_id": acme.pk,
        "count": 3,
        "mailable": 2,
        "counted_at": counted["counted_at"],
    }
    assert (v2.get(path).json()["last_count"], v2.get(path).json()["counted_at"]) == (3, counted["counted_at"])


def test_its_contacts_are_listed_in_pages(v2, people, acme):
    path = f"segments/{acme.pk}/{make(v2)['id']}/contacts"
    page = v2.get(f"{path}?limit=2").json()
    assert [item["id"] for item in page["items"]] == [people[2].pk, people[1].pk]
    assert page["items"][0]["attributes"] == {"city": "Paris"}
    assert page["items"][0]["tags"] == ["vip"]
    rest = v2.get(f"{path}?limit=2&cursor={page['next_cursor']}").json()
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([people[0].pk], None)


def test_conditions_are_tried_without_being_saved(v2, people, acme):
    answer = v2.post(f"segments/{acme.pk}/try", {"tree": TREE})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["count"], body["mailable"]) == (3, 2)
    assert [item["id"] for item in body["sample"]] == [people[2].pk, people[1].pk, people[0].pk]
    assert body["sample"][0] == {
        "id": people[2].pk, "email": "user2@example.com", "first_name": "Name 2", "last_name": "", "language": "",
        "country": "", "status": "active",
    }  # fmt: skip
    assert body["took_ms"] > 0
    assert not Segment.objects.exists()


def test_a_key_needs_its_scopes(people, acme):
    reader = caller(acme, scopes=["read"])
    assert reader.get(f"segments/{acme.pk}").status_code == 200
    assert reader.post(f"segments/{acme.pk}/try", {"tree": TREE}).status_code == 200
    assert reader.post("segments", {"name": "x", "tree": TREE}).status_code == 403
    assert caller(acme, scopes=["contacts"]).get(f"segments/{acme.pk}").status_code == 403


def test_another_tenants_key_sees_nothing(v2, people, acme, globex):
    segment = make(v2)["id"]
    stranger = caller(globex)
    for path in (
        f"segments/{acme.pk}",
        *(f"segments/{acme.pk}/{segment}{tail}" for tail in ("", "/count", "/contacts")),
    ):
        assert stranger.get(path).status_code == 403, path
    assert stranger.post(f"segments/{acme.pk}/try", {"tree": {"all": []}}).status_code == 403
    assert stranger.put(f"segments/{acme.pk}/{segment}", {"name": "x"}).status_code == 403
    assert stranger.delete(f"segments/{acme.pk}/{segment}").status_code == 403
    for tail in ("", "/count", "/contacts"):
        assert stranger.get(f"segments/{globex.pk}/{segment}{tail}").status_code == 404
    assert stranger.delete(f"segments/{globex.pk}/{segment}").status_code == 404
    assert Segment.objects.get().name == "Parisians"
