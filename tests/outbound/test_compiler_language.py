"""What the template language means to somebody who writes to contacts."""

import pytest

from outbound.compiler import MergeField, Tier, check
from outbound.compiler.content import Content
from tests.outbound.compiler_cast import TRACKING, body, compiled, mail, send


@pytest.fixture(params=list(Tier), ids=lambda tier: tier.name.lower())
def tier(request):
    return request.param


@pytest.mark.parametrize("missing", [None, ""])
def test_a_default_stands_in_for_nothing_and_for_an_empty_text(tier, missing):
    assert body('Hi {{ first_name|default("friend") }}!', tier=tier, first_name=missing) == "Hi friend!"
    assert body("Hi {{ first_name|default(last_name) }}!", tier=tier, first_name=missing, last_name="Li") == "Hi Li!"


def test_a_missing_value_shows_as_nothing_through_every_filter(tier):
    for name in ("upper", "lower", "title", "capitalize", "trim", "truncate(9)", "replace('a', 'b')", "first", "last",
                 "join", "round", "number", "date", "urlencode", "e", "string", "int|default('')"):  # fmt: skip
        assert body(f"[{{{{ x|{name} }}}}]", tier=tier, x=None) in ("[]", "[0]")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), (False, "false"), (None, ""), (3, "3"), (2.5, "2.5"), (["a", 1], "[&#34;a&#34;, 1]")],
)
def test_values_of_other_kinds_show_as_their_data(tier, value, shown):
    assert body("{{ x }}{% if x %}{% endif %}", tier=tier, x=value) == shown


