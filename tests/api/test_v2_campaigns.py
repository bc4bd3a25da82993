"""Campaigns over HTTP: made, listed, changed, sent, thrown away (V1 to V6)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import PLAN_TASK
from contacts.models import Contact, Segment
from deliverability.models import SendingDomain
from outbound.models import Message
from tenants.models import DueWork, Tenant
from tenants.services.profile import set_profile
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template

SEED_TAGS = ("verified", "active", "france", "belgium", "unsubscribed", "bounced")
SENDER = {"from_name": "Acme", "from_email": "news@acme.example"}


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


@pytest.fixture
def stranger(globex: Tenant, acme: Tenant) -> V2:
    return caller(globex)


def in_an_hour() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def error_of(answer, status):
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


def test_v01_the_campaign_of_the_documentation_is_created(v2, acme):
    SendingDomain.objects.create(name="acme.example")
    tags = [add_tag(slug) for slug in SEED_TAGS]
    template = add_template(language="fr", category="real_estate")
    body = {
        "tenant_id": acme.pk,
        "name": "French Real Estate Q1 2026",
        "template_id": template.pk,
        "language": "fr",
        "category": "real_estate",
        "tags_all": ["verified", "active"],
        "tags_any": ["france", "belgium"],
        "exclude_tags": ["unsubscribed", "bounced"],
        "scheduled_at": "2026-03-01T09:00:00Z",
    }
    answer = v2.post("campaigns", body)
    assert answer.status_code == 201, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    [campaign] = Campaign.objects.all()
    told = answer.json()
    times = {told.pop("created_at"), told.pop("updated_at")}
    assert all(datetime.fromisoformat(time).tzinfo for time in times)
    assert set(told.pop("counts").values()) == {0}
    assert told == {
        **body,
        "id": campaign.pk,
        "status": "draft",
        "from_name": "Acme",
        "from_email": "news@acme.example",
        "reply_to": "",
        "provider_id": None,
        "segment_id": None,
        "track_opens": True,
        "track_clicks": True,
        "error": "",
    }
    assert campaign.scheduled_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert (campaign.tags_all, len(tags)) == (["verified", "active"], 6)


def test_v01_the_tenants_default_sender_is_taken_and_its_name_may_be_another(v2, acme):
    set_profile(tenant=acme, sender='"Acme, Inc." <hello@acme.example>', reply_to="help@acme.example")
    template = add_template()
    told = v2.post("campaigns", {"name": "One", "template_id": template.pk}).json()
    assert (told["from_name"], told["from_email"]) == ("Acme, Inc.", "hello@acme.example")
    assert told["reply_to"] == "help@acme.example"
    told = v2.post("campaigns", {"name": "Two", "template_id": template.pk, "from_name": "Ana"}).json()
    assert (told["from_name"], told["from_email"]) == ("Ana", "hello@acme.example")


def test_v01_without_a_sender_and_a_domain_the_field_is_named_and_a_way_out(v2):
    error = error_of(v2.post("campaigns", {"name": "One", "template_id": add_template().pk}), 422)
    assert error["field"] == "from_email"
    assert "sending domain" in error["hint"]
    assert not Campaign.objects.exists()


def test_v01_a_sender_is_given_in_one_piece_or_in_parts(v2):
    template = add_template()
    whole = v2.post("campaigns", {"name": "A", "template_id": template.pk, "from": "Acme <news@acme.example>"}).json()
    parts = v2.post("campaigns", {"name": "B", "template_id": template.pk, **SENDER}).json()
    assert (whole["from_name"], whole["from_email"]) == (parts["from_name"], parts["from_email"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"template_id": 10**30}, "template_id"),
        ({"template_id": "5"}, "template_id"),
        ({"template_id": 987654}, "template_id"),
        ({"tags_all": "vip"}, "tags_all"),
        ({"tags_all": ["nope"]}, "tags_all"),
        ({"tags_any": [7]}, "tags_any.0"),
        ({"exclude_tags": ["vipp"]}, "exclude_tags"),
        ({"language": "français"}, "language"),
        ({"scheduled_at": "2026-03-01T09:00:00"}, "scheduled_at"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"scheduled_at": "0001-01-01T00:00:00+23:59"}, "scheduled_at"),
        ({"from_email": "a@b.example\r\nBcc: x@y.example"}, "from_email"),
        ({"from": "ceo@bank.example <x@y.example>"}, "from"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"provider_id": 987654}, "provider_id"),
        ({"segment_id": 987654}, "segment_id"),
        ({"track_opens": "yes"}, "track_opens"),
    ],
)
def test_v01_what_cannot_be_used_is_refused_with_the_name_of_its_field(v2, change, field):
    add_tag("vip")
    error = error_of(v2.post("campaigns", {"name": "A", "template_id": add_template().pk, **SENDER, **change}), 422)
    assert (error["field"], error["code"]) in [(field, "invalid_input"), (field, "invalid_email")]
    assert error["message"]
    assert not Campaign.objects.exists()


def test_v01_an_unknown_tag_is_named_and_one_that_looks_like_it(v2):
    add_tag("vip")
    body = {"name": "A", "template_id": add_template().pk, **SENDER, "exclude_tags": ["vipp"]}
    error = error_of(v2.post("campaigns", body), 422)
    assert error["message"] == "There is no tag 'vipp'."
    assert error["hint"] == "Did you mean 'vip'?"


def test_v01_a_time_to_come_schedules_the_campaign(v2):
    add_provider()
    add_contacts(2)
    body = {"name": "A", "template_id": add_template().pk, **SENDER, "scheduled_at": in_an_hour()}
    told = v2.post("campaigns", body).json()
    assert told["status"] == "scheduled"
    due = DueWork.objects.get(schema="acme", task=PLAN_TASK)
    assert (due.reference, due.due_at) == (told["id"], Campaign.objects.get().scheduled_at)


def test_v01_what_is_scheduled_is_checked_as_for_sending_and_else_not_made(v2):
    body = {"name": "A", "template_id": add_template().pk, **SENDER, "scheduled_at": in_an_hour()}
    error = error_of(v2.post("campaigns", body), 422)
    assert "The audience is empty." in error["message"]
    assert "no provider is set up" in error["message"]
    assert not Campaign.objects.exists()


def test_v01_the_same_order_twice_with_one_idempotency_key_is_one_campaign(v2):
    body = {"name": "A", "template_id": add_template().pk, **SENDER}
    first, second = (v2.post("campaigns", body, idempotency_key="order-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Campaign.objects.count() == 1


def test_v02_campaigns_are_listed_the_newest_first_and_by_status(v2, acme):
    template = add_template()
    one, two, three = (add_campaign(template, name=name) for name in ("One", "Two", "Three"))
    Campaign.objects.filter(pk=two.pk).update(state="sent")
    answer = v2.get(f"campaigns/{acme.pk}")
    assert [told["id"] for told in answer.json()] == [three.pk, two.pk, one.pk]
    assert {told["tenant_id"] for told in answer.json()} == {acme.pk}
    assert "X-Next-Cursor" not in answer.headers
    assert [told["name"] for told in v2.get(f"campaigns/{acme.pk}?status=sent").json()] == ["Two"]
    assert error_of(v2.get(f"campaigns/{acme.pk}?status=lost"), 422)["field"] == "status"


def test_v02_a_long_list_comes_in_pages(v2, acme):
    template = add_template()
    made = [add_campaign(template, name=f"No. {number}").pk for number in range(5)]
    seen, cursor = [], ""
    while True:
        answer = v2.get(f"campaigns/{acme.pk}?limit=2&cursor={cursor}")
        seen += [told["id"] for told in answer.json()]
        cursor = answer.headers.get("X-Next-Cursor", "")
        if not cursor:
            break
    assert seen == sorted(made, reverse=True)
    assert error_of(v2.get(f"campaigns/{acme.pk}?limit=0"), 422)["field"] == "limit"
    assert error_of(v2.get(f"campaigns/{acme.pk}?cursor=%00"), 422)["field"] == "cursor"


def test_v02_a_list_of_many_asks_no_more_than_a_list_of_one(v2, acme):
    template = add_template()
    add_campaign(template)
    v2.get(f"campaigns/{acme.pk}")
    with CaptureQueriesContext(connection) as one:
        v2.get(f"campaigns/{acme.pk}")
    for number in range(20):
        add_campaign(template, name=f"No. {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(v2.get(f"campaigns/{acme.pk}").json()) == 21
    assert len(many) == len(one)
    assert sum("campaigns_campaign" in query["sql"] for query in many) == 1


def test_v03_a_campaign_is_got_with_its_figures_in_a_fixed_number_of_queries(v2, acme):
    add_provider()
    add_contacts(3)
    campaign = add_campaign()
    v2.post(f"campaigns/{acme.pk}/{campaign.pk}/send")
    plan_campaign(campaign.pk)
    with CaptureQueriesContext(connection) as asked:
        told = v2.get(f"campaigns/{acme.pk}/{campaign.pk}").json()
    assert told["status"] == "sending"
    assert told["counts"]["total"] == told["counts"]["queued"] == 3
    tenant_tables = ("campaigns_", "outbound_")
    assert sum(any(name in query["sql"] for name in tenant_tables) for query in asked) == 5


def test_v04_what_is_given_changes_and_the_rest_stays(v2, acme):
    add_tag("vip")
    provider = add_provider()
    campaign = add_campaign(tags_all=("vip",), reply_to="help@acme.example")
    other = add_template("Other")
    path = f"campaigns/{acme.pk}/{campaign.pk}"
    told = v2.put(path, {"name": "Summer", "from_name": "Ana", "template_id": other.pk}).json()
    assert (told["name"], told["from_name"], told["from_email"]) == ("Summer", "Ana", "news@acme.example")
    assert (told["template_id"], told["tags_all"], told["reply_to"]) == (other.pk, ["vip"], "help@acme.example")
    assert v2.put(path, {"provider_id": provider.pk}).json()["provider_id"] == provider.pk
    told = v2.put(path, {"provider_id": None, "tags_all": [], "from_email": "hi@acme.example"}).json()
    assert (told["provider_id"], told["tags_all"], told["from_email"]) == (None, [], "hi@acme.example")
    assert (told["from_name"], told["name"]) == ("Ana", "Summer")
    campaign.refresh_from_db()
    assert (campaign.name, campaign.from_address) == ("Summer", "hi@acme.example")


def test_v04_a_campaign_is_narrowed_to_a_segment_and_let_go_again(v2, acme):
    add_contacts(2)
    segment = Segment.objects.create(name="First names", tree={"field": "first_name", "op": "is", "value": "Name 1"})
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}"
    assert v2.put(path, {"segment_id": segment.pk}).json()["segment_id"] == segment.pk
    assert v2.put(path, {"name": "Summer"}).json()["segment_id"] == segment.pk
    assert v2.put(path, {"segment_id": None}).json()["segment_id"] is None


def test_v04_a_scheduled_campaign_moves_and_becomes_a_draft_again(v2, acme):
    add_provider()
    add_contacts(1)
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}"
    assert v2.put(path, {"scheduled_at": in_an_hour()}).json()["status"] == "scheduled"
    assert v2.put(path, {"name": "Later"}).json()["status"] == "scheduled"
    later = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    assert v2.put(path, {"scheduled_at": later.isoformat()}).json()["status"] == "scheduled"
    assert DueWork.objects.get(schema="acme", task=PLAN_TASK).due_at == later
    error = error_of(v2.put(path, {"name": "Nobody", "language": "xx"}), 422)
    assert "The audience is empty." in error["message"]
    assert v2.get(path).json()["name"] == "Later"
    told = v2.put(path, {"scheduled_at": None}).json()
    assert (told["status"], told["scheduled_at"]) == ("draft", None)
    assert not DueWork.objects.filter(schema="acme", task=PLAN_TASK).exists()


def test_v04_once_it_is_being_sent_it_cannot_be_changed(v2, acme):
    campaign = add_campaign()
    Campaign.objects.update(state="sending")
    error = error_of(v2.put(f"campaigns/{acme.pk}/{campaign.pk}", {"name": "Other"}), 409)
    assert error["code"] == "conflict"
    assert Campaign.objects.get().name == "Spring"


def test_v05_sending_answers_as_documented_and_twice_is_409(v2, acme):
    add_provider()
    add_contacts(2)
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}/send"
    answer = v2.call("POST", path)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "success": True,
        "campaign_id": campaign.pk,
        "status": "sending",
        "message": "Campaign queued for sending",
    }
    assert DueWork.objects.get(schema="acme", task=PLAN_TASK).reference == campaign.pk
    error = error_of(v2.call("POST", path), 409)
    assert error["message"] == "“Spring” is being sent."


def test_v05_a_campaign_with_a_time_to_come_is_scheduled_and_one_whose_time_is_over_sent(v2, acme):
    add_provider()
    add_contacts(2)
    template = add_template()
    body = {"name": "A", "template_id": template.pk, **SENDER, "scheduled_at": in_an_hour()}
    later = v2.post("campaigns", body).json()["id"]
    assert v2.post(f"campaigns/{acme.pk}/{later}/send").json()["status"] == "scheduled"
    over = v2.post("campaigns", {**body, "scheduled_at": "2026-03-01T09:00:00Z"}).json()["id"]
    assert v2.post(f"campaigns/{acme.pk}/{over}/send").json()["status"] == "sending"
    assert v2.get(f"campaigns/{acme.pk}/{over}").json()["scheduled_at"] == "2026-03-01T09:00:00Z"


def test_v05_all_that_is_wrong_is_told_and_nothing_is_sent(v2, acme):
    campaign = add_campaign()
    error = error_of(v2.post(f"campaigns/{acme.pk}/{campaign.pk}/send"), 422)
    assert "The audience is empty." in error["message"]
    assert "no provider is set up" in error["message"]
    assert Campaign.objects.get().state == "draft"


def test_v05_each_contact_gets_the_version_of_its_language_then_of_the_category(v2, acme):
    add_provider()
    for language in ("fr", "fr-ca", "de", ""):
        add_contacts(1, language=language, prefix=f"x{language}")
    main = add_template(subject="any")
    add_template(language="fr", subject="fr")
    add_template(language="fr", category="sale", subject="fr sale")
    add_template(language="de", category="other", subject="de other")
    body = {"name": "A", "template_id": main.pk, "category": "sale", **SENDER}
    campaign = v2.post("campaigns", body).json()["id"]
    v2.post(f"campaigns/{acme.pk}/{campaign}/send")
    plan_campaign(campaign)
    sent = {
        message.content["subject"]: sorted(
            Contact.objects.filter(pk__in=[i for chunk in message.chunks.all() for i in chunk.contact_ids]).values_list(
                "language", flat=True
            )
        )
        for message in Message.objects.all()
    }
    assert sent == {"fr sale": ["fr", "fr-ca"], "any": ["", "de"]}


def test_v06_a_campaign_is_deleted_but_not_on_its_way(v2, acme):
    campaign = add_campaign()
    path = f"campaigns/{acme.pk}/{campaign.pk}"
    Campaign.objects.update(state="sending")
    assert error_of(v2.delete(path), 409)["hint"] == "Cancel it before you delete it."
    Campaign.objects.update(state="draft")
    answer = v2.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_of(v2.get(path), 404)["code"] == "not_found"
    assert error_of(v2.delete(path), 404)


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/send"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/cancel"),
        ("POST", "/duplicate"),
        ("POST", "/preview"),
        ("POST", "/test"),
        ("GET", "/report"),
        ("GET", "/recipients"),
        ("GET", "/recipients.csv"),
    ],
)
def test_a_campaign_is_its_tenants_own(v2, stranger, acme, globex, method, action):
    campaign = add_campaign()
    body = {"addresses": ["a@example.com"]} if action == "/test" else {}
    given = body if method in ("POST", "PUT") else None
    error = error_of(stranger.call(method, f"campaigns/{acme.pk}/{campaign.pk}{action}", given), 403)
    assert error["code"] == "forbidden"
    assert error_of(stranger.call(method, f"campaigns/{globex.pk}/{campaign.pk}{action}", given), 404)
    assert error_of(v2.call(method, f"campaigns/{acme.pk}/{10**30}{action}", given), 404)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.state) == ("Spring", "draft")


def test_another_tenants_key_neither_lists_nor_makes_campaigns(stranger, acme):
    assert error_of(stranger.get(f"campaigns/{acme.pk}"), 403)
    assert error_of(stranger.post("campaigns", {"tenant_id": acme.pk, "name": "A", "template_id": 1}), 403)


def test_each_method_needs_its_scope(acme):
    campaign = add_campaign()
    reader = caller(acme, scopes=["read"])
    writer = caller(acme, scopes=["campaigns"])
    assert reader.get(f"campaigns/{acme.pk}/{campaign.pk}").status_code == 200
    assert error_of(reader.put(f"campaigns/{acme.pk}/{campaign.pk}", {"name": "B"}), 403)
    assert error_of(reader.post(f"campaigns/{acme.pk}/{campaign.pk}/send"), 403)
    assert error_of(writer.get(f"campaigns/{acme.pk}"), 403)
