"""What a refusal of API v2 is about is said in the words of the wire, and by one rule on all paths."""

import json
from typing import Any

import pytest

from api.docs.document import openapi_document
from campaigns.models import Campaign, Template
from contacts.models import DataSource, SourceRun
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_template

_NOWHERE = 2**40
_PATHS = [
    (method.upper(), path.removeprefix("/api/v2/"))
    for path, operations in json.loads(openapi_document())["paths"].items()
    for method in operations
    if path.startswith("/api/v2/") and path.count("{") == 2 and method in ("get", "put", "post", "delete")
]


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme, scopes=["admin", "read", "contacts", "campaigns", "webhooks"])


def error_of(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), _PATHS, ids=[" ".join(one) for one in _PATHS])
def test_a_404_names_the_part_of_the_path_that_leads_nowhere(v2: V2, method: str, path: str) -> None:
    part = path.rpartition("{")[2].partition("}")[0]
    gone = path.format_map({"tenant_id": v2.tenant.pk, part: _NOWHERE})
    # Where the body is read before the thing is looked for, the body must be sound.
    body = {"addresses": ["ann@example.com"], "variants": [], "variant_id": 1, "since": "2026-01-01T00:00:00Z"}
    answer = v2.call(method, gone, body if method in ("PUT", "POST") else None)
    assert (error_of(answer, 404)["code"], answer.json()["error"]["field"]) == ("not_found", part)


def test_a_404_of_a_thing_in_a_thing_names_the_inner_one(v2: V2) -> None:
    source = DataSource.objects.create(name="by hand", type="manual")
    path = f"data-sources/{v2.tenant.pk}"
    assert error_of(v2.get(f"{path}/{source.pk}/runs/{_NOWHERE}"), 404)["field"] == "run_id"
    assert not SourceRun.objects.exists()
    assert error_of(v2.get(f"{path}/{_NOWHERE}/runs"), 404)["field"] == "source_id"


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_conflict_of_a_campaign_names_its_status(v2: V2, action: str) -> None:
    path = f"campaigns/{v2.tenant.pk}/{add_campaign().pk}"
    assert error_of(v2.post(f"{path}/{action}"), 409)["field"] == "status"


def test_what_cannot_be_done_to_a_campaign_that_is_sent_names_its_status(v2: V2) -> None:
    campaign = add_campaign()
    Campaign.objects.update(state="sent")
    path = f"campaigns/{v2.tenant.pk}/{campaign.pk}"
    for answer in (
        v2.post(f"{path}/send"),
        v2.post(f"{path}/cancel"),
        v2.put(path, {"name": "x"}),
        v2.put(f"{path}/variants", {"variants": []}),
        v2.post(f"{path}/variants/winner", {"variant_id": 1}),
    ):
        assert error_of(answer, 409)["field"] == "status"
    Campaign.objects.update(state="sending")
    assert error_of(v2.delete(path), 409)["field"] == "status"


def test_a_template_in_use_is_named_as_the_path_names_it(v2: V2) -> None:
    campaign = add_campaign()
    error = error_of(v2.delete(f"templates/{v2.tenant.pk}/{campaign.template_id}"), 409)
    assert error["field"] == "template_id"
    assert Template.objects.exists()


def test_a_sender_is_refused_by_the_field_that_said_it(v2: V2) -> None:
    template = add_template()
    broken = "Acme\r\nBcc: x@example.com <news@acme.example>"
    for given, field in (({"from": broken}, "from"), ({"from_email": "news"}, "from_email")):
        error = error_of(v2.post("campaigns", {"name": "x", "template_id": template.pk, **given}), 422)
        assert error["field"] == field
    changed = v2.put(f"campaigns/{v2.tenant.pk}/{add_campaign(template).pk}", {"from": "nobody"})
    assert error_of(changed, 422)["field"] == "from"


def test_a_url_that_is_refused_when_a_source_is_tried_is_named_as_in_the_body(v2: V2) -> None:
    made = v2.post("data-sources", {"name": "S", "type": "scraper-pro", "config": {"url": "http://127.0.0.1/x"}}).json()
    error = error_of(v2.post(f"data-sources/{v2.tenant.pk}/{made['id']}/test"), 422)
    assert (error["code"], error["field"]) == ("url_refused", "config.url")


def test_a_body_of_another_kind_is_told_what_is_wanted(v2: V2) -> None:
    headers = {"host": "localhost", "x-api-key": v2.key}
    for path, kind, wanted in (
        ("imports", "text/csv", "multipart/form-data"),
        ("imports", "application/json", "curl -F file=@contacts.csv"),
        ("tags", "application/xml", "application/json"),
    ):
        answer = v2.client.generic("POST", f"/api/v2/{path}", "a,b", content_type=kind, headers=headers)
        error = error_of(answer, 415)
        assert error["code"] == "unsupported_media_type"
        assert wanted in error["message"]


def test_the_example_of_a_faulty_template_is_what_the_server_says(v2: V2) -> None:
    operation = json.loads(openapi_document())["paths"]["/api/v2/templates/{tenant_id}/check"]["post"]
    given = operation["requestBody"]["content"]["application/json"]["examples"]["WithAFault"]["value"]
    told = operation["responses"]["200"]["content"]["application/json"]["examples"]["WithAFault"]["value"]
    assert v2.post(f"templates/{v2.tenant.pk}/check", given).json() == told


def test_json_lines_hold_what_the_api_answers(v2: V2) -> None:
    add_contacts(2)
    lines = b"".join(v2.get(f"contacts/{v2.tenant.pk}/export?format=jsonl").streaming_content).decode()
    answered = v2.get(f"contacts/{v2.tenant.pk}").json()["items"]
    assert [json.loads(line) for line in lines.splitlines()] == answered[::-1]


def test_a_campaign_that_lost_a_tag_is_not_sent(v2: V2) -> None:
    add_provider()
    add_contacts(1)
    campaign = add_campaign()
    Campaign.objects.update(exclude_tags=["gone"])
    error = error_of(v2.post(f"campaigns/{v2.tenant.pk}/{campaign.pk}/send"), 422)
    assert "gone" in error["message"]
