import pytest

from deliverability.dkim.canonical import relaxed_body, relaxed_header


def test_the_example_of_rfc_6376_section_3_4_5():
    assert relaxed_header(b"A", b" X\r\n") == b"a:X\r\n"
    assert relaxed_header(b"B ", b" Y\t\r\n\tZ  \r\n") == b"b:Y Z\r\n"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n"])
def test_an_empty_body_stays_empty(body):
    assert relaxed_body(body) == b""


def test_a_body_without_a_last_line_end_gets_one():
    assert relaxed_body(b"text") == b"text\r\n"
    assert relaxed_body(b"text ") == b"text\r\n"


def test_a_body_in_canonical_form_is_left_alone():
    body = b"one\r\n\r\n two =\r\nthree\r\n"
    assert relaxed_body(body) is body


def test_a_run_of_blanks_takes_linear_time():
    body = b"x" + b" " * 2_000_000 + b"y\r\n"
    assert relaxed_body(body) == b"x y\r\n"
