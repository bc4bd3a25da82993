"""What costs much to read as a template is refused before it is read."""

import pytest

from outbound.compiler import TemplateFault
from outbound.compiler.language import PLAIN_TEXT
from outbound.mime.outline import MOST_IN_TAGS, MOST_TAGS, check_outline
from outbound.mime.personalizing import personalized
from outbound.submission.types import Door, Mailbox, Submission


def refused(source: str, part: str = "text") -> TemplateFault:
    with pytest.raises(TemplateFault) as raised:
        check_outline(part, source)
    return raised.value


@pytest.fixture
def longest_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what Jinja's lexer was given."""
    lengths: list[int] = []
    lexer, read = PLAIN_TEXT.lexer, PLAIN_TEXT.lexer.tokeniter

    def watched(source: str, name: str | None) -> object:
        lengths.append(len(source))
        return read(source, name)

    monkeypatch.setattr(lexer, "tokeniter", watched)
    return lengths


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{" * 250_000, "never closed"),
        ("{{ a " * 100_000, "never closed"),
        ("{# " * 100_000, "never closed"),
        ("{% raw %}" * 50_000, "never closed"),
        ("{{ a }}" * 70_000, "at most 1,000 tags"),
        ("{{ a" + "|upper" * 80_000 + " }}", "at most 8000 characters"),
        (("{{ a" + "|upper" * 1_300 + " }}") * 60, "64,000 characters together"),
    ],
    ids=["openers", "names", "comments", "raw", "tags", "one tag", "long tags"],
)
def test_half_a_megabyte_of_braces_is_refused_unread(longest_read: list[int], source: str, words: str) -> None:
    submission = Submission(Door.RELAY, (Mailbox("a@b.example"),), "Hi", text=source, variables={"a": 1})
    with pytest.raises(TemplateFault, match=words) as raised:
        personalized(submission)
    assert raised.value.field == "text"
    assert max(longest_read, default=0) <= 100


def test_a_fault_has_its_place_whatever_the_line_ends_are() -> None:
    fault = refused("a\r\nb\rcd {{ x")
    assert (fault.part, fault.line, fault.column) == ("text", 3, 4)
    assert (refused("a {{#each b", "html").message) == (
        "{{#each}} belongs to Handlebars: write {% for item in b %} … {% endfor %}."
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "no tags, } or { or }} either",
        "{{ a }}" * MOST_TAGS,
        '{{ "}}" }} {{ "}} {{" }}',
        "{%- raw -%} {{ {% {# {%- endraw -%} {{ a }}",
        "{# {{ {% #}" + "{# " + "long " * MOST_IN_TAGS + "#}",
        "{% raw %}" + "{{ " * MOST_IN_TAGS + "{% endraw %}",
    ],
    ids=["nothing", "text", "as many as may be", "in quotes", "raw", "comments", "long raw"],
)
def test_whatever_can_be_read_is_let_through(source: str) -> None:
    check_outline("text", source)
