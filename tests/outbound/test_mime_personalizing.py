"""Subject, page and text filled from the variables of one message."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import InvalidInput
from outbound.compiler import TemplateFault
from outbound.mime.personalizing import personalized
from outbound.submission.types import Door, Mailbox, Submission


def filled(variables: dict[str, Any] | None, **parts: Any) -> Submission:
    parts = {"subject": "", **parts}
    return personalized(Submission(door=Door.RELAY, to=(Mailbox("ann@b.example"),), variables=variables, **parts))


def test_variables_stand_in_subject_page_and_text():
    made = filled(
        {"first_name": "Ann", "order": {"items": [{"name": "tea"}, {"name": "milk"}]}},
        subject="Hello {{first_name}}",
        html="<p>{{first_name}}</p>{% for item in order.items %}<li>{{ item.name }}</li>{% endfor %}",
        text="{{ first_name|upper }}",
    )
    assert made.subject == "Hello Ann"
    assert made.html.removesuffix("\n") == "<p>Ann</p><li>tea</li><li>milk</li>"
    assert made.text == "ANN"


def test_without_variables_nothing_is_a_template():
    parts = {"subject": "{{ a }}", "html": "{% if %}<a href={{ x }}>", "text": "{{{{"}
    made = filled(None, **parts)
    assert (made.subject, made.html, made.text) == tuple(parts.values())


def test_what_is_not_known_is_nothing_or_its_default():
    made = filled(
        {},
        subject="{{ first_name }}!",
        text='{{ first_name|default("you") }} {{ a.b.c }}{{ email }}{{ unsubscribe_url }}.',
    )
    assert made.subject == "!"
    assert made.text == "you ."


def test_a_value_is_text_in_a_page_and_no_template():
    made = filled({"name": "<script>\"&'{{ 7 * 7 }}"}, html='<p title="{{ name }}">{{ name }}</p>', text="{{ name }}")
    escaped = "&lt;script&gt;&#34;&amp;&#39;{{ 7 * 7 }}"
    assert made.html.removesuffix("\n") == f'<p title="{escaped}">{escaped}</p>'
    assert made.text == "<script>\"&'{{ 7 * 7 }}"
    assert personalized(made) is made


def test_names_that_campaigns_fill_are_the_callers_here():
    made = filled(
        {"email": "bob@b.example", "unsubscribe_url": "https://a.example/?a=1&b=2"},
        html='<a href="{{ unsubscribe_url }}">{{ email }}</a>',
        text="{{ unsubscribe_url }} {{ message_date }}",
        send_at=datetime(2026, 12, 24, 9, 0, tzinfo=UTC),
    )
    assert made.html.removesuffix("\n") == '<a href="https://a.example/?a=1&amp;b=2">bob@b.example</a>'
    assert made.text == "https://a.example/?a=1&b=2 2026-12-24"


def test_a_link_from_a_variable_leads_to_no_script():
    assert "javascript" not in filled({"url": "javascript:alert(1)"}, html='<a href="{{ url }}">x</a>').html


@pytest.mark.parametrize("part", ["subject", "html", "text"])
@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("Hello\n{{ name", 2, 1),
        ("Hello {{ name|nothing }}", 1, 15),
        ("a\nb {% if name %}", 2, 3),
        ("{{ ''.__class__ }}", 1, 7),
        ("{% include 'x' %}", 1, 1),
        ("{{ name.upper() }}", 1, 9),
    ],
)
def test_a_bad_template_is_refused_with_its_place(part, source, line, column):
    with pytest.raises(TemplateFault) as refused:
        filled({"name": "Ann"}, **{part: source})
    assert (refused.value.field, refused.value.line, refused.value.column) == (part, line, column)


@pytest.mark.parametrize(
    "html", ["<a href={{ name }}>", "<script>{{ name }}</script>", "<{{ name }}>", '<p onclick="{{ name }}">']
)
def test_a_field_stands_nowhere_where_it_could_become_markup(html):
    with pytest.raises(TemplateFault) as refused:
        filled({"name": "Ann"}, html=html)
    assert refused.value.field == "html"


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% for a in range(9000) %}{{ long }}{% endfor %}",
        "{{ range(99999) }}",
    ],
)
def test_a_template_that_runs_on_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        filled({"long": "x" * 10_000}, text=text)
    assert refused.value.field == "text"


@pytest.mark.parametrize(
    "html", ["{{ a }}" * 1_001, "{{ a }}" + "<ul><li>" * 30_000, "{{ a }}" + "x" * 600_000], ids=lambda html: html[7:20]
)
def test_a_template_that_takes_long_to_read_is_refused(html):
    with pytest.raises(TemplateFault) as refused:
        filled({"a": "x"}, html=html)
    assert refused.value.field == "html"


def test_a_text_that_doubles_itself_stays_small():
    doubling = "{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
    made = filled({"long": "x" * 10_000}, text="{% set n = namespace(x=long) %}" + doubling + "{{ n.x }}")
    assert len(made.text) < 1_000_000


def test_odd_variables_do_no_harm():
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    odd = {"a": deep, "b": 10**400, "c": float("nan"), "d": "\ud800\x00", "e": {"": None}, "1": 2, "_budget": 1, "": ""}
    made = filled(odd, text="{{ a|length }}{{ b }}{{ c }}{{ d }}{{ e }}")
    assert made.text == '1\ufffd\ufffd{"": null}'


def test_a_template_is_kept_and_its_values_are_not():
    html = "<p>{{ name }}</p>"
    assert filled({"name": "Ann"}, html=html).html != filled({"name": "Bob"}, html=html).html
