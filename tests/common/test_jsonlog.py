"""A log line stays one line, whatever it says, and shows no secret."""

import json
import logging
import re

from common.jsonlog import JsonFormatter


def _line(message: str, **extra: object) -> str:
    record = logging.getLogger("x").makeRecord("x", logging.INFO, "f", 1, message, (), None, extra=extra)
    return JsonFormatter().format(record)


def test_line_breaks_escapes_and_bidi_stay_inside_one_line() -> None:
    text = 'a\r\nfake "line"\x1b[2J\u202e\x00'
    line = _line(text)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert json.loads(line)["message"] == text


def test_g05_time_and_level_are_written_as_the_gateway_prints_them() -> None:
    told = json.loads(_line("Email sent successfully"))
    assert told["level"] == "INFO"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])


def test_secrets_are_masked_and_ids_are_not() -> None:
    told = json.loads(
        _line("sent", password="p", api_key="k", api_key_id=7, Authorization="b", recipient="a@example.com")
    )
    assert told["password"] == told["api_key"] == told["Authorization"] == "***"
    assert told["api_key_id"] == 7
    assert told["recipient"] == "a@example.com"
