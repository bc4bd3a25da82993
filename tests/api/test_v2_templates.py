"""Templates over HTTP: made, listed, changed, checked, shown (V28)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Template
from contacts.models import Contact
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import HTML, add_campaign, add_template

BROKEN = "<p>Hello</p>\n<p>{{ first_name </p>"


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


def error_of(answer, status):
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


def test_v28_a_template_is_created(v2, acme):
    body = {
        "tenant_id": acme.pk,
        "name": "News",
        "language": "FR",
        "category": "sale",
        "subject": "Nouvelles ",
        "preheader": "de printemps",
        "html": HTML,
        "text": "",
    }
    answer = v2.post("templates", body)
    assert answer.status_code == 201, answer.content
    [template] = Template.objects.all()
    told = answer.json()
    assert told.pop("created_at")
    assert told.pop("updated_at")
    assert told == {**body, "id": template.pk, "language": "fr"}
    assert v2.get(f"templates/{acme.pk}/{template.pk}").json()["html"] == HTML


def test_v28_a_template_of_text_alone_will_do(v2):
    answer = v2.post("templates", {"name": "Plain", "subject": "Hi", "text": "Hello {{ unsubscribe_url }}"})
    assert answer.status_code == 201
    assert answer.json()["html"] == ""


def test_v28_a_fault_is_told_with_its_place_and_nothing_is_saved(v2):
    error = error_of(v2.post("templates", {"name": "News", "subject": "Hi", "html": BROKEN}), 422)
    assert (error["code"], error["field"]) == ("template_fault", "html")
    details = error["details"]
    assert (details["part"], details["line"]) == ("html", 2)
    assert details["column"] >= 1
    assert f"line 2, column {details['column']}" in error["message"]
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": ""}, "subject"),
        ({"html": 7}, "html"),
        ({"html": "a\x00"}, "html"),
        ({"html": ""}, "html"),
        ({"html": "\ud800"}, "html"),
        ({"language": "no language"}, "language"),
        ({"category": "a\tb"}, "category"),
    ],
)
def test_v28_what_cannot_be_used_is_refused_with_the_name_of_its_field(v2, change, field):
    error = error_of(v2.post("templates", {"name": "News", "subject": "Hi", "html": HTML, **change}), 422)
    assert error["field"] == field
    assert not Template.objects.exists()


def test_v28_a_version_that_exists_is_a_conflict(v2):
    add_template(language="fr")
    body = {"name": "News", "subject": "Hi", "html": HTML, "language": "fr"}
    assert error_of(v2.post("templates", body), 409)["message"] == "There is a template “News (fr)” already."
    assert v2.post("templates", {**body, "language": "de"}).status_code == 201


def test_v28_a_template_is_updated_in_part(v2, acme):
    template = add_template(preheader="Soon")
    answer = v2.put(f"templates/{acme.pk}/{template.pk}", {"subject": "Summer"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["subject"], told["preheader"], told["html"]) == ("Summer", "Soon", HTML)
    template.refresh_from_db()
    assert template.subject == "Summer"
    error = error_of(v2.put(f"templates/{acme.pk}/{template.pk}", {"html": BROKEN}), 422)
    assert error["details"]["line"] == 2


def test_templates_are_listed_without_their_parts_and_found_by_name_language_and_category(v2, acme):
    add_template()
    french = add_template(language="fr", category="sale")
    add_template("Other", language="fr")
    told = v2.get(f"templates/{acme.pk}").json()
    assert [one["name"] for one in told["items"]] == ["Other", "News", "News"]
    assert told["next_cursor"] is None
    assert "html" not in told["items"][0]
    found = v2.get(f"templates/{acme.pk}?name=News&language=fr&category=sale").json()
    assert [one["id"] for one in found["items"]] == [french.pk]
    assert [one["name"] for one in v2.get(f"templates/{acme.pk}?language=").json()["items"]] == ["News"]
    first = v2.get(f"templates/{acme.pk}?limit=2").json()
    rest = v2.get(f"templates/{acme.pk}?limit=2&cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    assert error_of(v2.get(f"templates/{acme.pk}?name=%00"), 422)["field"] == "name"


def test_a_list_of_many_templates_asks_no_more_than_a_list_of_one(v2, acme):
    add_template()
    v2.get(f"templates/{acme.pk}")
    with CaptureQueriesContext(connection) as one:
        v2.get(f"templates/{acme.pk}")
    for number in range(10):
        add_template(f"No. {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(v2.get(f"templates/{acme.pk}").json()["items"]) == 11
    assert len(many) == len(one)
    assert sum("campaigns_template" in query["sql"] for query in many) == 1


def test_a_template_is_deleted_unless_a_campaign_uses_it(v2, acme):
    template = add_template()
    campaign = add_campaign(template)
    path = f"templates/{acme.pk}/{template.pk}"
    assert error_of(v2.delete(path), 409)["message"] == "The template “News” is used by a campaign."
    campaign.delete()
    answer = v2.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_of(v2.get(path), 404)


def test_a_check_tells_every_part_that_cannot_be_sent(v2, acme):
    told = v2.post(f"templates/{acme.pk}/check", {"subject": "Hi {{ first_name", "html": BROKEN}).json()
    assert told["ok"] is False
    assert sorted((fault["part"], fault["line"]) for fault in told["errors"]) == [("html", 2), ("subject", 1)]
    assert all(fault["message"] and fault["column"] >= 1 for fault in told["errors"])
    assert (told["fields"], told["links"], told["tier"]) == ([], [], None)
    assert not Template.objects.exists()


def test_a_check_tells_what_good_content_needs(v2, acme):
    html = (
        '<p>{{ first_name | default("you") }} of {{ company }}</p>{% for one in orders %}{{ one }}{% endfor %}'
        '<a href="https://acme.example/{{ slug }}">Shop</a>'
    )
    told = v2.post(f"templates/{acme.pk}/check", {"subject": "Hi", "html": html}).json()
    assert (told["ok"], told["errors"]) == (True, [])
    assert {field["name"]: (field["kind"], field["needs_default"]) for field in told["fields"]} == {
        "first_name": ("text", False),
        "company": ("text", True),
        "orders": ("json", False),
    }
    assert told["links"] == [{"url": "https://acme.example/{{ slug }}", "needs": ["slug"]}]
    assert any("unsubscribe" in warning for warning in told["warnings"])
    assert told["tier"] in ("segments", "jinja", "full")


def test_a_preview_shows_a_contact_or_somebody_made_up(v2, acme):
    template = add_template(
        subject="For {{ first_name }}", preheader="Soon, {{ first_name }}", html="<p>{{ company }}</p>"
    )
    contact = Contact.objects.create(
        email="ana@example.com", email_key="ana@example.com", first_name="Ana", attributes={"company": "Doe & Co"}
    )
    path = f"templates/{acme.pk}/{template.pk}/preview"
    told = v2.post(path, {"contact_id": contact.pk}).json()
    assert (told["subject"], told["preheader"]) == ("For Ana", "Soon, Ana")
    assert "<p>Doe &amp; Co</p>" in told["html"]
    assert "Doe & Co" in told["text"]
    assert (told["template_id"], told["contact_id"], told["email"]) == (template.pk, contact.pk, "ana@example.com")
    told = v2.post(path, {"attributes": {"first_name": "Bo"}}).json()
    assert (told["subject"], told["contact_id"], told["empty_fields"]) == ("For Bo", None, ["company"])
    assert error_of(v2.post(path, {"contact_id": 987654}), 404)["field"] == "contact_id"
    assert error_of(v2.post(path, {"email": "no@example.com"}), 422)["field"] == "email"
    assert error_of(v2.post(path, {"attributes": ["first_name"]}), 422)["field"] == "attributes"


@pytest.mark.parametrize(("method", "action"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/preview")])
def test_a_template_is_its_tenants_own(acme, globex, method, action):
    template = add_template()
    stranger = caller(globex)
    given = {} if method in ("POST", "PUT") else None
    assert error_of(stranger.call(method, f"templates/{acme.pk}/{template.pk}{action}", given), 403)
    assert error_of(stranger.call(method, f"templates/{globex.pk}/{template.pk}{action}", given), 404)
    assert Template.objects.filter(pk=template.pk, subject="News ").exists()


def test_another_tenants_key_neither_lists_nor_makes_nor_checks_templates(acme, globex):
    stranger = caller(globex)
    assert error_of(stranger.get(f"templates/{acme.pk}"), 403)
    assert error_of(stranger.post(f"templates/{acme.pk}/check", {"subject": "a"}), 403)
    body = {"tenant_id": acme.pk, "name": "N", "subject": "S", "html": HTML}
    assert error_of(stranger.post("templates", body), 403)
