"""Reading replies, RFC 5321 section 4.2."""

import re
from collections.abc import Iterator

from outbound.smtp.types import Reply, Stage

RawReply = tuple[int, list[bytes]]  # the code, and all lines with their codes but without their ends

LINE_LIMIT = 4096
LINES_LIMIT = 100
TEXT_LIMIT = 500

_LINE = re.compile(rb"[2-5][0-9][0-9](?:[ -]|\Z)")
_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?=\s|\Z)")
# Control characters, and the invisible ones that turn the reading direction or break lines on a screen.
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


class ProtocolViolation(Exception):
    """What the server sent is not SMTP; nothing that follows can be trusted."""


class ReplyReader:
    """Turns the stream of one connection into replies, wherever the packets were cut."""

    __slots__ = ("_lines", "_rest", "at_start")

    def __init__(self) -> None:
        self.at_start = True  # no part of a reply is waiting for the rest
        self._rest = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[RawReply]:
        """The replies that `data` completes. ProtocolViolation where the stream stops making sense."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            code = self._add(line.removesuffix(b"\r"))
            if code:
                reply, self._lines = self._lines, []
                yield code, reply
        if len(self._rest) > LINE_LIMIT:
            raise ProtocolViolation("a reply line without end")
        self.at_start = not self._rest and not self._lines

    def _add(self, line: bytes) -> int:
        """Takes one line; the code if it was the last one of its reply, else 0."""
        if len(line) > LINE_LIMIT or len(self._lines) >= LINES_LIMIT:
            raise ProtocolViolation("an endless reply")
        if not _LINE.match(line):
            raise ProtocolViolation(f"“{_printable(line)[:60]}” is no SMTP reply")
        if self._lines and self._lines[0][:3] != line[:3]:
            raise ProtocolViolation("a reply with two codes")
        self._lines.append(line)
        return 0 if line[3:4] == b"-" else int(line[:3])


def single_reply(data: bytes) -> int:
    """The code, if `data` is exactly one reply of one line, as it nearly always is; else 0."""
    if data[3:4] == b" " and b"1" < data[:1] < b"6" and data[:3].isdigit():
        return int(data[:3]) if data.find(b"\n") == len(data) - 1 <= LINE_LIMIT else 0
    return 0


def make_reply(code: int, lines: list[bytes], stage: Stage) -> Reply:
    """The reply as the owner gets it."""
    texts = [_printable(line[4:]) for line in lines]
    match = _ENHANCED.match(texts[0])
    enhanced = match[0] if match and match[1] == str(code)[0] else ""
    if enhanced:  # repeated on each line by those who follow RFC 2034
        texts = [text.removeprefix(enhanced).lstrip() for text in texts]
    return Reply(code, enhanced, " ".join(filter(None, texts))[:TEXT_LIMIT], stage)


def reply_text(line: bytes) -> str:
    """The readable part of a raw reply line, enhanced code included: "2.0.0 Ok: queued as 4XyZ"."""
    return _printable(line[4:])[:TEXT_LIMIT]


def _printable(line: bytes) -> str:
    return _UNPRINTABLE.sub(" ", line.decode("utf-8", "replace")).strip()
