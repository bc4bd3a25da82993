"""Quoted-printable in pieces: each can stand beside any other, and nothing is left to do afterwards."""

import quopri
import random

from outbound.compiler.marks import TOKEN, clean
from outbound.compiler.quoted import HTML_VALUES, TEXT_VALUES, TOKEN_MARK, EncodedValues, encode

ALPHABET = [
    "a",
    "B",
    "7",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    ".",
    "=",
    "ü",
    "😀",
    "From ",
    "<",
    "&",
    "x" * 40,
    "y" * 75,
    "-",
    "\u2028",
]


def texts(count: int) -> list[str]:
    dice = random.Random(20261121)
    return ["".join(dice.choices(ALPHABET, k=dice.randrange(40))) for _ in range(count)]


def decoded(raw: bytes) -> str:
    return quopri.decodestring(raw).decode().replace("\r\n", "\n")


def check_lines(raw: bytes) -> None:
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"  " not in line
        assert b"\t" not in line
        assert b"\n" not in line


def test_every_text_is_read_back_and_leaves_nothing_to_do():
    for text in texts(2_000):
        raw = encode(text)
        assert raw.isascii()
        assert raw == b"" or raw.endswith(b"\r\n")
        check_lines(raw)
        assert decoded(raw) == text


def test_pieces_join_in_any_order():
    pieces = texts(300)
    for first, second, third in zip(pieces, pieces[1:], pieces[2:], strict=False):
        raw = encode(first) + TEXT_VALUES[second] + encode(third)
        check_lines(raw)
        assert decoded(raw) == first + second + third


def test_a_token_stays_in_one_piece_wherever_it_stands():
    for before in range(120):
        raw = encode("é" * (before // 3) + "x" * (before % 7) + TOKEN + "/1\n.")
        assert raw.count(TOKEN_MARK) == 1
        check_lines(raw)
        token = b"." + b"A" * 31
        filled = raw.replace(TOKEN_MARK, token.replace(b".", b"-"))
        assert decoded(filled) == "é" * (before // 3) + "x" * (before % 7) + "-" + "A" * 31 + "/1\n."


def test_a_value_is_escaped_in_html_and_not_in_text():
    assert decoded(HTML_VALUES["<b> & \"q\" 'a'"]) == "&lt;b&gt; &amp; &#34;q&#34; &#39;a&#39;"
    assert decoded(TEXT_VALUES["<b> & \"q\" 'a'"]) == "<b> & \"q\" 'a'"


def test_every_plain_character_takes_the_same_way_as_the_long_one():
    for code in range(32, 127):
        for text in (chr(code), f"a{chr(code)}b", f"ab{chr(code)}"):
            assert TEXT_VALUES.fresh(text) == encode(text)


def test_kept_values_do_not_confuse_what_python_holds_equal():
    values = EncodedValues(html=False)
    assert [decoded(values[value]) for value in ("1", 1, True, 1.0, "true", None, False, 0)] == [
        "1", "1", "true", "1.0", "true", "", "false", "0",
    ]  # fmt: skip


def test_the_memory_for_values_is_bounded():
    values = EncodedValues(html=False)
    for number in range(45_000):
        values[f"value {number}"]
    values["x" * 10_000]
    assert len(values) <= 20_001
    assert "x" * 10_000 not in values
    assert values[None] == b""


def test_text_is_cleaned_of_what_no_mail_can_carry():
    assert clean("a\r\nb\rc\td\x00\x1b\ud800\ufdd0é\u2028") == "a\nb\nc\td\ufffd\ufffd\ufffd\ufffdé\u2028"
