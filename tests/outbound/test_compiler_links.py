"""Which links are tracked, under which number, and that nothing else of a page moves."""

import re
from dataclasses import replace

import pytest

from common.errors import InvalidInput
from outbound.compiler import Content, Link, check, compile_message, fill_link
from tests.outbound.compiler_cast import ACME, KEYS, PLAIN, TRACKING, body, compiled, mail, send

CLICKS = replace(ACME, track_opens=False)


def links(html: str, **parts: str) -> list[str]:
    return [link.url for link in check(Content("x", html, **parts)).links]


def tracked(number: int, position: int = 0) -> str:
    return f"{TRACKING}/c/{KEYS.mint(1, 42, position).decode()}/{number}"


def test_a_web_link_becomes_token_and_number_and_the_rest_stays():
    html = "<p CLASS='x'><a  class=a HREF = 'https://shop.example/a?b=1&amp;c=2' >Sh\u00f6p</a\n><area href=https://x.example></p>"
    message = compiled(html, stamp=CLICKS)
    assert [link.url for link in message.links] == ["https://shop.example/a?b=1&c=2", "https://x.example"]
    assert (
        send(message, position=9).html
        == html.replace("https://shop.example/a?b=1&amp;c=2", tracked(0, 9)).replace("https://x.example", tracked(1, 9))
        + "\n"
    )


def test_the_same_address_twice_has_two_numbers():
    assert links("<a href='https://a.example'>1</a><a href='https://a.example'>2</a>") == ["https://a.example"] * 2


@pytest.mark.parametrize(
    "href",
    ["mailto:a@b.example", "tel:+1", "sms:+1", "#top", "", "cid:logo", "whatsapp://send", "/relative", "a.html",
     "facebook.com", "//cdn.example/x", "[Unsubscribe]", "*|UNSUB|*", "[[LINK]]", "%link%", "https://[[HOST]]/x",
     "https://*|DOMAIN|*/x", "<%url%>"],
)  # fmt: skip
def test_other_links_are_left_alone(href):
    html = f'<a href="{href}">x</a>'
    assert body(html, stamp=CLICKS) == html
    assert links(html) == []


@pytest.mark.parametrize(
    "html",
    [
        '<link href="https://fonts.example/x.css">',
        '<!--[if mso]><a href="https://a.example">x</a><v:rect href="https://a.example"/><![endif]-->',
        "<script>var a = '<a href=\"https://a.example\">';</script>",
        '<style>/* <a href="https://a.example"> */</style>',
        '<title><a href="https://a.example"></title>',
        '<img src="https://a.example/x.png"><v:oval href="https://a.example"></v:oval>',
        '<button href="https://a.example">Inky</button>',
        "<p title=\"<a href='https://a.example'>\">x</p>",
    ],
)
def test_what_only_looks_like_a_link_is_none(html):
    assert body(html, stamp=CLICKS) == html
    assert links(html) == []


def test_a_link_between_conditional_comments_is_one():
    assert links("<!--[if !mso]><!--><a href='https://a.example'>x</a><!--<![endif]-->") == ["https://a.example"]


def test_addresses_are_kept_as_a_redirect_needs_them():
    assert links(
        "<a href='HTTPS://Bücher.Example:8080/käse brot?q=ä%20b&copy=1&amp;x={y}#ü'>x</a>"
        "<a href='\n https://a.example/?a=b&#x26;c=d \n'>y</a>"
    ) == [
        "https://xn--bcher-kva.example:8080/k%C3%A4se%20brot?q=%C3%A4%20b&copy=1&x=%7By%7D#%C3%BC",
        "https://a.example/?a=b&c=d",
    ]


def test_fields_in_path_and_query_are_filled_at_the_click():
    html = '<a href="https://shop.example/{{ city }}/x?id={{ customer_id|default("none") }}&amp;m={{ email }}#{{ city|lower }}">x</a>'
    message = compiled(html, stamp=CLICKS)
    (link,) = message.links
    assert link.needs == ("city", "customer_id", "email")
    assert message.fields == ()
    assert send(message).html == f'<a href="{tracked(0)}">x</a>\n'
    filled = fill_link(link, {"city": "A/B ü", "customer_id": None, "email": "a&b@c.example"})
    assert filled == "https://shop.example/A%2FB%20%C3%BC/x?id=none&m=a%26b%40c.example#a%2Fb%20%C3%BC"


def test_a_contact_cannot_lead_a_filled_link_elsewhere():
    (link,) = compiled('<a href="https://shop.example/{{ x }}">x</a>', stamp=CLICKS).links
    for value in ("/evil.example", "@evil.example", "\\evil", "\r\nLocation: https://evil", "../..", "?#", None):
        filled = fill_link(link, {"x": value})
        assert filled.startswith("https://shop.example/")
        assert re.fullmatch(r"[!-~]+", filled)
        assert "@" not in filled


def test_calculated_fields_in_links_know_holes_like_all_others():
    (link,) = compiled('<a href="https://a.example/?a={{ x ~ y }}&b={{ n + 1 }}">x</a>', stamp=CLICKS).links
    assert fill_link(link, {"x": None, "y": "b", "n": None}) == "https://a.example/?a=b&b="


@pytest.mark.parametrize(
    "html",
    [
        '<a href="{{ url }}">x</a>',
        '<a href="{{ base }}/x">x</a>',
        '<a href="https://{{ host }}/x">x</a>',
        '<a href="https://www.{{ host }}">x</a>',
        '{% for item in cart %}<a href="https://shop.example/{{ item.id }}">x</a>{% endfor %}',
        '{% set u = a %}<a href="https://shop.example/{{ u }}">x</a>',
        '<a href="{% if a %}https://a.example{% endif %}">x</a>',
        '<a href="https://a.example/{% if a %}x{% endif %}">x</a>',
        '<a href="https://a.example/?u={{ unsubscribe_url }}">x</a>',
    ],
)
def test_a_link_that_is_not_known_before_sending_is_left_untracked_with_a_warning(html):
    checked = check(Content("x", html))
    assert checked.links == ()
    assert "is not tracked" in "".join(checked.warnings)


