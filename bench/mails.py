"""The mails the benches send: a small one and a marketing mail of about 30 KB, made here so that anybody can repeat it."""

SUBJECT = "{{ first_name|default('Dear friend') }}, your offers of the week"

_TEXT = (
    "fresh offers from the shop around the corner with everything you liked last time and a few things that are new "
    "picked by hand for people who read before they buy because good goods deserve a second look and a fair price"
)
_WORDS = _TEXT.split()


def small() -> str:
    """About 5.5 KB on the wire: 5 tracked links, a pixel, 3 merge fields."""
    return _page(links=5, paragraphs=9, fields=["first_name", "city"], conditions=0)


def large() -> str:
    """About 30 KB on the wire: 17 tracked links, a pixel, 10 merge fields, 2 conditionals."""
    names = ["first_name", "last_name", "city", "plan", "shop", "size", "colour", "code", "agent"]
    return _page(links=17, paragraphs=68, fields=names, conditions=2)


def _page(*, links: int, paragraphs: int, fields: list[str], conditions: int) -> str:
    blocks = [_paragraph(number) for number in range(paragraphs)]
    for number in range(links):
        anchor = f'<a style="color:#0b57d0" href="https://shop.example.com/week/{number}?from=mail&amp;n={number}">Offer {number}</a>'
        blocks.insert(number * paragraphs // links, f"<h2>{anchor}</h2>")
    for number, name in enumerate(fields):
        blocks.insert(number * 2 + 1, f'<p>For you in particular: <b>{{{{ {name}|default("you") }}}}</b></p>')
    for _ in range(conditions):
        blocks.append(
            "{% if plan == 'gold' %}<p>Gold members pay no postage.</p>{% else %}<p>Postage is 3.90.</p>{% endif %}"
        )
    body = "\n".join(blocks)
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Offers</title>'
        "<style>body{font-family:sans-serif}@media(max-width:600px){h2{font-size:18px}}</style></head>"
        f'<body><h1>Hello {{{{ first_name|default("friend") }}}}</h1>{body}'
        '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>'
    )


def _paragraph(number: int) -> str:
    words = [_WORDS[(number * 7 + i * 3) % len(_WORDS)] for i in range(38)]
    return f'<p style="margin:0 0 12px;line-height:1.5">{" ".join(words).capitalize()}.</p>'
