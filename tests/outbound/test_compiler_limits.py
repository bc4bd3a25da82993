"""A template comes from a customer: it may not run on, blow up, or look around."""

import pytest

from outbound.compiler import Content, RenderFault, TemplateFault, check
from outbound.compiler.markup import tokens
from tests.outbound.compiler_cast import body, compiled, send

DOUBLING = "{% set x0 = name %}" + "".join(f"{{% set x{n + 1} = x{n} ~ x{n} %}}" for n in range(60)) + "{{ x60 }}"


@pytest.mark.parametrize(
    "html",
    [
        "{% for a in range(5000) %}{% for b in range(5000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000000) %}x{% endfor %}",
        "{% for a in range(2000) %}" + "x" * 5000 + "{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro a() %}xxxxxxxxxx{% endmacro %}"
        + "".join(f"{{% macro b{n} () %}}{{{{ {f'b{n - 1}' if n else 'a'}() * 1 }}}}{{{{ {f'b{n - 1}' if n else 'a'}() }}}}"
                  f"{{{{ {f'b{n - 1}' if n else 'a'}() }}}}{{% endmacro %}}" for n in range(14))
        + "{{ b13() }}",
        "{{ range('a', 'b', 'c', 'd')|join }}",
    ],
    ids=["nested loops", "long range", "much text", "recursion", "macros of macros", "wrong range"],
)  # fmt: skip
def test_a_template_that_runs_on_is_stopped_when_it_is_checked(html):
    with pytest.raises(RenderFault):
        check(Content("x", html))


def test_a_template_that_runs_on_with_somebodys_data_fails_for_them_only():
    message = compiled("{% for x in items %}{% for y in items %}{{ y }}{% endfor %}{% endfor %}")
    assert send(message, items=["a"] * 3).html == "a" * 9 + "\n"
    with pytest.raises(RenderFault, match="10,000 times"):
        send(message, items=["a"] * 200)
    assert send(message, items=["b"]).html == "b\n"


@pytest.mark.parametrize(
    "html",
    [
        DOUBLING,
        "{% set ns = namespace(x=name) %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=name) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=9) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=name) %}{% for i in range(30) %}{% set ns.x = ns.x|replace('n', ns.x) %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}",
        "{{ 'x' * 1000000000 }}",
        "{{ '%1000000000d' % 7 }}",
        "{{ 1|number(1000000000) }}",
        "{{ 1|round(1000000000) }}",
        "{{ message_date|date('%1000000000Y') }}",
        "{{ name|truncate(1000000000) }}",
        "{{ range(9999)|join(name|replace('n', 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn')) }}",
    ],
)
def test_what_would_fill_the_memory_stays_small(html):
    assert len(body(html, name="ann")) < 300_000


@pytest.mark.parametrize(
    "expression",
    [
        "x['__class__']",
        "x|first|map('__class__')",
        "x|map('__class__')|join",
        "namespace(a=1)['__dict__']",
        "range['__globals__']",
        "x|sum('__class__')",
        "x|sort(attribute='__class__')",
        "loop",
        "message_date.fromtimestamp",
        "message_date['__class__']",
        "name.format",
        "name.join",
        "x.append",
        "x.items",
        "range.mro",
        "namespace.mro",
    ],
)
def test_nothing_of_python_can_be_reached(expression):
    shown = body(f"{{{{ {expression} }}}}", x=["a", {"b": 1}], name="ann")
    for word in ("class", "object", "method", "function", "module", "dict", "&lt;"):
        assert word not in shown


@pytest.mark.parametrize(
    "html",
    [
        "{{ x.__class__ }}",
        "{{ x|attr('__class__') }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ _budget }}",
        "{{ x.append(1) }}",
        "{{ cycler(1) }}",
        "{{ lipsum(9) }}",
        "{{ dict(a=1) }}",
        "{{ joiner() }}",
        "{{ range.__init__() }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ x|pprint }}",
        "{{ x|tojson }}",
        "{{ x|_each }}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% do x.append(1) %}",
        "{{ x() }}",
        "{{ x[0]() }}",
        "{{ (x or y)() }}",
    ],
)
def test_what_tries_to_look_around_is_refused_when_it_is_written(html):
    with pytest.raises(TemplateFault):
        check(Content("x", html))


def test_filters_of_the_compilers_own_cannot_be_named():
    for name in ("_eq", "_concat", "_each"):
        with pytest.raises(TemplateFault):
            check(Content("x", f"{{{{ x|{name}(1) }}}}"))


@pytest.mark.parametrize(
    "page",
    [
        "<" * 200_000, "<!--" * 50_000, "<a " * 60_000, "<a href='" * 30_000, "</" * 100_000, "<!" * 100_000,
        "<script>" * 30_000, "<a b=" * 40_000, "<a " + "b " * 100_000, "&" * 200_000, "<p " + " " * 200_000,
        "<style></" * 30_000, "<![if" * 50_000, '<a href="' + "a" * 200_000 + '">', "<a/" * 60_000,
    ],
    ids=range(15),
)  # fmt: skip
def test_hostile_html_is_read_in_one_pass_and_without_gaps(page):
    at = 0
    for token in tokens(page):
        assert token.start == at
        at = token.end
    assert at == len(page)


def test_a_long_page_in_one_line_is_compiled_like_any_other():
    message = compiled("<p>{{ name }} word</p>" * 1_500)
    assert send(message, name="ann").html.count("ann word") == 1_500


def test_many_branches_need_no_deep_python():
    html = "{% if c == '0' %}0" + "".join(f"{{% elif c == '{n}' %}}{n}" for n in range(1, 150)) + "{% endif %}"
    assert body(html, c="149") == "149"
    assert body(html, c="x") == ""