def test_a_field_as_a_whole_link_cannot_be_a_script():
    html = '<a href="{{ url }}">x</a>'
    for bad in ("javascript:alert(1)", " JAVA\tSCRIPT:alert(1)", "data:text/html,x", "\x01vbscript:x", "file:///etc"):
        assert body(html, stamp=CLICKS, url=bad) == '<a href="#">x</a>'
        assert body(html, stamp=PLAIN, url=bad) == '<a href="#">x</a>'
    for good in ("https://a.example/?a=1", "mailto:a@b.example", "relative", ""):
        assert body(html, stamp=CLICKS, url=good) == f'<a href="{good}">x</a>'


def test_unsubscribe_links_are_not_click_tracked():
    html = mail('<a href="{{ unsubscribe_url }}">no more</a>', stamp=CLICKS).html
    assert f'href="{TRACKING}/u/' in html
    assert "/c/" not in html


def test_without_click_tracking_links_stay_but_are_still_checked():
    message = compiled('<a href="https://a.example/{{ x }}">x</a>')
    assert message.links == ()
    assert send(message, x="y").html == '<a href="https://a.example/y">x</a>\n'
    with pytest.raises(InvalidInput):
        compiled('<a href="javascript:x">x</a>')


def test_addresses_written_in_the_text_part_are_tracked():
    message = compiled(
        "<p>x</p>", stamp=CLICKS, text="See https://a.example/b(c)?d={{ x }}, (https://e.example/f). <http://g.example>"
    )
    assert [link.url for link in message.links] == [
        "https://a.example/b(c)?d={{ x }}",
        "https://e.example/f",
        "http://g.example",
    ]
    assert send(message).text == f"See {tracked(0)}, ({tracked(1)}). <{tracked(2)}>\n"


def test_the_text_made_from_html_shares_the_numbers_of_its_links():
    message = compiled(
        '<p><a href="https://a.example">Shop</a> <a href="https://b.example">https://b.example/</a></p>', stamp=CLICKS
    )
    assert len(message.links) == 2
    assert send(message).text == f"Shop ({tracked(0)}) {tracked(1)}\n"


def test_the_pixel_is_the_last_thing_in_the_body():
    pixel = f'<img src="{TRACKING}/o/{KEYS.mint(1, 42, 0).decode()}.gif" width="1" height="1" alt="" style='
    opens = replace(ACME, track_clicks=False)
    assert re.search(
        re.escape(pixel) + r'"[^"]+"></body></html>\n$', mail("<html><body>x</body></html>", stamp=opens).html
    )
    assert mail("<center>x</center>", stamp=opens).html.startswith(f"<center>x</center>{pixel}")
    assert "/o/" not in mail("<body>x</body>", stamp=CLICKS).html
    assert mail("<!-- </body> --><body>x</body>", stamp=opens).html.index("/o/") > 20


def test_a_preheader_hides_at_the_top_of_the_body_and_is_text():
    html = mail("<html><body class='a>b'><p>x</p></body></html>", preheader="Only < {{ n }} & you", n="<b>").html
    assert re.search(
        r"<body class='a>b'><div style=\"display:none[^>]*>Only &lt; &lt;b&gt; &amp; you</div><p>x</p>", html
    )
    assert mail("<p>x</p>", preheader="Hi").html.startswith("<div style=")
    assert "Only" not in mail("<body><p>x</p></body>", preheader="Only").text


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ('<meta charset="iso-8859-1">', '<meta charset="utf-8">'),
        ("<META CHARSET=windows-1252 />", "<META CHARSET=utf-8 />"),
        (
            "<meta http-equiv='Content-Type' content='text/html; charset=shift_jis'>",
            "<meta http-equiv='Content-Type' content='text/html; charset=utf-8'>",
        ),
        ('<meta charset="UTF-8">', '<meta charset="UTF-8">'),
        ('<meta name="x" content="charset=latin1">', '<meta name="x" content="charset=latin1">'),
    ],
)
def test_the_declared_charset_becomes_the_one_that_is_sent(declared, sent):
    assert body(f"<head>{declared}</head>") == f"<head>{sent}</head>"


def test_a_thousand_links_are_enough():
    with pytest.raises(InvalidInput, match="at most 1000 links"):
        check(Content("x", '<a href="https://a.example">x</a>' * 1001))


@pytest.mark.parametrize(
    "base", ["", "t.example", "javascript:x", "https://u@t.example", 'https://t.example/"', "https://t.example/?a"]
)
def test_a_tracking_base_that_is_no_web_address_is_refused(base):
    with pytest.raises(InvalidInput):
        compile_message(Content("x", "y"), replace(ACME, tracking_base=base))


def test_a_tracking_base_may_have_a_port_and_a_path():
    html = mail(
        '<a href="https://a.example">x</a>', stamp=replace(CLICKS, tracking_base="http://localhost:8000/track/")
    ).html
    assert 'href="http://localhost:8000/track/c/' in html


def test_a_link_without_fields_is_ready_as_it_is():
    assert fill_link(Link("https://a.example/%7B%7B"), {}) == "https://a.example/%7B%7B"


def test_brackets_at_the_end_of_an_address_cost_no_more_than_their_number():
    closed = "https://a.example/b_(c)"
    made = mail("", text=f"See ({closed}). Or {closed}{')' * 50_000}!\n{{{{ unsubscribe_url }}}}")
    assert made.message is not None