@pytest.mark.parametrize(
    ("expression", "value", "shown"),
    [
        ("x|upper", "straße", "STRASSE"),
        ("x|title", "anna o'neil", "Anna O&#39;neil"),
        ("x|capitalize", "ANNA", "Anna"),
        ("x|trim", "  a ", "a"),
        ("x|truncate(9)", "one two three", "one..."),
        ("x|truncate(length=20)", "short", "short"),
        ("x|truncate(8, true, '')", "one two three", "one two "),
        ("x|replace('-', ' ')", "a-b", "a b"),
        ("x|length", "abcd", "4"),
        ("x|length", ["a", "b"], "2"),
        ("x|join(' + ')", ["a", 1, None], "a + 1 + "),
        ("x|first", ["a", "b"], "a"),
        ("x|last", ["a", "b"], "b"),
        ("x|round(1)", 2.345, "2.3"),
        ("x|round", "2.5", "2"),
        ("x|number(2)", 1234567.5, "1,234,567.50"),
        ("x|number(2, ',', '.')", "1234.5", "1.234,50"),
        ("x|number", "no number", "no number"),
        ("x|date", "2026-11-21", "21.11.2026"),
        ("x|date('%A, %-d %B %Y')", "2026-11-01T10:00:00Z", "Sunday, 1 November 2026"),
        ("x|date", "someday", "someday"),
        ("x|e", "<b>", "&lt;b&gt;"),
        ("x|upper|e", "<b>", "&lt;B&gt;"),
        ("x|urlencode", "a b/c", "a%20b%2Fc"),
        ("x|int + 1", "41", "42"),
        ("x * 2 - 1", 4, "7"),
        ("x / 0", 4, ""),
        ("x % 3", 4, "1"),
        ("x + 1", None, ""),
        ("x + 1", "text", "text1"),
        ("'a' ~ x ~ 1", "b", "ab1"),
        ("x.name", {"name": "n"}, "n"),
        ("x['name']", {"name": "n"}, "n"),
        ("x.items", {"items": "mine"}, "mine"),
        ("x.a.b.c", {"a": None}, ""),
        ("x[0]", ["first"], "first"),
        ("x[9]", ["first"], ""),
        ("'yes' if x else 'no'", True, "yes"),
        ("'yes' if x", False, ""),
        ("x or 'none'", "", "none"),
        ("x and 'some'", "a", "some"),
        ("x|sort|join", ["b", "A", 10, 9], "9, 10, A, b"),
        ("x|unique|join", ["b", "b", "a"], "b, a"),
        ("x|sum('price')", [{"price": 1}, {"price": "2.5"}, {}], "3.5"),
        ("x|map('n')|join", [{"n": 1}, {"n": 2}], "1, 2"),
        ("x|max", [1, "7", None], "7"),
    ],
)
def test_an_expression_shows(tier, expression, value, shown):
    assert body(f"{{{{ {expression} }}}}", tier=tier, x=value) == shown


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ("x", "a", True), ("x", "", False), ("x", None, False), ("x", False, False), ("x", [], False), ("x", 0, False),
        ("not x", None, True),
        ("x == 'pro'", "pro", True), ("x == 'pro'", None, False), ("x != 'pro'", None, True),
        ("x == ''", None, True), ("x == none", None, True),
        ("x == 10", 10, True), ("x == 10", "10", True), ("x == 10", "10.0", True), ("x == 10", None, False),
        ("x == true", True, True), ("x == true", "true", True), ("x == 1", True, True),
        ("x > 100", 150, True), ("x > 100", "150", True), ("x > 100", None, False), ("x > 100", "many", False),
        ("x < 100", None, False), ("x <= 5", 5, True), ("x >= 5", "4.9", False), ("1 < x < 3", 2, True), ("1 < x < 3", 3, False),
        ("x > '2026-01-01'", "2026-11-21", True),
        ("x in ['DE', 'AT']", "DE", True), ("x in ['DE', 'AT']", None, False), ("x not in ['DE']", None, True),
        ("'vip' in x", ["vip", "new"], True), ("'vip' in x", None, False), ("'a' in x", "cat", True),
        ("x is defined", "a", True), ("x is defined", None, False), ("x is none", None, True), ("x is not none", "a", True),
        ("x is odd", 3, True), ("x is divisibleby(3)", "9", True), ("x is number", 3, True), ("x is string", 3, False),
        ("x and y", "a", False), ("x or y", "a", True), ("not (x and y)", "a", True),
    ],
)  # fmt: skip
def test_a_condition_holds(tier, test, value, holds):
    assert body(f"{{% if {test} %}}yes{{% else %}}no{{% endif %}}", tier=tier, x=value) == ("yes" if holds else "no")


def test_conditions_nest_and_have_several_branches(tier):
    html = "{% if a %}{% if b == 'x' %}ax{% elif b %}a{{ b }}{% endif %}{% elif c > 1 %}c{% else %}none{% endif %}."
    assert body(html, tier=tier, a=1, b="x") == "ax."
    assert body(html, tier=tier, a=1, b="<") == "a&lt;."
    assert body(html, tier=tier, a=1) == "."
    assert body(html, tier=tier, c=2) == "c."
    assert body(html, tier=tier) == "none."


def test_loops_go_through_lists_and_have_an_else():
    html = "{% for x in items %}{{ loop.index }}/{{ loop.length }}:{{ x.n }};{% else %}none{% endfor %}"
    assert body(html, items=[{"n": "<"}, {"n": None}]) == "1/2:&lt;;2/2:;"
    for nothing in (None, [], "text", 7):
        assert body(html, items=nothing) == "none"
    assert body("{% for k, v in x|items %}{{ k }}={{ v }} {% endfor %}", x={"a": 1, "b": 2}) == "a=1 b=2 "
    assert body("{% for n in range(3) %}{{ n }}{% endfor %}") == "012"


def test_a_macro_cannot_smuggle_markup_in_from_a_contact():
    html = "{% macro bold(x) %}<b>{{ x }}</b>{% endmacro %}{{ bold(name) }}"
    assert body(html, name="<i>") == "<b>&lt;i&gt;</b>"


