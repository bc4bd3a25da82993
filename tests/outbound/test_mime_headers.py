"""Whatever stands in names, values, addresses and subjects: the head has the fields intended, and no other."""

import email
import email.policy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InvalidInput
from outbound.compiler import CompilerFault
from outbound.mime.fields import check_head
from outbound.mime.letter import compile_letter
from outbound.submission.types import Mailbox
from tests.outbound.mime_cast import ACME, INVOICE, arrived, posted

LINE_ENDS = ["\r\n", "\r", "\n", "\n\r", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
HIDDEN = [
    "=?utf-8?q?Hi=0D=0ABcc:_evil@x.test?=",
    "=?utf-8?b?SGkNCkJjYzogZXZpbEB4LnRlc3Q=?=",
    "=?utf-7?q?Hi+AA0ACg-Bcc:_evil@x.test?=",
    "=?utf-8?q?Hi=E2=80=A8Bcc:_evil@x.test?=",
    "=?utf-8*en?q?Hi=0ABcc:_evil@x.test?=",
    "=?x?q?=0D=0A?=",
]
OURS = ["From", "TO", "cc", "Bcc", "Sender", "Date", "Message-ID", "DKIM-Signature", "Received", "Return-Path", "ARC-Seal",
        "Authentication-Results", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type", "MIME-Version", "Subject", "Reply-To",
        "Feedback-ID"]  # fmt: skip
PLAIN = posted().message.keys()
TEXTS = st.text(max_size=120) | st.lists(
    st.sampled_from(
        [
            *LINE_ENDS,
            *HIDDEN,
            "Bcc: evil@x.test",
            " ",
            "a",
            "ü",
            "\ud800",
            "\u202e",
            "=?",
            "?=",
            ".",
            "<",
            ">",
            ",",
            '"',
            "\\",
            ":",
        ]
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize("end", LINE_ENDS, ids=repr)
@pytest.mark.parametrize("before", ["", "Hi", "Hi "])
def test_a_line_end_adds_no_field(end, before):
    evil = f"{before}{end}Bcc: evil@x.test{end}{end}body"
    assert posted(subject=evil).message.keys() == PLAIN
    assert posted(sender=Mailbox("shop@acme.example", evil), to="a@b.example").message.keys() == PLAIN
    assert posted(feedback_id=evil).message.keys() == [*PLAIN[:5], "Feedback-ID", *PLAIN[5:]]
    for pair in ((evil, "x"), ("X-Evil", evil), (f"X-Evil{end}Bcc", "e@x.test"), (f"X-Evil:{end}Bcc", "e@x.test")):
        with pytest.raises(InvalidInput) as refused:
            compile_letter(replace(ACME, headers=(pair,)))
        assert refused.value.field == f"headers.{pair[0][:80]}"
    for people in ({"to": (Mailbox(f"a@b.example{end}x"),)}, {"cc": (Mailbox(f"a{end}@b.example"),)}):
        with pytest.raises(InvalidInput):
            compile_letter(replace(ACME, **people))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_an_encoded_word_hides_no_line_end(hidden):
    with pytest.raises(InvalidInput):
        compile_letter(replace(ACME, headers=(("X-Evil", hidden),)))
    made = posted(subject=hidden, sender=Mailbox("shop@acme.example", hidden))
    assert made.message.keys() == PLAIN
    # Encoded once more: what is shown is what was written.
    assert made.message["Subject"] == hidden
    assert made.message["From"].addresses[0].display_name.replace(" ", "") == hidden.replace(" ", "")


@pytest.mark.parametrize("name", [*OURS, "", "X Evil", "X:Evil", "Xü", ".Bcc", ".", "X" * 77, "\ud800"])
def test_a_field_of_ours_and_a_name_that_is_none_are_refused(name):
    with pytest.raises(InvalidInput) as refused:
        compile_letter(replace(ACME, headers=((name, "x"),)))
    assert refused.value.field == f"headers.{name[:80]}"


@settings(deadline=None, max_examples=200)
@given(subject=TEXTS, name=TEXTS, value=TEXTS, filename=TEXTS)
def test_the_fields_are_those_intended_whatever_is_written(subject, name, value, filename):
    headers: tuple[tuple[str, str], ...] = (("X-Note", value),)
    letter = replace(
        ACME,
        subject=subject,
        sender=Mailbox("shop@acme.example", name),
        to=(Mailbox("ann@b.example", name), Mailbox("bob@b.example", value)),
        attachments=(replace(INVOICE, filename=filename),),
        headers=headers,
    )
    try:
        made = arrived(compile_letter(letter))
    except InvalidInput:
        headers = ()
        made = arrived(compile_letter(replace(letter, headers=())))
    wanted = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        *(one for one, _ in headers),
        "MIME-Version",
        "Content-Type",
    ]
    for policy in (email.policy.SMTP, email.policy.compat32):
        assert email.message_from_bytes(made.raw, policy=policy).keys() == wanted
        assert email.message_from_string(made.raw.decode(), policy=policy).keys() == wanted
    assert made.shape == "mixed(plain, pdf)"
    assert [one.addr_spec for one in made.message["To"].addresses] == ["ann@b.example", "bob@b.example"]
    assert [one.addr_spec for one in made.message["From"].addresses] == ["shop@acme.example"]


def test_values_of_any_language_and_length_arrive():
    values = ("Ünïcode " * 40, "word " * 60, "x" * 1_500, "two  blanks", "")
    made = posted(headers=tuple((f"X-{n}", value) for n, value in enumerate(values)))
    assert [made.message[f"X-{n}"] for n in range(len(values))] == [" ".join(value.split()) for value in values]
    assert max(map(len, made.raw.split(b"\r\n"))) <= 78


def test_fields_that_may_stand_once_are_taken_once():
    with pytest.raises(InvalidInput):
        compile_letter(replace(ACME, headers=(("References", "<a@b>"), ("references", "<c@d>"))))
    assert posted(headers=(("X-Tag", "a"), ("X-Tag", "b"))).message.get_all("X-Tag") == ["a", "b"]


def test_nobody_is_told_that_a_program_wrote_it_but_by_the_caller():
    assert not {"Auto-Submitted", "Precedence", "List-Unsubscribe"} & set(posted().message.keys())
    assert posted(headers=(("Auto-Submitted", "auto-generated"),)).message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "head",
    [
        b"From: a@b.example\r\nBcc: x@y.example\r\n",
        b"From: a@b.example\nBcc: x@y.example\r\n",
        b"From: a@b.example\rBcc: x\r\n",
        b"From: a@b.example\r\n\r\n",
        b"From: a@b.example\r\n.Bcc: x\r\n",
        b"From: a\0@b.example\r\n",
        b"From: a@b.example",
        b"",
    ],
)
def test_a_head_that_is_not_what_it_should_be_is_not_sent(head):
    check_head(b"From: a@b.example,\r\n c@d.example\r\n", ["From"])
    with pytest.raises(CompilerFault):
        check_head(head, ["From"])
