"""What GraphQL tells: the same as API v2, in one call."""

from typing import Any

import pytest

from campaigns.models import Campaign
from contacts.models import Contact, ContactAttribute, DataSource, Segment, Tag
from contacts.services.suppressing import suppress
from tenants.models import Tenant
from tests.api.graphql_cast import Asking, asking, nodes
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template
from tests.campaigns.report_cast import give_events, give_outcomes, send

FIGURES = "counts { total sent delivered bounced opened clicked } rates { open click }"


@pytest.fixture
def graphql(acme: Tenant) -> Asking:
    return asking(acme)


@pytest.fixture
def sent(acme: Tenant) -> Campaign:
    """A campaign that twenty people got, with what they did."""
    add_contacts(20, tags=(add_tag("vip"),))
    campaign = add_campaign(name="Spring", provider=add_provider(), tags_all=("vip",))
    message = send(campaign)
    give_outcomes(message)
    give_events(message)
    return campaign


def test_a_campaign_is_told_with_its_template_and_figures_as_api_v2_tells_them(
    acme: Tenant, graphql: Asking, sent: Campaign
) -> None:
    found = graphql.data(
        "query($id: ID!) { campaign(id: $id) { id name status fromEmail tagsAll template { name } segment { id } "
        f"{FIGURES} }} }}",
        id=sent.pk,
    )["campaign"]
    told = graphql.api.get(f"campaigns/{acme.pk}/{sent.pk}").json()
    rates = graphql.api.get(f"campaigns/{acme.pk}/{sent.pk}/report").json()["rates"]
    assert found == {
        "id": str(sent.pk),
        "name": "Spring",
        "status": told["status"],
        "fromEmail": "news@acme.example",
        "tagsAll": ["vip"],
        "template": {"name": "News"},
        "segment": None,
        "counts": {name: told["counts"][name] for name in found["counts"]},
        "rates": {name: rates[name] for name in ("open", "click")},
    }
    assert found["counts"]["total"] == 20


def test_a_campaigns_report_is_that_of_api_v2(acme: Tenant, graphql: Asking, sent: Campaign) -> None:
    found = graphql.data(
        "query($id: ID!) { campaignReport(id: $id) { figures { total inDoubt humanOpened } "
        "links { url clicks uniqueClicks } hours { hour event count unique } startedAt error } }",
        id=sent.pk,
    )["campaignReport"]
    told = graphql.api.get(f"campaigns/{acme.pk}/{sent.pk}/report").json()
    assert found["figures"] == {
        "total": told["figures"]["total"],
        "inDoubt": told["figures"]["in_doubt"],
        "humanOpened": told["figures"]["human_opened"],
    }
    assert found["links"] == [
        {"url": link["url"], "clicks": link["clicks"], "uniqueClicks": link["unique_clicks"]} for link in told["links"]
    ]
    assert [(hour["event"], hour["count"]) for hour in found["hours"]] == [
        (hour["event"], hour["count"]) for hour in told["hours"]
    ]
    assert found["links"]
    assert found["hours"]


def test_campaigns_are_listed_by_status_the_newest_first(graphql: Asking, acme: Tenant) -> None:
    template, provider = add_template(), add_provider()
    made = [add_campaign(template, name=f"C{number}", provider=provider) for number in range(3)]
    Campaign.objects.filter(pk=made[1].pk).update(state="paused")
    assert [one["name"] for one in nodes(graphql.data("{ campaigns { edges { node { name } } } }")["campaigns"])] == [
        "C2",
        "C1",
        "C0",
    ]
    paused = graphql.data('{ campaigns(status: "paused") { edges { node { name } } } }')
    assert nodes(paused["campaigns"]) == [{"name": "C1"}]
    error = graphql.error('{ campaigns(status: "gone") { edges { node { name } } } }')
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("invalid_input", "status")


def test_a_list_is_read_page_by_page_without_a_gap(graphql: Asking, acme: Tenant) -> None:
    made = [str(contact.pk) for contact in add_contacts(7)]
    seen: list[str] = []
    after: str | None = None
    for has_next in (True, True, False):
        page = graphql.data(
            "query($after: String) { contacts(first: 3, after: $after) { edges { cursor node { id } } "
            "pageInfo { hasNextPage hasPreviousPage endCursor } } }",
            after=after,
        )["contacts"]
        seen += [one["id"] for one in nodes(page)]
        assert page["pageInfo"]["hasNextPage"] is has_next
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        after = page["pageInfo"]["endCursor"]
    assert seen == made[::-1]