def test_white_space_control_works_as_in_jinja(tier):
    assert body("a  {{- x -}}  b{# gone #}{% raw %}{{ x }}{% endraw %}", tier=tier, x="1") == "a1b{{ x }}"


def test_placeholders_of_other_systems_come_through_untouched(tier):
    html = "[[HEADLINE]] *|FNAME|* %name% <%asm_url%> {single} $user ${user} [Sender]"
    assert body(html, tier=tier) == html


def test_the_address_and_the_date_are_there_without_being_fields(tier):
    made = mail("{{ email }} {{ message_date }} {{ message_date.year }} {{ message_date|date('%-d %b') }}", tier=tier)
    assert made.html == "ann@b.example 2026-11-21 2026 21 Nov\n"
    assert compiled("{{ email }}{{ message_date }}{{ unsubscribe_url }}").fields == ()


def test_the_unsubscribe_address_is_each_recipients_own(tier):
    message = compiled("<a href='{{ unsubscribe_url }}'>x</a>{% if unsubscribe_url %}!{% endif %}", tier=tier)
    first, second = send(message, position=1).html, send(message, position=2).html
    assert first.startswith(f"<a href='{TRACKING}/u/")
    assert first != second
    assert first.endswith("</a>!\n")


def test_fields_are_listed_once_in_the_order_of_reading_with_what_they_must_be():
    content = Content(
        "{{ first_name }} {{ subject_word }}",
        "{{ plan }}{% if plan == 'a' %}{% endif %}{{ city|default(region) }}{% if vip %}{% endif %}"
        "{% if points > 3 %}{% endif %}{{ points }}{% for x in cart %}{{ x.n }}{% endfor %}{{ company.name }}"
        "{% if first_name %}{% endif %}{{ n + 1 }}{{ tags|length }}{% if email %}{% endif %}",
        text="{{ last_name|upper }}",
    )
    assert check(content).fields == (
        MergeField("first_name", "text"),
        MergeField("subject_word", "text"),
        MergeField("last_name", "text"),
        MergeField("plan", "text"),
        MergeField("city", "text"),
        MergeField("region", "text"),
        MergeField("vip", "json"),
        MergeField("points", "json"),
        MergeField("cart", "json"),
        MergeField("company", "json"),
        MergeField("n", "json"),
        MergeField("tags", "json"),
    )


def test_a_subject_is_filled_too_and_tidied():
    assert mail("x", subject="Hi {{ n|default('you') }}", n="Zoë").subject == "Hi Zoë"
    assert mail("x", subject="  {{ n }}  sale \n", n="a\r\nBcc: x@y.z").subject == "a Bcc: x@y.z sale"
    assert mail("x", subject="{% for t in tags %}{{ t }} {% endfor %}", tags=["a", "b"]).subject == "a b"
    assert mail("x", subject="{% if n %}{{ n }}{% else %}nobody{% endif %}").subject == "nobody"
    assert mail("x", subject="=?utf-8?q?{{ n }}?=", n="=0D=0ABcc:_x").subject == "=?utf-8?q?=0D=0ABcc:_x?="


def test_the_text_part_is_not_escaped():
    assert mail("<b>x</b>", text="{{ n }} & <b>", n="<i> & 'x'").text == "<i> & 'x' & <b>\n"


def test_a_message_may_have_a_text_part_only():
    made = mail(text="Hello {{ n }}", n="Ünal")
    assert made.message.get_content_type() == "text/plain"
    assert made.text == "Hello Ünal\n"
    assert list(made.message.keys())[-3:] == ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]


def test_a_field_may_be_called_like_a_word_of_python(tier):
    assert (
        body("{{ class }}{{ def }}{{ k0 }}{{ v0 }}{{ t }}{{ join }}{{ import }}", tier=tier, **{"class": "a", "t": "b"})
        == "ab"
    )
    assert body("{{ Größe }}", tier=tier, Größe="L") == "L"
