"""A compiled message that is not what it should be is found before it is used."""

from dataclasses import replace

import pytest

from outbound.compiler import CompilerFault, Content, Tier
from outbound.compiler.build import Built, build
from outbound.compiler.prepare import Prepared, prepare
from outbound.compiler.selfcheck import check_message
from tests.outbound.compiler_cast import ACME, TRACKING

CONTENT = Content("Hi {{ name }}", "<p>Hello {{ name }}</p><p>{% if vip %}VIP{% endif %}</p>")


def prepared() -> Prepared:
    return prepare(CONTENT, base=TRACKING, tracking=True, pixel=True, marketing=True)


def with_bytes_changed(old: bytes, new: bytes) -> Built:
    good = build(prepared(), ACME, Tier.SEGMENTS)

    def wire(position, email, values, date):  # type: ignore[no-untyped-def]
        sender, raw = good.wire(position, email, values, date)
        assert old in raw
        return sender, raw.replace(old, new, 1)

    return replace(good, wire=wire)


@pytest.mark.parametrize("tier", list(Tier))
def test_a_good_message_passes(tier):
    check_message(build(prepared(), ACME, tier), prepared(), ACME)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"Hello", b"Hullo", "its text differs"),
        (b"<p>", b"<p>.", "its text differs"),
        (b"\r\nTo: ", b"\r\nBcc: x@y.example\r\nTo: ", "header fields"),
        (b"MIME-Version: 1.0\r\n", b"", "header fields"),
        (b"quoted-printable\r\n\r\n", b"quoted-printable\r\n\r\n.\r\n", "a line of it"),
        (b"\r\nSubject", b"\nSubject", "a line of it"),
        (b"Hello", b"x" * 1000, "a line of it"),
        (b"--\r\n", b"--", "its last line"),
    ],
)
def test_a_message_that_went_wrong_is_refused_and_names_its_tier(old, new, words):
    with pytest.raises(CompilerFault, match=f"SEGMENTS.*{words}"):
        check_message(with_bytes_changed(old, new), prepared(), ACME)