def test_tags_are_listed_in_the_order_they_were_made_with_their_contacts_counted(graphql: Asking, acme: Tenant) -> None:
    first, second, third = (add_tag(slug) for slug in ("vip", "new", "nobody"))
    add_contacts(3, tags=(first,), prefix="a")
    add_contacts(2, tags=(first, second), prefix="b")
    page = graphql.data("{ tags(first: 2) { edges { node { slug contactCount } } pageInfo { endCursor } } }")["tags"]
    assert nodes(page) == [{"slug": "vip", "contactCount": 5}, {"slug": "new", "contactCount": 2}]
    rest = graphql.data(
        "query($after: String) { tags(after: $after) { edges { node { id contactCount } } } }",
        after=page["pageInfo"]["endCursor"],
    )
    assert nodes(rest["tags"]) == [{"id": str(third), "contactCount": 0}]


def test_a_contact_is_found_by_its_id_and_by_its_address(graphql: Asking, acme: Tenant) -> None:
    tag = Tag.objects.get(pk=add_tag("vip"))
    source = DataSource.objects.create(name="Fair", type="manual")
    (made,) = add_contacts(1, tags=(tag.pk,), prefix="Ann")
    Contact.objects.filter(pk=made.pk).update(
        email_key="ann0@example.com",
        source=source,
        attributes={"city": "Paris", "deep": {"a": [1]}},
        consent_note="form",
    )
    fields = (
        "{ id email firstName status tags { slug } attributes source { name contactCount } consent { at ip note } }"
    )
    by_id = graphql.data(f"query($id: ID!) {{ contact(id: $id) {fields} }}", id=str(made.pk))["contact"]
    by_address = graphql.data(f'{{ contact(email: "ANN0@example.com") {fields} }}')["contact"]
    assert (
        by_id
        == by_address
        == {
            "id": str(made.pk),
            "email": "Ann0@example.com",
            "firstName": "Name 0",
            "status": "active",
            "tags": [{"slug": "vip"}],
            "attributes": {"city": "Paris", "deep": {"a": [1]}},
            "source": {"name": "Fair", "contactCount": 1},
            "consent": {"at": None, "ip": None, "note": "form"},
        }
    )


def test_what_is_not_there_is_null(graphql: Asking, acme: Tenant) -> None:
    asked = ("campaign", "campaignReport", "tag", "template", "segment", "suppression", "dataSource", "contact")
    fields = {"campaignReport": "campaignId"}
    query = " ".join(f'{name}(id: "987654321") {{ {fields.get(name, "id")} }}' for name in asked)
    assert graphql.data(f'{{ {query} nobody: contact(email: "nobody@example.com") {{ id }} }}') == {
        **dict.fromkeys(asked),
        "nobody": None,
    }


FILTERS: list[tuple[str, dict[str, Any]]] = [
    ("q=user1", {"q": "user1"}),
    ("status=active&language=fr", {"status": "active", "language": "fr"}),
    ("tag=vip", {"tag": ["vip"]}),
    ("tag_any=vip&tag_any=new", {"tagAny": ["vip", "new"]}),
    ("exclude_tag=vip", {"excludeTag": ["vip"]}),
    ("attribute[city]=Paris", {"attribute": {"city": "Paris"}}),
    ("country=FR", {"country": "FR"}),
    ("created_after=2020-01-01T00:00:00Z", {"createdAfter": "2020-01-01T00:00:00Z"}),
    ("created_before=2020-01-01T00:00:00Z", {"createdBefore": "2020-01-01T00:00:00Z"}),
    ("updated_after=2020-01-01T00:00:00Z", {"updatedAfter": "2020-01-01T00:00:00Z"}),
    ("status=gone", {"status": "gone"}),
    ("tag=unknown", {"tag": ["unknown"]}),
    ("attribute[town]=Paris", {"attribute": {"town": "Paris"}}),
    ("source_id=0", {"sourceId": "0"}),
    ("q=a%00b", {"q": "a\0b"}),
]


@pytest.mark.parametrize(("in_v2", "wanted"), FILTERS, ids=[name for name, _ in FILTERS])
def test_contacts_are_narrowed_down_as_in_api_v2(
    acme: Tenant, graphql: Asking, in_v2: str, wanted: dict[str, Any]
) -> None:
    ContactAttribute.objects.create(key="city", label="City")
    vip, new = add_tag("vip"), add_tag("new")
    add_contacts(2, tags=(vip,), language="fr", prefix="user1")
    add_contacts(2, tags=(new,), language="fr-ca", prefix="user2")
    add_contacts(2, prefix="other")
    Contact.objects.filter(email_key__startswith="user1").update(attributes={"city": "Paris"}, country="FR")
    query = "query($f: ContactFilter) { contacts(filter: $f) { edges { node { email } } } contactCount(filter: $f) }"
    told = graphql.ask(query, f=wanted)
    answer = graphql.api.get(f"contacts/{acme.pk}?{in_v2}&count=true").json()
    if "error" in answer:
        extensions = told["errors"][0]["extensions"]
        fields = {"source_id": "sourceId"}
        expected = fields.get(answer["error"]["field"], answer["error"]["field"])
        assert (extensions["code"], extensions["field"].split(".")[0]) == (
            answer["error"]["code"],
            expected.split(".")[0],
        )
    else:
        found = [one["email"] for one in nodes(told["data"]["contacts"])]
        assert found == [item["email"] for item in answer["items"]]
        assert told["data"]["contactCount"] == answer["total"]


