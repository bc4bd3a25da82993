"""The text version that is made from a page."""

import pytest

from tests.outbound.compiler_cast import mail


def text(html: str, **values: object) -> str:
    return mail(html, **values).text.rstrip("\n")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one\n two   three</p>", "one two three"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<br>b<br/><br>c", "a\nb\n\nc"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<b>bold</b><i>er</i> still", "bolder still"),
        ("<ul><li>a</li><li> b</li></ul>c", "- a\n- b\n\nc"),
        ("<ol><li>a<ul><li>x</li></ul></li><li>b</li></ol>", "1. a\n  - x\n2. b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td> c </td></tr></table>", "a b\nc"),
        ("a<hr>b", "a\n--------------------\nb"),
        ("<head><title>t</title><style>s {}</style></head><body>x<script>y</script></body>", "x"),
        ("<div style='color:red; Display : none'>hidden <div>too</div></div>seen", "seen"),
        ("<span hidden>x</span><span class='preheader'>y</span>seen", "seen"),
        ("<!-- c --><!--[if mso]>mso<![endif]-->x", "x"),
        ("&lt;b&gt; &amp; &euro; &nbsp; &#8222;x&#8220;", "<b> & € „x“"),
        ("a&zwnj;&nbsp;&#847;&shy;&#8203;b", "a b"),
        ("<img src=x alt='Logo &amp; Co'> <img src=y>text", "Logo & Co text"),
        ("<a href='mailto:a@b.example?subject=x'>write</a>", "write (a@b.example)"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        ("<a href='https://a.example/'>www.a.example</a>", "https://a.example/"),
        ("<a href='https://a.example/x'>Shop</a>.", "Shop (https://a.example/x)."),
        ("<a href='https://a.example/x'><img src=x></a>", "https://a.example/x"),
        ("<a href='#x'>up</a> <a href='tel:1'>call</a> <a name=x>y</a>", "up call y"),
        ("a < b and c > d", "a < b and c > d"),
        ("&#123;&#123; x }}", "{{ x }}"),
        ("&#123;% if %}", "{% if %}"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ("<textarea>a<b>c</textarea>d", "d"),
    ],
)
def test_a_page_reads(html, expected):
    assert text(html) == expected


def test_fields_and_conditions_come_along():
    html = (
        "<p>Hello {{ name|default('you') }}!</p>{% if vip %}<p>Thank you.</p>{% endif %}"
        "<ul>{% for x in items %}<li>{{ x }}</li>{% endfor %}</ul>"
    )
    assert text(html, name="<Ann>", vip=True, items=["a", "b"]) == "Hello <Ann>!\n\nThank you.\n\n- a\n- b"
    assert text(html) == "Hello you!"


def test_conditions_in_what_is_not_shown_still_close():
    html = (
        "<head>{% if a %}<title>{{ b }}</title>{% endif %}</head><td {% if a %}class='x'{% endif %}>x</td>"
        "<!-- {% if a %}c{% endif %} --><div style='display:none'>{% if a %}d{% endif %}</div>"
        "<a href='{% if a %}https://a.example{% else %}https://b.example{% endif %}'>go</a>"
    )
    assert text(html, a=True) == "x https://a.example go"
    assert text(html) == "x https://b.example go"


def test_raw_text_stays_raw():
    assert text("a {% raw %}{{ x }}{% endraw %} {# gone #}b") == "a {{ x }} b"


def test_conditions_that_begin_in_a_link_and_end_in_its_text_still_close():
    html = "<a href='{% if a %}https://a.example'>x{% endif %}</a>"
    assert text(html, a=True) == "https://a.example x"
    assert text(f"<p style='display:none'>{html}</p>{html.replace('<a', '<a hidden')}", a=True) == ""


def test_a_written_text_is_taken_as_it_is():
    assert mail("<p>x</p>", text="  mine\n\n\n<b>  kept").text == "  mine\n\n\n<b>  kept\n"


def test_a_page_of_only_pictures_has_a_text_part_all_the_same():
    made = mail("<img src=x>")
    assert [part.get_content_type() for part in made.message.iter_parts()] == ["text/plain", "text/html"]


def test_lists_in_lists_are_indented_up_to_a_point():
    depth = 3_000
    made = text("<ul><li>" * depth + "end" + "</li></ul>" * depth)
    assert max(map(len, made.splitlines())) < 30
    assert made.endswith("end")
