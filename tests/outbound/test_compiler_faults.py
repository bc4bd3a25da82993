"""What an author is told when something is wrong, and where."""

import pytest

from common.errors import InvalidInput
from outbound.compiler import Content, TemplateFault, check


def fault(html: str, **parts: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        check(Content(parts.pop("subject", "News"), html, **parts))
    return caught.value


@pytest.mark.parametrize(
    ("html", "line", "column", "words"),
    [
        ("<p>\n  {% if vip %}x</p>", 2, 3, "{% if %} opened here is never closed: add {% endif %}"),
        ("a {% for x in y %}b", 1, 3, "{% for %} opened here is never closed: add {% endfor %}"),
        ("a\n{% endif %}", 2, 1, "{% endif %} closes nothing"),
        ("{% if a %}\n{% for x in y %}{% endif %}", 2, 17, "{% for %} of line 2 must be closed before this"),
        ("a {% else %}", 1, 3, "{% else %} stands outside of {% if %}"),
        ("{% for x in y %}{% elif z %}{% endfor %}", 1, 17, "{% elif %} stands outside"),
        ("one {{ name", 1, 5, "{{ opened here is never closed: add }}"),
        ("one {{ name }\ntwo {{ city }}", 1, 5, "{{ opened here is never closed"),
        ("one {% if x }}", 1, 5, "{% opened here is never closed: add %}"),
        ("one {# note", 1, 5, "{# opened here is never closed: add #}"),
        ("{% raw %}x", 1, 1, "{% raw %} opened here is never closed"),
        ("x {{ name|uper }}", 1, 11, "no filter “uper”. Did you mean “upper”"),
        ("x {{ name|safe }}", 1, 11, "“safe” cannot be used"),
        ("{{ a }} {% if a is definde %}{% endif %}", 1, 20, "no test “is definde”"),
        ("x\n{% iff a %}{% endif %}", 2, 1, "no {% iff %} tag. Did you mean {% if %}"),
        ("{% include 'x' %}", 1, 1, "{% include %} cannot be used"),
        ("{% autoescape false %}{% endautoescape %}", 1, 1, "cannot be used"),
        ("{% elseif a %}", 1, 1, "Did you mean {% elif %}"),
        ("a {{ }} b", 1, 3, "nothing between the braces"),
        ("{{ name.upper() }}", 1, 9, "Nothing can be called on a value, as in .upper(). Use a filter: … | upper"),
        ("{{ lookup('x') }}", 1, 4, "no function lookup()"),
        ("{{ x|truncate(1, 2, 3, 4, 5) }}", 1, 6, "“truncate” does not take these arguments"),
        ("{{ x|truncate(size=3) }}", 1, 6, "“truncate” does not take these arguments"),
        ("{{ x.__class__ }}", 1, 6, "underscore"),
        ("{{ first name }}", 1, 1, "shows one field; after “first” nothing else is expected"),
        ("a\n b {{ Button-Name }}", 2, 7, "like Button_Name"),
        ("{{ x ** 9 }}", 1, 6, "Powers"),
        ("{{ a ! b }}", 1, 6, "! cannot stand here, within {{ … }}"),
        ("{{ a) }}", 1, 5, ") cannot stand here"),
        ("{{ 'open }}", 1, 4, "cannot stand here"),
        ("x {% for a b in c %}{% endfor %}", 1, 3, "{% for %} is not complete"),
        ("x {% if %}{% endif %}", 1, 3, "{% if %} is not complete"),
        ("x {% set a %}", 1, 3, "{% set %} opened here is never closed"),
        ("{% for x in y recursive %}{% endfor %}", 1, 15, "recursive"),
        ("{{ self }}", 1, 1, "is not the name of a field"),
        ("{{ f(1) }}{% macro f(x) %}{% endmacro %}", 1, 4, "used before"),
        ("{{ " + "9" * 5000 + " }}", 1, 1, "too long"),
    ],
)
def test_a_fault_is_shown_at_its_place(html, line, column, words):
    found = fault(html)
    assert words in found.message
    assert (found.part, found.line, found.column) == ("html", line, column)


@pytest.mark.parametrize(
    ("html", "advice"),
    [
        ("{{#if vip}}a{{/if}}", "{% if vip %} … {% endif %}"),
        ("{{#unless vip}}", "{% if not vip %}"),
        ("{{#each items}}", "{% for item in items %} … {% endfor %}"),
        ("a {{/if}}", "{% endif %}"),
        ("a {{/each}}", "{% endfor %}"),
        ("{{else}}", "{% else %}"),
        ("{{ else if french }}", "{% elif french %}"),
        ("{{> header}}", "Partials"),
        ("{{! note }}", "{# … #}"),
        ("{{{ name }}}", "{{ name }}"),
        ("{{../name}}", "the field's own name"),
        ("{{this.price}}", "the field's own name"),
        ("{{@index}}", "the field's own name"),
        ("{{&name}}", "Handlebars"),
    ],
)
def test_handlebars_is_answered_with_what_to_write_instead(html, advice):
    found = fault("text " + html)
    assert advice in found.message
    assert found.column == html.index("{{") + 6
    assert found.excerpt.startswith("{{")


@pytest.mark.parametrize("part", ["subject", "text", "preheader"])
def test_the_part_is_named(part):
    found = fault("<p>x</p>", **{part: "one\ntwo {{ name|nope }}"})
    assert (found.part, found.field, found.line, found.column) == (part, part, 2, 13)
    assert found.excerpt == "nope }}"


def test_a_fault_is_an_invalid_input_for_every_door():
    assert isinstance(fault("{{"), InvalidInput)
    assert fault("{{").code == "template_fault"


@pytest.mark.parametrize(
    "html",
    [
        "<{{ tag }}>x",
        "<p{{ tag }}>x",
        "<p {{ attributes }}>x",
        "<p {% if a %}{{ attributes }}{% endif %}>x",
        "<p class={{ name }}>x",
        "<a href={{ url }}>x</a>",
        "x</{{ tag }}>",
        "x</d{{ tag }}>",
        "<!{{ x }}>",
        "<?{{ x }}>",
        "<script>var a = {{ a }}</script>",
        "<p onclick='{{ a }}'>",
        "<p title='x' {{ a }}",
    ],
)
def test_a_field_may_not_stand_where_its_value_could_become_markup(html):
    found = fault("<b>\n" + html)
    assert found.line == 2
    assert any(word in found.message for word in ("tag", "quotation marks", "script"))


@pytest.mark.parametrize(
    "html",
    [
        "<p class='{{ a }} b' title=\"{{ c }}\">{{ d }}</p>",
        "<!-- {{ a }} --><!--[if mso]>{{ b }}<![endif]-->",
        "<style>a { color: {{ color }} }</style><title>{{ t }}</title>",
        "<td {% if a %}class='x'{% endif %} {# note #}>",
        "a < {{ b }} > c <{% if a %}b{% endif %}",
    ],
)
def test_a_field_may_stand_where_its_value_stays_text(html):
    assert check(Content("x", html))


@pytest.mark.parametrize(
    ("href", "words"),
    [
        ("javascript:alert(1)", "javascript:"),
        ("JaVa&#x53;cript:alert(1)", "javascript:"),
        (" java\tscript:x", "javascript:"),
        ("data:text/html,x", "data:"),
        ("vbscript:x", "vbscript:"),
        ("https://user@evil.example/", "before its host"),
        ("https://user:pw@evil.example/", "before its host"),
        ("https://good.example\\@evil.example/", "backslashes"),
        ("https://good.example/a&#10;b", "line breaks"),
        ("https://good.example/a\nb", "line breaks"),
        ("https://good.example/a&#13;b", "line breaks"),
        ("https:///path", "no host"),
        ("https:good.example", "no host"),
        ("http://", "no host"),
        ("https://a b.example/", "cannot be a host"),
    ],
)
def test_an_unsafe_link_is_refused_when_it_is_written(href, words):
    found = fault(f'<p>\n\n<a class="x" href="{href}">x</a>')
    assert words in found.message
    assert (found.line, found.column) == (3, 20)


def test_an_unsafe_link_in_the_text_part_is_refused_too():
    assert "before its host" in fault("<p>x</p>", text="see https://user@evil.example/").message


def test_an_empty_message_is_refused():
    assert "nothing to send" in fault("  \n").message


def test_a_very_long_part_is_refused():
    assert "512 KB" in fault("ü" * 300_000).message


def test_too_many_tags_are_refused():
    assert "at most 5000 tags" in fault("{{ a }}" * 5_001).message


def test_too_deep_nesting_is_refused():
    assert "15 deep" in fault("{% if a %}" * 40 + "{% endif %}" * 40).message
    assert fault("{{ " + "(" * 3000 + "a" + ")" * 3000 + " }}").message
    assert fault("{{ a" + "|upper" * 2000 + " }}").message


def test_warnings_name_what_is_doubtful():
    found = check(Content("", '<p>\n<a href="facebook.com">f</a> <a href="/x">x</a> <a href="{{ url }}">u</a></p>'))
    text = "\n".join(found.warnings)
    assert "The link facebook.com (line 2 of the html) has no https://" in text
    assert "The link /x (line 2" in text
    assert "The link {{ url }} (line 2 of the html) is not tracked" in text
    assert "no unsubscribe link" in text
    assert "The subject is empty." in text


def test_good_content_has_no_warnings():
    assert check(Content("Hi", '<p>x <a href="{{ unsubscribe_url }}">no more</a></p>')).warnings == ()
    assert check(Content("Hi", "<p>x</p>", text="{{ unsubscribe_url }}")).warnings == ()


def test_a_page_that_gmail_would_cut_is_warned_about():
    assert "102 KB" in "".join(check(Content("Hi", "x" * 110_000)).warnings)
