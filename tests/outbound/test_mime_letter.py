"""A submitted message as it arrives: its head, its parts, its signatures."""

import re
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from common.errors import InvalidInput
from deliverability.dkim import ED25519, RSA, DkimSigner, generate_key
from outbound.mime.letter import Letter, compile_letter
from outbound.smtp.types import Outgoing
from outbound.submission.types import Attachment, Mailbox
from tests.deliverability.dkim_oracle import verdicts
from tests.outbound.mime_cast import ACME, INVOICE, KEYS, LOGO, PDF, PNG, arrived, posted

RSA_PEM, RSA_RECORD = generate_key(RSA)
ED_PEM, ED_RECORD = generate_key(ED25519)
RECORDS = {"r1._domainkey.acme.example": RSA_RECORD, "e1._domainkey.acme.example": ED_RECORD}
SIGNERS = (DkimSigner.from_pem("acme.example", "e1", ED_PEM), DkimSigner.from_pem("acme.example", "r1", RSA_PEM))
PAGE = '<html><body><p>Hello</p><img src="cid:logo"></body></html>'


def test_all_fields_stand_there_once_and_in_order():
    made = posted(
        cc=(Mailbox("bob@b.example"), Mailbox("zoe@b.example", "Zoë, of Acme")),
        reply_to=(Mailbox("help@acme.example", "Help"),),
        headers=(("X-Order", "4711"), ("References", "<a@b.example>")),
        feedback_id="42:acme:single:lettershop",
        position=7,
    )
    assert made.message.items() == [
        ("From", "Acme <shop@acme.example>"),
        ("To", "Ann <ann@b.example>"),
        ("Cc", 'bob@b.example, "Zoë, of Acme" <zoe@b.example>'),
        ("Subject", "Your order"),
        ("Date", "Sat, 21 Nov 2026 09:30:00 +0000"),
        ("Message-ID", "<abcdefghijklmnop@acme.example>"),
        ("Reply-To", "Help <help@acme.example>"),
        ("Feedback-ID", "42:acme:single:lettershop"),
        ("X-Order", "4711"),
        ("References", "<a@b.example>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ]
    assert made.text == "Hello Ann\n"


def test_the_envelope_sender_is_what_the_bounce_door_reads():
    sender = posted(position=7).sender.decode()
    local, _, domain = sender.partition("@")
    assert domain == "b.acme.example"
    assert KEYS.read_hex(local.removeprefix("b-")) == (1, 42, 7)


def test_a_letter_has_no_place_for_hidden_recipients():
    assert "bcc" not in {field.name for field in fields(Letter)}
    made = posted(position=3, to="hidden@c.example")
    assert b"hidden" not in made.raw
    assert b"hidden" not in made.sender


def test_all_recipients_get_the_same_mail_where_nothing_is_tracked():
    compiled = compile_letter(replace(ACME, html=PAGE, attachments=(LOGO,), signers=SIGNERS))
    first, second = compiled.wire(0, "ann@b.example"), compiled.wire(1, "bob@b.example")
    assert first[1] == second[1]
    assert first[0] != second[0]


def test_the_same_letter_makes_the_same_bytes_again():
    letter = replace(ACME, html=PAGE, attachments=(LOGO, INVOICE), signers=SIGNERS[:1])
    assert arrived(compile_letter(letter)).raw == arrived(compile_letter(letter)).raw


def test_a_mail_to_hidden_recipients_only_says_so():
    made = arrived(compile_letter(replace(ACME, to=())), to="hidden@c.example")
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in made.raw


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        ({}, "plain"),
        ({"text": "", "html": PAGE}, "alternative(plain, html)"),
        ({"html": PAGE}, "alternative(plain, html)"),
        ({"html": PAGE, "attachments": (LOGO,)}, "alternative(plain, related(html, png))"),
        ({"html": PAGE, "attachments": (INVOICE,)}, "mixed(alternative(plain, html), pdf)"),
        (
            {"html": PAGE, "attachments": (INVOICE, LOGO, INVOICE)},
            "mixed(alternative(plain, related(html, png)), pdf, pdf)",
        ),
        ({"attachments": (INVOICE,)}, "mixed(plain, pdf)"),
        ({"attachments": (LOGO,)}, "mixed(plain, png)"),
        ({"html": "<p>no picture</p>", "attachments": (LOGO,)}, "mixed(alternative(plain, html), png)"),
        ({"text": "", "html": '<img src="cid:logo">', "attachments": (LOGO,)}, "related(html, png)"),
        ({"text": ""}, "plain"),
    ],
)
def test_parts_stand_where_mail_programs_look_for_them(parts, shape):
    made = posted(**parts)
    assert made.shape == shape
    for attachment in parts.get("attachments", ()):
        assert (attachment.filename, attachment.content_type, attachment.content) in made.attached


