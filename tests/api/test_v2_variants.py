"""Variants of a campaign over HTTP (V35)."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Variant
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import pause_campaign
from outbound.states import EventKind
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template
from tests.campaigns.variants_cast import SCANNER, begin, deliver, happen, let_time_pass, rest, trial, try_out, variant

NOTHING = {
    "recipients": 0,
    "sent": 0,
    "delivered": 0,
    "opened": 0,
    "clicked": 0,
    "human_opened": 0,
    "human_clicked": 0,
    "open_rate": 0.0,
    "click_rate": 0.0,
}


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


@pytest.fixture
def campaign(acme: Tenant) -> Campaign:
    add_contacts(100)
    add_provider()
    return add_campaign()


@pytest.fixture
def path(acme: Tenant, campaign: Campaign) -> str:
    return f"campaigns/{acme.pk}/{campaign.pk}/variants"


def error_of(answer, status):
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


def two(**more):
    return {"variants": [{"name": "A", "share": 10}, {"name": "B", "subject": "Hi", "share": 20}], **more}


def test_v35_variants_are_defined_as_a_whole_and_shown(v2, acme, campaign, path):
    template = add_template("Other")
    body = {
        "variants": [
            {"name": "Short", "subject": "Hi {{ first_name }}", "share": 15},
            {"name": "Other", "template_id": template.pk, "share": 25},
        ],
        "winner_by": "clicks",
        "decide_after_minutes": 240,
    }
    answer = v2.put(path, body)
    assert answer.status_code == 200, answer.content
    one, other = Variant.objects.all()
    assert answer.json() == {
        "campaign_id": campaign.pk,
        "tenant_id": acme.pk,
        "status": "draft",
        "variants": [
            {
                "id": one.pk,
                "name": "Short",
                "template_id": None,
                "subject": "Hi {{ first_name }}",
                "share": 15,
                "is_winner": False,
                "at_decision": None,
                **NOTHING,
            },
            {
                "id": other.pk,
                "name": "Other",
                "template_id": template.pk,
                "subject": "",
                "share": 25,
                "is_winner": False,
                "at_decision": None,
                **NOTHING,
            },
        ],
        "remainder": {"share": 60, **NOTHING},
        "winner_by": "clicks",
        "decide_after_minutes": 240,
        "decides_at": None,
        "decided_at": None,
        "decided_by": None,
        "reason": "",
    }
    assert v2.get(path).json() == answer.json()


def test_v35_what_is_not_said_about_the_winner_is_opens_after_an_hour(v2, path):
    told = v2.put(path, two()).json()
    assert (told["winner_by"], told["decide_after_minutes"]) == ("opens", 60)


def test_v35_an_empty_list_takes_the_variants_away(v2, acme, campaign, path):
    v2.put(path, two())
    told = v2.put(path, {"variants": []}).json()
    assert (told["variants"], told["winner_by"], told["decide_after_minutes"]) == ([], None, None)
    assert told["remainder"] == {"share": 0, **NOTHING}
    assert v2.get(path).json() == told
    assert not Variant.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "variants"),
        ({"variants": "two"}, "variants"),
        (two(winner_by="luck"), "winner_by"),
        (two(decide_after_minutes=0), "decide_after_minutes"),
        (two(decide_after_minutes=10**30), "decide_after_minutes"),
        ({"variants": [{"name": "A", "share": 10}]}, "variants"),
        ({"variants": [{"name": "A", "share": 90}, {"name": "B", "share": 90}]}, "variants"),
        ({"variants": [{"name": "A", "share": 10}, {"name": "A", "share": 10}]}, "variants.1.name"),
        ({"variants": [{"name": "A", "share": 10}, {"name": "B", "share": 100}]}, "variants.1.share"),
        ({"variants": [{"name": "A\x00", "share": 10}, {"name": "B", "share": 10}]}, "variants.0.name"),
        (
            {"variants": [{"name": "A", "share": 10, "template_id": 987654}, {"name": "B", "share": 10}]},
            "variants.0.template_id",
        ),
        (
            {"variants": [{"name": "A", "share": 10, "template_id": 10**30}, {"name": "B", "share": 10}]},
            "variants.0.template_id",
        ),
    ],
)
def test_v35_what_cannot_be_is_refused_with_its_field(v2, path, body, field):
    error = error_of(v2.put(path, body), 422)
    assert error["field"] == field
    assert error["message"]
    assert not Variant.objects.exists()


def test_v35_once_the_campaign_is_being_sent_its_variants_stay(v2, campaign, path):
    begin(campaign)
    error = error_of(v2.put(path, two()), 409)
    assert error["code"] == "conflict"
    assert "is being sent" in error["message"]


def test_v35_figures_tell_variants_apart_before_and_after_the_decision(v2, campaign, path):
    try_out(campaign, 10, 20)
    begin(campaign)
    deliver(campaign)
    happen(trial(campaign, "A"), EventKind.OPEN, 2)
    happen(trial(campaign, "B"), EventKind.OPEN, 5)
    happen(trial(campaign, "B"), EventKind.OPEN, 1, agent=SCANNER, first=5)
    happen(trial(campaign, "B"), EventKind.CLICK, 1)
    told = v2.get(path).json()
    assert told["decided_at"] is None
    assert datetime.fromisoformat(told["decides_at"]).tzinfo
    shown = [
        [one[name] for name in ("recipients", "sent", "opened", "human_opened", "clicked", "open_rate", "click_rate")]
        for one in told["variants"]
    ]
    assert shown == [[10, 10, 2, 2, 0, 0.2, 0.0], [20, 20, 6, 5, 1, 0.3, 0.05]]
    assert told["remainder"] == {**NOTHING, "share": 70, "recipients": 70}
    let_time_pass(campaign)
    plan_campaign(campaign.pk)
    told = v2.get(path).json()
    assert [one["is_winner"] for one in told["variants"]] == [False, True]
    assert told["variants"][1]["at_decision"] == {"delivered": 20, "opened": 5, "clicked": 1}
    assert (told["decided_by"], told["reason"]) == ("opens", "25.0 % opened “B”, and 20.0 % the next best.")
    assert datetime.fromisoformat(told["decided_at"]).tzinfo


def test_v35_a_winner_is_chosen_by_hand_once(v2, campaign, path):
    try_out(campaign, 10, 20)
    begin(campaign)
    deliver(campaign)
    wanted = variant(campaign, "B").pk
    answer = v2.post(f"{path}/winner", {"variant_id": wanted})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert [one["id"] for one in told["variants"] if one["is_winner"]] == [wanted]
    assert (told["decided_by"], told["reason"], told["status"]) == ("hand", "Chosen by hand.", "sending")
    assert [part.message.state for part in rest(campaign)] == ["sending"]
    assert error_of(v2.post(f"{path}/winner", {"variant_id": wanted}), 409)["code"] == "conflict"


def test_v35_a_winner_is_chosen_only_while_the_campaign_is_being_sent(v2, campaign, path):
    try_out(campaign, 10, 20)
    body = {"variant_id": variant(campaign, "A").pk}
    assert error_of(v2.post(f"{path}/winner", body), 409)["field"] == "status"
    begin(campaign)
    pause_campaign(campaign=campaign)
    assert error_of(v2.post(f"{path}/winner", body), 409)["field"] == "status"


def test_v35_a_variant_of_another_campaign_cannot_win(v2, campaign, path):
    other = add_campaign(campaign.template)
    for each in (campaign, other):
        try_out(each, 10, 20)
    begin(campaign)
    for wrong in (variant(other, "A").pk, 10**30, "1", None):
        assert error_of(v2.post(f"{path}/winner", {"variant_id": wrong}), 422)["field"] == "variant_id"


def test_v35_a_report_names_the_variant_of_each_link(v2, acme, campaign):
    try_out(campaign, 10, 20)
    begin(campaign)
    links = v2.get(f"campaigns/{acme.pk}/{campaign.pk}/report").json()["links"]
    assert sorted(link["variant"] for link in links) == ["A", "B"]


def test_v35_another_tenant_sees_and_changes_nothing(acme, globex, campaign, path):
    try_out(campaign, 10, 20)
    stranger, body = caller(globex), {"variant_id": variant(campaign, "A").pk}
    for answer in (stranger.get(path), stranger.put(path, {"variants": []}), stranger.post(f"{path}/winner", body)):
        error_of(answer, 403)
    foreign = f"campaigns/{globex.pk}/{campaign.pk}/variants"
    for answer in (
        stranger.get(foreign),
        stranger.put(foreign, {"variants": []}),
        stranger.post(f"{foreign}/winner", body),
    ):
        error_of(answer, 404)
    assert Variant.objects.count() == 2


def test_v35_a_key_needs_the_scope(acme, campaign, path):
    reader = caller(acme, scopes=["read"])
    assert reader.get(path).status_code == 200
    assert error_of(reader.put(path, two()), 403)
    assert error_of(reader.post(f"{path}/winner", {"variant_id": 1}), 403)


def test_v35_showing_takes_as_many_queries_for_many_variants_as_for_two(v2, campaign, path):
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert v2.get(path).status_code == 200
        return len(counted)

    other = add_campaign(campaign.template)
    try_out(other, 10, 20)
    try_out(campaign, 10, 20, 30, 10, 5)
    for each in (campaign, other):
        begin(each)
    v2.get(path)
    assert queries(path) == queries(path.replace(f"/{campaign.pk}/", f"/{other.pk}/"))
