from dataclasses import replace

import pytest
from django.db import connection

from campaigns.merge_fields import fields_without_default
from campaigns.models import Template
from campaigns.services.templates import (
    TemplateText,
    create_template,
    delete_template,
    find_template_version,
    text_of,
    update_template,
)
from common.errors import Conflict, InvalidInput, NotFound
from outbound.compiler import TemplateFault
from tests.campaigns.cast import add_campaign, add_template

pytestmark = pytest.mark.usefixtures("acme")


def test_a_template_is_kept_as_it_was_written():
    written = TemplateText("News", "Hello {{ first_name }}", "<p>Hi</p>", "Hi", "Look", "pt-br", "sale")
    template = create_template(written=written)
    assert text_of(template) == written


def test_a_fault_is_refused_with_part_line_and_column():
    with pytest.raises(TemplateFault) as caught:
        add_template(html="<p>\n  {% if first_name %}Hi</p>")
    assert caught.value.part == "html"
    assert caught.value.line == 2
    assert caught.value.message.startswith("In the html, line 2, column 3: ")
    assert not Template.objects.exists()


def test_a_name_has_one_version_for_a_language_and_category():
    add_template(language="fr")
    add_template(language="fr", category="sale")
    with pytest.raises(Conflict, match="There is a template “News \\(fr\\)” already"):
        add_template(language="FR")


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@example.com", "a\nb", "", "x" * 501])
def test_a_subject_that_cannot_be_a_header_is_refused(subject):
    with pytest.raises(InvalidInput) as caught:
        add_template(subject=subject)
    assert caught.value.field == "subject"


def test_a_changed_template_keeps_its_number_and_must_be_sound_too():
    template = add_template()
    changed = update_template(template=template, written=replace(text_of(template), subject="Other"))
    assert (changed.pk, Template.objects.get().subject) == (template.pk, "Other")
    with pytest.raises(TemplateFault):
        update_template(template=template, written=replace(text_of(template), html="{{ "))
    assert Template.objects.get().subject == "Other"


def test_a_template_that_a_campaign_uses_cannot_be_deleted():
    template = add_template()
    campaign = add_campaign(template)
    with pytest.raises(Conflict, match="is used by a campaign"):
        delete_template(template=template)
    campaign.delete()
    delete_template(template=template)
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("language", "category", "expected"),
    [
        ("pt-br", "sale", ("pt-br", "sale")),
        ("pt-br", "other", ("pt-br", "")),
        ("pt-pt", "sale", ("pt", "")),
        ("pt_PT", "", ("pt", "")),
        ("fr", "sale", ("", "sale")),
        ("fr", "other", ("", "")),
        ("", "", ("", "")),
    ],
)
def test_a_version_is_found_by_language_first_and_then_by_category(language, category, expected):
    for version in [("pt-br", "sale"), ("pt-br", ""), ("pt", ""), ("", "sale"), ("", "")]:
        add_template(language=version[0], category=version[1])
    found = find_template_version(name="News", language=language, category=category)
    assert (found.language, found.category) == expected


def test_where_no_version_fits_the_ones_there_are_are_named():
    add_template(language="fr")
    with pytest.raises(NotFound, match="There are: News \\(fr\\)"):
        find_template_version(name="News", language="de")
    with pytest.raises(NotFound, match="There is no template “Nws”"):
        find_template_version(name="Nws")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ company }}", {"company"}),
        ('{{ company | default("you") }}', set()),
        ('{{ company or "you" }}', set()),
        ('{{ company | upper | default("you") }}', set()),
        ("{{ company | upper }}", {"company"}),
        ("{% if company %}{{ company }}{% endif %}", set()),
        ("{% if company %}x{% else %}{{ name }}{% endif %}", {"name"}),
        ('{{ company if company else "you" }}', set()),
        ("{% for item in items %}{{ item.price }} {{ currency }}{% endfor %}", {"currency"}),
        ("{{ company | default(name) }}", {"name"}),
    ],
)
def test_fields_that_would_leave_a_gap_are_found(source, expected):
    assert fields_without_default([source]) == expected


def test_another_tenants_templates_are_not_found(globex):
    add_template()
    connection.set_tenant(globex)
    with pytest.raises(NotFound):
        find_template_version(name="News")