def test_an_inline_image_is_found_by_its_content_id():
    made = posted(html=PAGE, attachments=(LOGO,))
    (image,) = (part for part in made.message.walk() if part.get_content_type() == "image/png")
    assert image["Content-ID"] == "<logo>"
    assert image.get_content_disposition() == "inline"
    assert image.get_payload(decode=True) == PNG
    (related,) = (part for part in made.message.walk() if part.get_content_type() == "multipart/related")
    assert related.get_param("type") == "text/html"


@pytest.mark.parametrize(
    "name",
    [
        "invoice.pdf",
        "my invoice (2).pdf",
        "Rechnung für Zoë.pdf",
        "счёт.pdf",
        "請求書" * 40 + ".pdf",
        'quo"te\\d.pdf',
        "semi;colon=1.pdf",
        "50%.pdf",
        "two  blanks.pdf",
        "x" * 251 + ".pdf",
        "it's.pdf",
        "=?utf-8?q?x?=.pdf",
        "👩‍👩‍👧‍👦.pdf",
        "--=_a.pdf",
    ],
)
def test_a_file_keeps_its_name(name):
    made = posted(attachments=(replace(INVOICE, filename=name),))
    assert made.attached == [(name, "application/pdf", PDF)]


@pytest.mark.parametrize("name", ["a\r\nBcc: x@y.example\r\n\r\n.pdf", "a\n.\n", "a\0b", "a\ud800b", "\u2028"])
def test_a_name_that_came_unchecked_adds_nothing_to_a_part(name):
    made = posted(attachments=(replace(INVOICE, filename=name),))
    (part,) = (part for part in made.message.walk() if part.get_content_disposition())
    assert part.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]
    assert part.get_payload(decode=True) == PDF


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 1_000_000])
def test_an_attachment_of_any_size_arrives_in_lines_of_76(size):
    content = (b"\x00\xff.\r\n" * (size // 5 + 1))[:size]
    made = posted(attachments=(Attachment("a.bin", content, "application/octet-stream"),))
    assert made.attached == [("a.bin", "application/octet-stream", content)]
    assert max(map(len, made.raw.split(b"\r\n"))) <= 78


def test_a_text_file_says_its_charset_where_it_is_utf_8():
    made = posted(
        attachments=(Attachment("a.csv", "ä;1".encode(), "text/csv"), Attachment("b.csv", b"\xe4;1", "text/csv"))
    )
    charsets = [part.get_param("charset") for part in made.message.walk() if part.get_content_type() == "text/csv"]
    assert charsets == ["utf-8", None]


@pytest.mark.parametrize("wrong", ["", "pdf", "text/plain\r\nX: y", "multipart/mixed", "message/rfc822", "a/b; c=d"])
def test_a_type_that_came_unchecked_is_mere_bytes(wrong):
    made = posted(attachments=(replace(INVOICE, content_type=wrong),))
    assert made.attached == [("invoice.pdf", "application/octet-stream", PDF)]


@pytest.mark.parametrize("signers", [SIGNERS, SIGNERS[:1], SIGNERS[1:]], ids=["both", "ed25519", "rsa"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"text": "ends in empty lines\n\n\n"},
        {"text": " \t two  blanks \t\n.dots\n"},
        {"html": PAGE, "attachments": (LOGO, INVOICE, replace(INVOICE, filename="two  blanks.pdf"))},
        {"html": '<a href="https://a.example/">a</a>', "track_opens": True, "track_clicks": True},
        {"headers": (("List-Id", "a <a.b.example>"), ("List-Id", "c <c.b.example>"), ("X-A", "1"), ("X-A", "2"))},
        {"cc": tuple(Mailbox(f"person{n}@b.example", f"Pérson {n}") for n in range(50))},
        {"subject": "Ä" * 400},
        {"subject": ""},
        {"to": (Mailbox("пётр@b.example", "Пётр"),)},
    ],
    ids=lambda change: str(change)[:40],
)
def test_every_signature_verifies(change, signers):
    now = datetime.now(UTC)
    compiled = compile_letter(replace(ACME, date=now, signers=signers, feedback_id="1:acme:single:x", **change))
    for position in range(2):
        assert verdicts(compiled.wire(position, "ann@b.example")[1], RECORDS) == [True] * len(signers)


def test_a_signature_is_broken_by_a_second_sender_and_by_a_change():
    raw = compile_letter(
        replace(ACME, date=datetime.now(UTC), signers=SIGNERS, reply_to=(Mailbox("a@b.example"),))
    ).wire(0, "ann@b.example")[1]
    assert verdicts(raw, RECORDS) == [True, True]
    for changed in (
        b"From: other@acme.example\r\n" + raw,
        b"Cc: other@acme.example\r\n" + raw,
        b"Subject: other\r\n" + raw,
        raw.replace(b"Hello", b"Hullo"),
        raw.replace(b"Reply-To: a@", b"Reply-To: x@"),
    ):
        assert verdicts(changed, RECORDS) == [False, False]


def test_a_letter_that_waited_is_signed_when_it_goes():
    date = datetime.now(UTC) - timedelta(days=30)
    late = replace(ACME, date=date, signers=SIGNERS)
    assert verdicts(compile_letter(late).wire(0, "ann@b.example")[1], RECORDS) == [False, False]
    signed = replace(late, signed_at=datetime.now(UTC))
    assert verdicts(compile_letter(signed).wire(0, "ann@b.example")[1], RECORDS) == [True, True]


def test_addresses_go_out_in_their_wire_form_and_tell_whether_they_are_ascii():
    ascii_only = compile_letter(replace(ACME, to=(Mailbox("ann@bücher.example", "Zoë"),), subject="Ä"))
    assert b"<ann@xn--bcher-kva.example>" in arrived(ascii_only).raw
    assert ascii_only.seven_bit
    assert arrived(ascii_only).raw.isascii()
    own = arrived(compile_letter(replace(ACME, message_id="abc@bücher.example", bounce_domain="b.bücher.example")))
    assert own.message["Message-ID"] == "<abc@xn--bcher-kva.example>"
    assert own.sender.endswith(b"@b.xn--bcher-kva.example")
    wide = compile_letter(replace(ACME, cc=(Mailbox("пётр@b.example"),)))
    assert not wide.seven_bit
    assert "Cc: пётр@b.example\r\n".encode() in arrived(wide).raw


def test_many_people_fit_into_one_field():
    people = tuple(
        Mailbox(f"person{n}@some-longer-domain.example", name)
        for n, name in enumerate(
            ["", "Ann", "Doe, Ann", 'Ann "A" Doe', "Zoë", "山田太郎" * 20, "x" * 200, "a@b.example"] * 12
        )
    )
    made = posted(to=people[0].address, cc=people)
    field = re.sub(r"\r\n(?= )", "", re.search(r"(?ms)^Cc: (.*?)\r\n(?! )", made.raw.decode())[1])
    read = [(address, str(make_header(decode_header(name)))) for name, address in getaddresses([field])]
    assert read == [(person.address, person.name) for person in people]
    assert max(len(line) for line in made.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 210


@pytest.mark.parametrize(
    "change",
    [
        {"sender": Mailbox("nobody")},
        {"sender": Mailbox("a@b.example\r\nBcc: x@y.example")},
        {"to": (Mailbox("a@b.example, c@d.example"),)},
        {"cc": (Mailbox("a@b.example>\r\nX: y"),)},
        {"reply_to": (Mailbox(""),)},
        {"bounce_domain": "b example"},
        {"message_id": "a@b.example>\r\nX: y"},
        {"message_id": "none"},
        {"tracking_base": 'https://t.acme.example/"><script>', "track_opens": True, "html": "<p>"},
        {"tracking_base": "javascript:alert(1)", "track_clicks": True, "html": "<p>"},
    ],
    ids=lambda change: str(change)[:50],
)
def test_what_cannot_stand_in_a_mail_is_refused(change):
    with pytest.raises(InvalidInput):
        compile_letter(replace(ACME, **change))


@pytest.mark.parametrize("to", ["nobody", "a@b.example\r\nRCPT TO:<x@y.example>", "a@b.example, c@d.example", ""])
def test_an_address_that_is_none_is_not_sent_to(to):
    with pytest.raises(InvalidInput):
        compile_letter(ACME).wire(0, to)


def test_what_is_compiled_is_what_the_sender_hands_over():
    compiled = compile_letter(replace(ACME, html=PAGE, attachments=(LOGO,), track_clicks=True))
    sender, body = compiled.wire(0, "ann@b.example")
    assert Outgoing(0, sender, b"ann@b.example", body, seven_bit=compiled.seven_bit).body.endswith(b"--\r\n")
    assert compiled.headers[0] == ("From", "Acme <shop@acme.example>")
    assert [name for name, _ in compiled.headers] == arrived(compiled).message.keys()


def test_tracked_letters_lead_through_the_tenants_host_with_a_token_for_each_recipient():
    compiled = compile_letter(
        replace(
            ACME,
            html='<body><a href="https://a.example/x?y=1&amp;z=2">one</a> <a href="mailto:a@b.example">two</a></body>',
            text="see https://a.example/{{ id }}.\n",
            track_opens=True,
            track_clicks=True,
        )
    )
    assert [asdict(link) for link in compiled.links] == [
        {"url": "https://a.example/x?y=1&z=2", "needs": ()},
        {"url": "https://a.example/%7B%7B", "needs": ()},
    ]
    for position in (0, 5):
        token = KEYS.mint(1, 42, position).decode()
        made = arrived(compiled, position=position)
        assert f'<a href="https://t.acme.example/c/{token}/0">one</a>' in made.html
        assert f'<img src="https://t.acme.example/o/{token}.gif"' in made.html
        assert '<a href="mailto:a@b.example">two</a>' in made.html
        assert made.text == f"see https://t.acme.example/c/{token}/1 id }}}}.\n"


def test_only_what_is_asked_for_is_tracked():
    page = '<body><a href="https://a.example/">one</a></body>'
    opens = posted(html=page, track_opens=True).html
    assert 'href="https://a.example/"' in opens
    assert "/o/" in opens
    clicks = posted(html=page, track_clicks=True).html
    assert "/c/" in clicks
    assert "/o/" not in clicks
    assert posted(html=page).html == page + "\n"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://user@evil.example/",
        "//evil.example",
        "https://evil.example\\@good.example",
        "https://",
        "https://{{ host }}/",
        "#top",
        "",
        "ftp://a.example",
    ],
)
def test_a_link_that_cannot_be_tracked_safely_stays_what_it_is(url):
    page = f'<body><a href="{url}">x</a></body>\n'
    compiled = compile_letter(replace(ACME, html=page, track_clicks=True))
    assert compiled.links == ()
    assert arrived(compiled).html == page


def test_boundaries_occur_in_no_part():
    probe = posted(html=PAGE, attachments=(LOGO, INVOICE))
    boundaries = re.findall(rb'boundary="([^"]+)"', probe.raw)
    assert len(set(boundaries)) == 3
    hostile = "\r\n".join(f"--{boundary.decode()}--\r\n--{boundary.decode()}" for boundary in boundaries)
    made = posted(
        html=PAGE + hostile,
        text=hostile,
        attachments=(LOGO, replace(INVOICE, content=hostile.encode(), filename="--x")),
    )
    assert made.shape == probe.shape
    for boundary in boundaries:
        assert made.raw.count(b"--" + boundary) == probe.raw.count(b"--" + boundary)
