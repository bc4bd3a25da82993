"""V7 to V11: tags."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Template
from contacts.importing.pipeline import import_contacts
from contacts.models import Contact, Tag
from contacts.services.tagging import create_tag
from contacts.targeting import refresh_facets
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller


@pytest.fixture
def api(acme: Tenant) -> V2:
    return caller(acme)


def people(count: int, *tags: Tag) -> None:
    ids = sorted(tag.pk for tag in tags)
    Contact.objects.bulk_create(
        Contact(email=f"p{n}@example.com", email_key=f"p{n}@example.com", tags=ids) for n in range(count)
    )


def test_v07_a_tag_is_created(api: V2) -> None:
    answer = api.post(
        "tags",
        {
            "tenant_id": api.tenant.pk,
            "slug": "real_estate",
            "name": "Real Estate",
            "description": "Real estate professionals",
        },
    )
    assert answer.status_code == 201
    tag = Tag.objects.get()
    assert answer.json() == {
        "id": tag.pk,
        "tenant_id": api.tenant.pk,
        "slug": "real_estate",
        "name": "Real Estate",
        "description": "Real estate professionals",
        "contact_count": 0,
    }
    assert (tag.slug, tag.name, tag.description) == ("real_estate", "Real Estate", "Real estate professionals")


def test_v07_the_slug_comes_from_the_name_and_the_name_from_the_slug(api: V2) -> None:
    assert api.post("tags", {"name": "Fair Köln"}).json()["slug"] == "fair-koln"
    assert api.post("tags", {"slug": "vip_2"}).json()["name"] == "vip_2"


def test_v07_a_slug_is_there_once(api: V2) -> None:
    api.post("tags", {"name": "VIP"})
    answer = api.post("tags", {"name": "Vip"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (409, "slug")
    assert Tag.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\ud800b"}, "name"),
        ({"name": "x", "slug": "a b"}, "slug"),
        ({"name": "x", "slug": "-x"}, "slug"),
        ({"name": "x", "slug": "köln"}, "slug"),
        ({"name": "x", "description": []}, "description"),
        ({"name": "x", "tenant_id": "1"}, "tenant_id"),
        ([], None),
    ],
)
def test_v07_what_cannot_be_a_tag_is_refused_with_the_fields_name(api: V2, body: object, field: str | None) -> None:
    answer = api.post("tags", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not Tag.objects.exists()


def test_v07_a_tag_of_an_import_and_of_the_api_are_the_same(api: V2, tmp_path) -> None:
    made = api.post("tags", {"slug": "real_estate", "name": "Real Estate"}).json()
    path = tmp_path / "contacts.csv"
    path.write_text("email,tags\na@example.com,real_estate\nb@example.com,Real_Estate\n")
    import_contacts(path=path, tags=["real_estate"])
    assert Tag.objects.count() == 1
    assert api.get(f"tags/{api.tenant.pk}/{made['id']}").json()["contact_count"] == 2


def test_v08_tags_are_listed_with_their_contacts_in_one_statement_however_many(api: V2) -> None:
    first, second, third = (create_tag(name=name) for name in ("a", "b", "c"))
    people(3, first, second)
    refresh_facets()
    Contact.objects.create(email="x@example.com", email_key="x@example.com", tags=[second.pk], status="bounced")
    answer = api.get(f"tags/{api.tenant.pk}")
    assert answer.status_code == 200
    assert [(row["id"], row["slug"], row["contact_count"]) for row in answer.json()] == [
        (first.pk, "a", 3),
        (second.pk, "b", 4),
        (third.pk, "c", 0),
    ]
    assert {row["tenant_id"] for row in answer.json()} == {api.tenant.pk}
    assert "X-Next-Cursor" not in answer.headers
    with CaptureQueriesContext(connection) as few:
        api.get(f"tags/{api.tenant.pk}")
    Tag.objects.bulk_create(Tag(slug=f"t{n}", name=f"T{n}") for n in range(200))
    with CaptureQueriesContext(connection) as many:
        assert len(api.get(f"tags/{api.tenant.pk}").json()) == 203
    assert len(few) == len(many)


def test_v08_a_long_list_comes_in_pages(api: V2) -> None:
    Tag.objects.bulk_create(Tag(slug=f"t{n}", name=f"T{n}") for n in range(5))
    path, seen = f"tags/{api.tenant.pk}?limit=2", []
    answer = api.get(path)
    while "X-Next-Cursor" in answer.headers:
        seen += [row["slug"] for row in answer.json()]
        answer = api.get(f"{path}&cursor={answer.headers['X-Next-Cursor']}")
    assert [*seen, *(row["slug"] for row in answer.json())] == ["t0", "t1", "t2", "t3", "t4"]


def test_v09_a_tag_is_told(api: V2) -> None:
    tag = create_tag(name="Real Estate", slug="real_estate", description="d")
    people(2, tag)
    assert api.get(f"tags/{api.tenant.pk}/{tag.pk}").json() == {
        "id": tag.pk,
        "tenant_id": api.tenant.pk,
        "slug": "real_estate",
        "name": "Real Estate",
        "description": "d",
        "contact_count": 2,
    }


def test_v10_a_tag_is_changed_in_part_and_keeps_its_slug(api: V2) -> None:
    tag = create_tag(name="VIP", description="old")
    people(1, tag)
    answer = api.put(f"tags/{api.tenant.pk}/{tag.pk}", {"name": "Very important", "slug": "vip"})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": tag.pk,
        "tenant_id": api.tenant.pk,
        "slug": "vip",
        "name": "Very important",
        "description": "old",
        "contact_count": 1,
    }
    tag.refresh_from_db()
    assert (tag.name, tag.description) == ("Very important", "old")
    refused = api.put(f"tags/{api.tenant.pk}/{tag.pk}", {"slug": "other"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "slug")


def test_v11_a_tag_is_deleted_with_its_associations(api: V2) -> None:
    tag, other = create_tag(name="a"), create_tag(name="b")
    people(3, tag, other)
    answer = api.delete(f"tags/{api.tenant.pk}/{tag.pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert list(Tag.objects.values_list("slug", flat=True)) == ["b"]
    assert set(map(tuple, Contact.objects.values_list("tags", flat=True))) == {(other.pk,)}
    assert api.get(f"tags/{api.tenant.pk}/{tag.pk}").status_code == 404


@pytest.mark.parametrize("field", ["tags_all", "tags_any", "exclude_tags"])
def test_v11_a_tag_that_a_campaign_is_on_its_way_with_stays(api: V2, field: str) -> None:
    tag = create_tag(name="a")
    template = Template.objects.create(name="t", subject="s", html="<p>x</p>")
    campaign = Campaign.objects.create(name="c", template=template, state="scheduled", **{field: ["a"]})
    answer = api.delete(f"tags/{api.tenant.pk}/{tag.pk}")
    assert answer.status_code == 409
    assert str(campaign.pk) in answer.json()["error"]["message"]
    Campaign.objects.update(state="sent")
    assert api.delete(f"tags/{api.tenant.pk}/{tag.pk}").status_code == 204


def test_v07_to_v11_another_tenants_key_and_ids_lead_nowhere(api: V2, globex: Tenant) -> None:
    tag = create_tag(name="a")
    stranger = caller(globex)
    own, foreign = f"tags/{globex.pk}/{tag.pk}", f"tags/{api.tenant.pk}/{tag.pk}"
    assert stranger.post("tags", {"tenant_id": api.tenant.pk, "name": "x"}).status_code == 403
    assert stranger.get(f"tags/{api.tenant.pk}").status_code == 403
    for path, status in ((foreign, 403), (own, 404)):
        assert stranger.get(path).status_code == status
        assert stranger.put(path, {"name": "x"}).status_code == status
        assert stranger.delete(path).status_code == status
    assert stranger.get(f"tags/{globex.pk}").json() == []
    assert Tag.objects.get().name == "a"
    assert api.get(f"tags/{api.tenant.pk}/{2**70}").status_code == 404


def test_v07_to_v11_a_key_that_reads_changes_nothing(acme: Tenant) -> None:
    tag = create_tag(name="a")
    reader = caller(acme, scopes=["read"])
    assert reader.get(f"tags/{acme.pk}/{tag.pk}").status_code == 200
    assert reader.post("tags", {"name": "x"}).status_code == 403
    assert reader.put(f"tags/{acme.pk}/{tag.pk}", {"name": "x"}).status_code == 403
    assert reader.delete(f"tags/{acme.pk}/{tag.pk}").status_code == 403
