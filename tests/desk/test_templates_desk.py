"""Writing a template: faults in place, a preview that can do no harm."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from campaigns.models import Template
from contacts.models import Contact, ContactAttribute
from tests.desk.conftest import HTML, campaign, person, queries, template

ADD = "/admin/campaigns/template/add/"
CHECK = "/admin/campaigns/template/check/"
PREVIEW = "/admin/campaigns/template/preview/"

Inside = Callable[[], Any]


def test_a_new_template_begins_as_a_mail_that_can_be_sent(owner: Client, inside: Inside) -> None:
    page = owner.get(ADD)
    html = page.context["form"].initial["html"]
    assert "unsubscribe_url" in html
    answer = owner.post(ADD, {"name": "News", "subject": "Hi {{ first_name }}", "html": html, "text": ""})
    with inside():
        made = Template.objects.get()
        assert (made.name, made.subject) == ("News", "Hi {{ first_name }}")
        # A form sends line ends as CRLF.
        assert made.html.replace("\r\n", "\n") == html
    assert answer.headers["Location"] == f"/admin/campaigns/template/{made.pk}/change/"


def test_a_fault_stands_at_its_part_with_line_and_column(owner: Client, inside: Inside) -> None:
    page = owner.post(ADD, {"name": "News", "subject": "Hi", "html": "<p>\n{% if x %}</p>"})
    assert page.context["form"].errors["html"][0].startswith("In the html, line 2, column 1:")
    fragment = owner.post(CHECK, {"subject": "Hi", "html": "<p>\n{% if x %}</p>"}).content.decode()
    assert 'data-jump="html" data-line="2"' in fragment
    with inside():
        assert not Template.objects.exists()


def test_the_check_lists_fields_warnings_and_the_subject_as_it_will_be(owner: Client) -> None:
    person("ana@example.com", first_name="Ana")
    fragment = owner.post(CHECK, {"subject": "Hi {{ first_name }}", "html": HTML}).content.decode()
    assert "<strong>Hi Ana</strong>" in fragment
    assert "<code>first_name</code>" in fragment


def test_the_preview_shows_the_mail_of_a_chosen_contact(owner: Client) -> None:
    person("ana@example.com", first_name="Ana")
    person("ben@example.com", first_name="Ben")
    form = {"subject": "Hi", "html": HTML, "contact": "ANA@example.com"}
    assert "Hello Ana" in owner.post(PREVIEW, form).content.decode()
    assert "Hello Ben" in owner.post(PREVIEW, {**form, "contact": ""}).content.decode()
    unknown = owner.post(PREVIEW, {**form, "contact": "who@example.com"})
    assert "not among your contacts" in unknown.content.decode()
    text = owner.post(PREVIEW, {**form, "part": "text"}).content.decode()
    assert "<pre" in text
    assert "Hello Ana" in text


def test_a_preview_without_any_contact_is_filled_with_nothing(owner: Client) -> None:
    assert "Hello friend" in owner.post(PREVIEW, {"subject": "Hi", "html": HTML}).content.decode()


def test_a_preview_uses_attributes_of_every_type(owner: Client, inside: Inside) -> None:
    with inside():
        ContactAttribute.objects.create(key="spent", label="Spent", type="number")
        Contact.objects.filter(pk=person("ana@example.com").pk).update(attributes={"spent": 700, "items": ["a", "b"]})
    html = "<p>{% if spent > 500 %}rich{% endif %} {{ spent }} {% for one in items %}[{{ one }}]{% endfor %}</p>"
    assert "rich 700 [a][b]" in owner.post(PREVIEW, {"subject": "x", "html": html}).content.decode()


def test_a_preview_runs_nothing_and_reaches_nothing(owner: Client) -> None:
    answer = owner.post(PREVIEW, {"subject": "Hi", "html": "<script>alert(1)</script><p>x</p>"})
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;")
    assert "allow-" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = owner.get(ADD).content.decode()
    assert 'sandbox title="Preview"' in page


def test_what_a_contact_is_called_is_escaped_in_the_preview(owner: Client) -> None:
    person("ana@example.com", first_name="<b>Ana</b>")
    assert "&lt;b&gt;Ana" in owner.post(PREVIEW, {"subject": "Hi", "html": HTML}).content.decode()


def test_versions_are_listed_and_a_new_one_begins_as_a_copy(owner: Client, inside: Inside) -> None:
    first = template("News", subject="Hello")
    template("News", language="fr", subject="Bonjour")
    page = owner.get(f"/admin/campaigns/template/{first.pk}/change/").content.decode()
    assert "Bonjour" in page
    copied = owner.get(f"{ADD}?from={first.pk}").context["form"].initial
    assert (copied["name"], copied["subject"]) == ("News", "Hello")
    twice = owner.post(ADD, {"name": "News", "subject": "x", "html": HTML})
    assert "already" in twice.context["form"].errors["name"][0]


def test_a_template_that_a_campaign_uses_is_not_deleted(owner: Client, inside: Inside) -> None:
    free, used = template("Free"), campaign("Spring").template
    for one in (free, used):
        assert "Delete the template" in owner.get(f"/admin/campaigns/template/{one.pk}/remove/").content.decode()
        owner.post(f"/admin/campaigns/template/{one.pk}/remove/")
    with inside():
        assert list(Template.objects.all()) == [used]


def test_the_list_of_templates_does_not_fetch_their_content(owner: Client, inside: Inside) -> None:
    with inside():
        template("a")
    few = queries(owner, "/admin/campaigns/template/")
    with inside():
        for name in "bcdefgh":
            template(name)
    assert queries(owner, "/admin/campaigns/template/") == few <= 8
