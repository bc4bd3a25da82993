"""The bytes that go to the server: fields, signatures, and nothing that could be taken for something else."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from common.errors import InvalidInput
from deliverability.dkim import ED25519, RSA, DkimSigner, generate_key
from outbound.compiler import Tier
from tests.deliverability.dkim_oracle import verdicts
from tests.outbound.compiler_cast import ACME, DATE, HOSTILE, KEYS, TRACKING, compiled, mail, read, send

RSA_PEM, RSA_RECORD = generate_key(RSA)
ED_PEM, ED_RECORD = generate_key(ED25519)
RECORDS = {"r1._domainkey.acme.example": RSA_RECORD, "e1._domainkey.acme.example": ED_RECORD}
SIGNERS = (DkimSigner.from_pem("acme.example", "e1", ED_PEM), DkimSigner.from_pem("acme.example", "r1", RSA_PEM))
FULL = replace(
    ACME,
    reply_to="answers@acme.example",
    unsubscribe_mailto_domain="u.acme.example",
    feedback_id="campaign42:acme:news:lettershop",
    headers=(("X-Campaign", "42"), ("List-Id", "News <news.acme.example>")),
)
PAGE = (
    '<html><body><p>Hello {{ first_name|default("you") }}, {{ city }}</p>\n<p>. dot</p>\n.x\nFrom me  \n'
    '<a href="https://a.example">x</a> <a href="{{ unsubscribe_url }}">no more</a></body></html>'
)


def test_all_fields_of_a_campaign_stand_there_once_and_in_order():
    made = mail(PAGE, stamp=FULL, position=5)
    token = KEYS.mint(1, 42, 5).decode()
    raw = KEYS.minter(1, 42)(5).hex()
    assert made.message.items() == [
        ("From", "Acme <news@acme.example>"),
        ("To", "ann@b.example"),
        ("Subject", "News"),
        ("Date", DATE.decode()),
        ("Message-ID", f"<{raw}@acme.example>"),
        ("Reply-To", "answers@acme.example"),
        ("List-Unsubscribe", f"<{TRACKING}/u/{token}>, <mailto:u-{raw}@u.acme.example?subject=unsubscribe>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", "campaign42:acme:news:lettershop"),
        ("X-Campaign", "42"),
        ("List-Id", "News <news.acme.example>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", made.message["Content-Type"]),
    ]
    assert made.sender == f"b-{raw}@b.acme.example".encode()


def test_the_same_recipient_gets_the_same_bytes_again():
    message = compiled(PAGE, stamp=FULL)
    assert send(message, position=3, city="B").raw == send(compiled(PAGE, stamp=FULL), position=3, city="B").raw
    assert send(message, position=3).message["Message-ID"] != send(message, position=4).message["Message-ID"]


def test_a_message_that_is_no_marketing_has_no_list_fields():
    made = mail("<p>Your receipt</p>", stamp=replace(ACME, marketing=False))
    assert not [name for name in made.message if name.startswith("List-")]
    assert not [
        warning for warning in compiled("x", stamp=replace(ACME, marketing=False)).warnings if "unsubscribe" in warning
    ]


@pytest.mark.parametrize("tier", list(Tier))
def test_nothing_needs_stuffing_folding_or_canonicalising(tier):
    message = compiled(PAGE + "\t tab \n\n \nlast", stamp=FULL, tier=tier, subject="{{ first_name }} {{ city }}")
    for value in HOSTILE:
        raw = send(message, first_name=value, city=value).raw
        head, _, body = raw.partition(b"\r\n\r\n")
        assert raw.isascii()
        assert raw.endswith(b"--\r\n")
        assert b"\0" not in raw
        for line in raw.split(b"\r\n"):
            assert b"\r" not in line
            assert b"\n" not in line
            assert not line.startswith((b".", b"From "))
            assert len(line) <= 998
        for line in body.split(b"\r\n"):
            assert len(line) <= 76
            assert not line.endswith((b" ", b"\t"))
            assert b"  " not in line
            assert b"\t" not in line
        assert all(
            len(line) <= 78 or b" " not in line[1:].strip() or line.startswith(b"List-") for line in head.split(b"\r\n")
        )


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_adds_a_field_or_a_part(value):
    made = mail(PAGE, stamp=FULL, subject="{{ first_name }}!", first_name=value, city=value)
    assert made.message.keys() == mail(PAGE, stamp=FULL, subject="x").message.keys()
    assert [part.get_content_type() for part in made.message.iter_parts()] == ["text/plain", "text/html"]
    assert not made.message.defects


@pytest.mark.parametrize(
    ("signers", "count"), [(SIGNERS, 2), (SIGNERS[:1], 1), (SIGNERS[1:], 1)], ids=["both", "ed25519", "rsa"]
)
@pytest.mark.parametrize("tier", list(Tier))
def test_every_signature_verifies_whatever_the_values(signers, count, tier):
    message = compiled(PAGE, stamp=replace(FULL, signers=signers), tier=tier, subject="{{ first_name }} {{ city }}")
    date = format_datetime(datetime.now(UTC)).encode()
    for position, value in enumerate(HOSTILE[::3]):
        _, raw = message.wire(position, "ann@bücher.example", [value] * len(message.fields), date)
        assert verdicts(raw, RECORDS) == [True] * count


def test_signatures_cover_the_unsubscribe_fields_and_stop_a_second_sender():
    date = format_datetime(datetime.now(UTC)).encode()
    _, raw = compiled(PAGE, stamp=replace(FULL, signers=SIGNERS)).wire(0, "a@b.example", (None, None), date)
    assert verdicts(raw, RECORDS) == [True, True]
    for changed in (
        b"From: other@acme.example\r\n" + raw,
        raw.replace(b"One-Click", b"Two-Click"),
        raw.replace(b"/u/", b"/x/", 1),
        raw.replace(b"campaign42", b"campaign43", 1),
        raw.replace(b"Hello", b"Hullo", 1),
    ):
        assert verdicts(changed, RECORDS) == [False, False]
    listed = re.sub(rb"\s", b"", re.findall(rb"h=([^;]+);", raw)[0]).split(b":")
    for name in (b"from", b"subject", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"reply-to"):
        assert listed.count(name) == 2
    assert listed.count(b"cc") == listed.count(b"message-id") == 1


def test_the_time_of_a_signature_is_that_of_the_date():
    raw = send(compiled(PAGE, stamp=replace(ACME, signers=SIGNERS))).raw
    moment = int(datetime(2026, 11, 21, 9, 30, tzinfo=UTC).timestamp())
    assert raw.count(f"t={moment}; x={moment + 7 * 86400};".encode()) == 2


def test_addresses_go_out_in_their_wire_form():
    assert b"\r\nTo: ann@xn--bcher-kva.example\r\n" in mail("x", to="ann@bücher.example").raw
    assert "\r\nTo: пётр@b.example\r\n".encode() in mail("x", to="пётр@b.example").raw


@pytest.mark.parametrize(
    "to", ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "nobody", "", "a@b.example>"]
)
def test_an_address_that_is_none_is_not_sent_to(to):
    message = compiled("x")
    with pytest.raises(InvalidInput):
        message.wire(0, to, (), DATE)


@pytest.mark.parametrize(
    "change",
    [
        {"from_address": "no address"},
        {"from_address": "a@b.example\r\nBcc: x@y.example"},
        {"reply_to": "a@b.example, c@d.example"},
        {"bounce_domain": "b.example\r\nX: y"},
        {"message_id_domain": "b example"},
        {"unsubscribe_mailto_domain": ">"},
        {"feedback_id": "a\nb"},
        {"headers": (("X-Evil\r\nBcc", "e@x.test"),)},
        {"headers": (("X-Evil", "a\r\nBcc: e@x.test"),)},
        {"headers": (("X-Evil", "=?utf-8?q?Hi=0D=0ABcc:_evil@x.test?="),)},
        {"headers": (("From", "e@x.test"),)},
        {"headers": (("Subject", "another"),)},
        {"headers": (("Reply-To", "e@x.test"),)},
        {"headers": (("List-Unsubscribe", "<https://x.test>"),)},
        {"headers": (("Content-Type", "text/html"),)},
        {"headers": (("References", "<a@b>"), ("references", "<c@d>"))},
    ],
    ids=lambda change: str(change)[:50],
)
def test_what_would_change_the_message_is_refused_when_it_is_compiled(change):
    with pytest.raises(InvalidInput):
        compiled("x", stamp=replace(ACME, **change))


def test_custom_fields_may_hold_any_language_and_any_length():
    made = mail(
        "x",
        stamp=replace(ACME, headers=(("X-Note", "Ünïcode " * 40), ("X-Long", "word " * 60), ("X-Wide", "x" * 1500))),
    )
    assert made.message["X-Note"] == ("Ünïcode " * 40).strip()
    assert made.message["X-Long"] == ("word " * 60).strip()
    assert str(made.message["X-Wide"]) == "x" * 1500
    assert max(map(len, made.raw.split(b"\r\n"))) <= 78


def test_a_sender_with_an_odd_name_is_one_sender():
    for name in ('Ann "the" Boss, Inc.', "Zoë", "=?utf-8?q?x?=", "ceo@bank.example", "a\r\nBcc: x@y.example"):
        made = mail("x", stamp=replace(ACME, from_name=name))
        (address,) = made.message["From"].addresses
        assert address.addr_spec == "news@acme.example"


def test_a_boundary_never_occurs_in_a_part():
    probe = mail(PAGE, stamp=ACME)
    boundary = probe.message.get_boundary()
    made = mail(PAGE, stamp=ACME, first_name=f"\r\n--{boundary}--\r\n", city=f"--{boundary}")
    assert made.raw.count(boundary.encode()) == probe.raw.count(boundary.encode())
    assert f"--{boundary}--" in made.html


def test_a_text_only_message_is_signed_too():
    date = format_datetime(datetime.now(UTC)).encode()
    _, raw = compiled(text="Hello {{ n }}\n.\n", stamp=replace(ACME, signers=SIGNERS)).wire(
        0, "a@b.example", ("x ",), date
    )
    assert verdicts(raw, RECORDS) == [True, True]
    assert read(raw).text == "Hello x \n.\n"


@pytest.mark.parametrize("text", ["Hello\n\n\n", "Hello\n{{ n }}\n", "Hello\n\n{{ n }}\n\n\n", "{{ n }}\n"])
@pytest.mark.parametrize("value", ["", "Ann", "\n\n"])
def test_a_text_that_ends_in_blank_lines_is_signed_as_receivers_hash_it(text, value):
    _, raw = compiled(text=text, stamp=replace(ACME, signers=SIGNERS)).wire(0, "a@b.example", (value,), DATE)
    assert verdicts(raw, RECORDS) == [True, True]


def test_fields_of_one_name_are_all_signed():
    headers = (("X-Tag", "one"), ("X-Tag", "two"), ("List-Id", "a <a.acme.example>"), ("List-Id", "b <b.acme.example>"))
    _, raw = compiled(PAGE, stamp=replace(ACME, headers=headers, signers=SIGNERS)).wire(
        0, "a@b.example", (None, None), DATE
    )
    assert verdicts(raw, RECORDS) == [True, True]
