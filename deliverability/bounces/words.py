"""Addresses, status codes and our own tokens in running text. Every pattern is linear in the length of the text."""

import re
from collections.abc import Iterable

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}+@(?:[A-Za-z0-9_-]{1,63}\.){1,10}+[A-Za-z0-9-]{2,63}+")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_TOKEN = re.compile(r"(?<![0-9A-Fa-f])(?:b-)?([0-9a-fA-F]{48})@")
_MESSAGE_ID = re.compile(r"(?im)^message-id[ \t]*:\s{0,4}<([^<>\s]{3,250})>")
MARKED_AS_QUOTED = re.compile(r"(?m)^[>|][ \t]?")


def address_in(text: str) -> str | None:
    found = ADDRESS.search(text[:2_000])
    return found[0].strip(".") if found else None


def status_in(text: str) -> str:
    found = _STATUS.search(text[:4_000])
    return found[1] if found else ""


def token_in(text: str) -> str | None:
    """The token of an envelope sender (b-<token>@) or Message-ID (<token>@) of ours. It still has to be verified."""
    found = _TOKEN.search(text)
    return found[1].lower() if found else None


def message_id_in(head: str) -> str | None:
    found = _MESSAGE_ID.search(head)
    return found[1] if found else None


def said_by_server(prose: str) -> str:
    """From the first SMTP reply in the prose on; all of it where there is none."""
    found = _REPLY.search(prose[:20_000])
    return prose[found.start() : found.start() + 700] if found else prose


def about(address: str, prose: str, others: Iterable[str]) -> str:
    """What the prose says of one of several recipients: the words from its address to the next one's."""
    start = prose.find(address)
    if start < 0:
        return prose
    ends = [at for other in others if other != address and (at := prose.find(other, start + len(address))) > 0]
    return prose[start : min(ends, default=len(prose))]


def after_data(prose: str) -> bool:
    """Whether the refusal answered DATA or the mail itself, not the recipient."""
    return _AFTER_DATA.search(prose[:20_000]) is not None


_REPLY = re.compile(r"(?<![\d.#:/-])[45]\d\d[ -](?=[#<A-Za-z\[\d:])")
_AFTER_DATA = re.compile(
    r"(?i)in reply to (?:end of )?data|after (?:end of )?data|>>> (?:data|\.\s*\n)|end of (?:data|message)|data command|command[ :]+data"
)
