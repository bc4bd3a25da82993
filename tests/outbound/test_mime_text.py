"""Every text arrives as it was written, and a page becomes a text that can be read."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.compiler.marks import clean
from outbound.mime.pages import text_of_html
from outbound.mime.printable import cleaned, printable
from tests.outbound.mime_cast import posted

PIECES = [
    "a", "B7", " ", "  ", "\t", "\n", "\r\n", ".", "..", "=", "ü", "😀", "From ", "<b>", "&amp;", "x" * 75, "é" * 30, "-", "--=_a",
    "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "\ufdd0", "{{ x }}", "{% y %}", "{#", "=?utf-8?q?x?=", "." * 80, "=3D",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=40).map("".join)


@settings(deadline=None, max_examples=150)
@given(text=TEXTS, html=TEXTS)
def test_every_text_and_page_arrive(text, html):
    made = posted(text=f"T{text}", html=f"<p>{html}")
    assert made.text.removesuffix("\n") == clean(f"T{text}").removesuffix("\n")
    assert made.html.removesuffix("\n") == clean(f"<p>{html}").removesuffix("\n")


@settings(deadline=None, max_examples=300)
@given(text=TEXTS)
def test_no_line_is_long_or_touched_on_its_way(text):
    coded = printable(cleaned(text))
    assert coded.isascii()
    for line in coded.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"\n" not in line


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "." * 100_000,
        "😀" * 25_000,
        "word " * 20_000,
        " " * 100_000 + "x",
        "\t" * 10_000 + "x",
        "From " * 20_000,
        "no line end",
        "\n.\n.\n",
        "\n" * 5_000 + "x",
        "=" * 10_000,
        "a\rb\r\nc\n",
    ],
    ids=lambda text: text[:12] + str(len(text)),
)
def test_long_and_odd_texts_arrive(text):
    made = posted(text=text, html=f"<pre>{text}</pre>")
    assert made.text.removesuffix("\n") == clean(text).removesuffix("\n")
    assert made.html == clean(f"<pre>{text}</pre>\n")


def test_what_no_mail_can_carry_is_replaced():
    assert posted(text="a\x00b\x1b[2J\ud800\ufdd0c").text == "a\ufffdb\ufffd[2J\ufffd\ufffdc\n"


@pytest.mark.parametrize(
    "text", ["a\u00a0b", "a\u2028b", "a\x85b", "a\nb", "a\r\nb", "tab\t", "", "\x7f", "\ufdd5", "\ud800"]
)
def test_cleaning_is_that_of_campaigns(text):
    assert cleaned(text) == clean(text)


def test_a_page_becomes_a_text():
    page = (
        "<html><head><title>no</title><style>p{}</style></head><body><h1>Hello  Ann</h1><p>Your <b>order</b> &amp; more"
        '</p><ul><li>one<li>two</ul><a href="https://a.example/x">track it</a><script>no()</script></body></html>'
    )
    assert text_of_html(page) == "Hello Ann\n\nYour order & more\n\n- one\n- two\n\ntrack it (https://a.example/x)\n"
    assert posted(text="", html=page).text == text_of_html(page)


def test_braces_of_a_page_mean_nothing():
    page = '<p>{{ secret }} {% if x %} {# note #} &#123;&#123; 7 * 7 }} { "{" } {{ "{" }}</p><a href="https://a.example/{id}">x</a>'
    made = posted(text="", html=page)
    assert made.html == page + "\n"
    assert (
        made.text == '{{ secret }} {% if x %} {# note #} {{ 7 * 7 }} { "{" } {{ "{" }}\n\nx (https://a.example/{id})\n'
    )
    assert posted(text="{{ 7 * 7 }}{% raw %}", html="", track_clicks=True).text == "{{ 7 * 7 }}{% raw %}\n"


def test_a_page_without_words_has_no_text_beside_it():
    assert posted(text="", html='<img src="https://a.example/x.png">').shape == "html"
    assert posted(text=" \n", html="<p>words</p>").text == "words\n"


@pytest.mark.parametrize(
    "page",
    [
        "<" * 300_000,
        "<b>" * 150_000,
        "<a href=" * 40_000,
        "&" * 300_000,
        "<!--" * 80_000,
        "x" * 3_000_000,
        "<ul><li>" * 30_000,
        "<UL><LI>" * 30_000,
        '<p style="' + " " * 300_000,
    ],
    ids=lambda page: page[:10],
)
def test_a_hostile_page_is_sent_and_costs_little(page):
    made = posted(text="", html="<p>" + page, track_clicks=True, track_opens=True)
    assert re.sub(r"<img src=[^>]+>", "", made.html) in ("<p>" + page + "\n", "<p>" + page)


def test_a_hostile_text_is_tracked_in_bounded_time():
    text = "see https://a.example/" + ")]" * 100_000
    assert posted(text=text, track_clicks=True).text == text + "\n"
    assert "/c/" in posted(text="see https://a.example/x" + ")" * 100, track_clicks=True).text