def test_templates_segments_suppressions_and_data_sources_are_listed(graphql: Asking, acme: Tenant) -> None:
    template = add_template("News", language="fr", preheader="Look")
    add_template("Other")
    segment = Segment.objects.create(name="All", tree={"tag": "vip"}, last_count=3)
    suppress(reason="manual", origin="test", note="asked", addresses=["gone@example.com", "left@example.com"])
    source = DataSource.objects.create(name="Fair", type="manual")
    found = graphql.data(
        '{ templates(name: "News", language: "fr", first: 5) { edges { node { id subject preheader html text } } } '
        "segments { edges { node { id name tree lastCount lastMailable } } } "
        'suppressions(reason: "manual", q: "GONE") { edges { node { email reason note origin } } } '
        "dataSources { edges { node { id name type isActive contactCount lastSyncAt lastError } } } }"
    )
    assert nodes(found["templates"]) == [
        {
            "id": str(template.pk),
            "subject": "News fr",
            "preheader": "Look",
            "html": template.html,
            "text": template.text,
        }
    ]
    assert nodes(found["segments"]) == [
        {"id": str(segment.pk), "name": "All", "tree": {"tag": "vip"}, "lastCount": 3, "lastMailable": None}
    ]
    assert nodes(found["suppressions"]) == [
        {"email": "gone@example.com", "reason": "manual", "note": "asked", "origin": "test"}
    ]
    assert nodes(found["dataSources"]) == [
        {
            "id": str(source.pk),
            "name": "Fair",
            "type": "manual",
            "isActive": True,
            "contactCount": 0,
            "lastSyncAt": None,
            "lastError": "",
        }
    ]


def test_statistics_are_those_of_api_v2(acme: Tenant, graphql: Asking, sent: Campaign) -> None:
    found = graphql.data(
        "{ statistics { contacts { total mailable byStatus { name count } growth { today last7Days } "
        "topTags { slug contactCount } } "
        "campaigns { total byStatus { name count } outcomes { sent opened openRate } } "
        "events { total uniqueOpens byType { name count } hardBounceRate } dataSources { total } } }"
    )["statistics"]
    told = graphql.api.get(f"stats/{acme.pk}/overview").json()
    by_name = {one["name"]: one["count"] for one in found["contacts"]["byStatus"]}
    assert by_name == told["contacts"]["by_status"]
    assert {one["name"]: one["count"] for one in found["events"]["byType"]} == told["events"]["by_type"]
    assert found["contacts"]["total"] == told["contacts"]["total"] == 20
    assert found["contacts"]["topTags"] == [{"slug": "vip", "contactCount": 20}]
    assert found["contacts"]["growth"] == {"today": 20, "last7Days": 20}
    assert found["campaigns"]["outcomes"] == {
        "sent": told["campaigns"]["sent"],
        "opened": told["campaigns"]["opened"],
        "openRate": told["campaigns"]["open_rate"],
    }
    assert (found["events"]["total"], found["events"]["uniqueOpens"], found["events"]["hardBounceRate"]) == (
        told["events"]["total"],
        told["events"]["unique_opens"],
        told["events"]["hard_bounce_rate"],
    )
    assert found["dataSources"]["total"] == 0


def test_one_of_several_operations_is_chosen_by_its_name(graphql: Asking, acme: Tenant) -> None:
    add_tag("vip")
    body = {"query": "query A { tags { edges { node { slug } } } } query B { contactCount }", "operationName": "B"}
    assert graphql.post(body).json() == {"data": {"contactCount": 0}}
    body["operationName"] = "C"
    (error,) = graphql.post(body).json()["errors"]
    assert error["extensions"]["field"] == "operationName"


def test_introspection_tells_the_schema_to_whoever_has_a_key(graphql: Asking, acme: Tenant) -> None:
    found = graphql.data("{ __schema { queryType { name } mutationType { name } subscriptionType { name } } }")
    assert found["__schema"] == {"queryType": {"name": "Query"}, "mutationType": None, "subscriptionType": None}
