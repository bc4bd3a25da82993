"""Whichever tier makes it, it is the same mail, and the mail that plain Jinja would have made."""

import json
import os
import re
from pathlib import Path

import pytest
from jinja2 import ChainableUndefined, Environment

from outbound.compiler import Stamp, TemplateFault, Tier
from tests.outbound.compiler_cast import ACME, HOSTILE, TRACKING, compiled, mail, send

REPOSITORY = Path(__file__).parents[2]
OWN = sorted((REPOSITORY / "tests" / "data" / "templates").glob("*.html"))
# A larger collection of pages by other people, for those who have it.
COLLECTION = Path(os.environ.get("MAIL_TEMPLATES") or REPOSITORY.parent / "shared" / "data" / "templates")
EXPECTED = json.loads((COLLECTION / "expected.json").read_text()) if (COLLECTION / "expected.json").exists() else {}
PAGES = sorted(name for name in EXPECTED if name.startswith("html/"))

ORDER = {
    "items": [{"name": "Tea & <b>", "price": 3.5, "id": "a/b"}, {"name": "=\n.", "price": "1200"}],
    "currency": None,
}
DATA = {"order": ORDER, "tags": ["a", "<b>"], "points": 150, "plan": "gold"}


def tiers_of(html: str, stamp: Stamp = ACME) -> list[Tier]:
    natural = compiled(html, stamp=stamp).tier
    return [tier for tier in Tier if tier >= natural]


@pytest.mark.parametrize("page", OWN, ids=lambda page: page.stem)
def test_every_tier_makes_the_same_mail(page):
    html = page.read_text()
    messages = [
        compiled(html, stamp=ACME, tier=tier, subject="{{ first_name }}: {{ plan }}", preheader="{{ city }} & you")
        for tier in tiers_of(html)
    ]
    assert [message.tier for message in messages] == tiers_of(html)
    for value in HOSTILE:
        values = {field.name: DATA.get(field.name, value) for field in messages[0].fields}
        made = [send(message, **values) for message in messages]
        assert len({(one.text, one.html, one.subject, one.sender) for one in made}) == 1


@pytest.mark.parametrize(("page", "tier"), [("shop", Tier.SEGMENTS), ("receipt", Tier.JINJA), ("macros", Tier.FULL)])
def test_the_fastest_tier_that_can_do_it_is_chosen(page, tier):
    html = (REPOSITORY / "tests" / "data" / "templates" / f"{page}.html").read_text()
    message = compiled(html, stamp=ACME)
    assert message.tier is tier
    assert not [warning for warning in message.warnings if "slower" in warning]


@pytest.mark.parametrize("tier", list(Tier))
def test_a_page_arrives_as_plain_jinja_renders_it(tier):
    source = (
        '<p title="{{ name }}">Dear {{ name|default("friend") }},</p>\n{{ name }}{{ name }}  \n'
        "{% if name %}yes: {{ name|upper }}{% else %}no{% endif %}\n.{{ name }}.\n"
    )
    message = compiled(source, tier=tier)
    for value in HOSTILE:
        assert send(message, name=value).html == plain(source, name=value)


def plain(source: str, **values: object) -> str:
    """Jinja by itself, told only that nothing shows as nothing and what no mail can carry."""
    environment = Environment(autoescape=True, undefined=ChainableUndefined, keep_trailing_newline=True)
    environment.finalize = lambda value: "" if value is None else value
    environment.filters["href"] = lambda value: value
    environment.filters["default"] = lambda value, other: value or other
    environment.filters["upper"] = lambda value: (value or "").upper()
    rendered = environment.from_string(source).render(values).replace("\r\n", "\n").replace("\r", "\n")
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef]", "\ufffd", rendered)


def page_of(name: str) -> str:
    raw = (COLLECTION / name).read_bytes()
    charset = EXPECTED[name]["charset_actual"]
    return raw.decode("utf-16" if charset == "utf-16le" and EXPECTED[name]["bom"] else charset).removeprefix("\ufeff")


def in_our_language(page: str) -> str:
    """Handlebars' blocks taken out and its odd names made ours, so that links and layout can be compared."""
    page = re.sub(r"\{\{\s*(?:[#/^>]|else|this\.|\.\./)[^}]*\}\}", "", page)
    page = re.sub(r"\{\{\s*\w+ [^}]*\}\}", "{{ helper }}", page)
    return re.sub(r"\{\{\s*([\w.]+(?:-[\w]+)+)\s*\}\}", lambda found: "{{ " + found[1].replace("-", "_") + " }}", page)


@pytest.mark.skipif(not PAGES, reason="the collection of templates is not here")
class TestRealPages:
    @pytest.mark.parametrize("name", PAGES)
    def test_every_link_to_the_web_is_tracked_and_no_other(self, name):
        message = compiled(in_our_language(page_of(name)), stamp=ACME)
        assert len(message.links) == EXPECTED[name]["links"].get("http", 0)
        found = re.findall(rf"{re.escape(TRACKING)}/c/[A-Za-z0-9_-]{{32}}/(\d+)", send(message).html)
        assert [int(number) for number in found] == list(range(len(message.links)))

    @pytest.mark.parametrize("name", PAGES)
    def test_a_page_without_tracking_arrives_as_it_was_written(self, name):
        page = in_our_language(page_of(name)).replace("\r\n", "\n").replace("\r", "\n")
        page = page.replace("</body>", "<p>{{ first_name }} of {{ company|default('x') }}</p></body>")
        made = mail(page, first_name="Zoë <b>", company=None)
        as_sent = plain(page, first_name="Zoë <b>")
        assert same_but_for_charset(made.html.rstrip("\n"), as_sent.rstrip("\n"))

    @pytest.mark.parametrize("name", PAGES)
    def test_every_tier_makes_the_same_mail_of_it(self, name):
        page = in_our_language(page_of(name)).replace("</body>", "<p>{{ a }} and {{ b|upper }}</p></body>")
        for value in (None, 'Zoë "O\'N" <b>\r\n.\r\n' + "long " * 50):
            mails = [mail(page, stamp=ACME, tier=tier, a=value, b=value) for tier in Tier]
            assert mails[0].html == mails[1].html == mails[2].html
            assert mails[0].text == mails[1].text == mails[2].text

    @pytest.mark.parametrize("name", PAGES)
    def test_conditional_comments_and_media_queries_survive(self, name):
        html = mail(in_our_language(page_of(name)), stamp=ACME).html
        assert html.count("@media") == page_of(name).count("@media")
        assert html.count("<!--[if") == page_of(name).count("<!--[if")
        assert html.count("<v:") == page_of(name).count("<v:")

    def test_handlebars_is_refused_with_advice(self):
        refused = [name for name in PAGES if "{{#" in page_of(name)]
        assert refused
        for name in refused:
            with pytest.raises(TemplateFault, match="Handlebars"):
                compiled(page_of(name))


def same_but_for_charset(ours: str, theirs: str) -> bool:
    def neutral(page: str) -> str:
        return re.sub(r"(charset\s*=\s*[\"']?)[\w-]+", r"\1x", page)

    return neutral(ours) == neutral(theirs)
