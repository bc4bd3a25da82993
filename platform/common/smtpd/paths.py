"""Addresses and parameters in MAIL and RCPT (RFC 5321 section 4.1.2, RFC 6531 section 3.3)."""

import ipaddress
import re

from common.smtpd.handler import MailOptions
from common.smtpd.replies import Reply

_LONGEST_PATH = 256  # octets, with its angle brackets; RFC 5321 section 4.5.3.1.3
_LONGEST_LABEL = 63

# Possessive quantifiers: what has matched is not tried again, so no input makes this slow.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_LABEL = r"[A-Za-z0-9_\x80-\U0010ffff](?:[A-Za-z0-9_\x80-\U0010ffff-]*+(?<!-))"
_PATH = re.compile(
    rf"""<(?:@[^<>\s:]++:)?  # a source route, which is to be ignored: RFC 5321 appendix C
    (?P<address>(?:{_ATOM}(?:\.{_ATOM})*+|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+")
    @(?:(?P<domain>{_LABEL}(?:\.{_LABEL})*+)|\[(?P<literal>[0-9A-Za-z.:]++)\]))>""",
    re.VERBOSE,
)
_OPTION = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*+)(?:=(?P<value>[\x21-\x3c\x3e-\x7e]++))?")


class BadPath(ValueError):
    """It is not an address in angle brackets."""


class BadOptions(ValueError):
    """The parameters after an address cannot be accepted; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def parse_path(text: str) -> tuple[str, str]:
    """`<a@b.example> SIZE=1` as ("a@b.example", "SIZE=1"); `<>` as "". Raises BadPath."""
    if text.startswith("<>"):
        return "", _options_after(text, 2)
    if text[:12].lower() == "<postmaster>":
        return "postmaster", _options_after(text, 12)
    found = _PATH.match(text)
    if found is None:
        raise BadPath(text)
    address, domain, literal = found.group("address", "domain", "literal")
    if len(address) > _LONGEST_PATH - 2 or not address.isascii():
        _check_international(address)
    if literal is not None:
        _check_literal(literal)
    elif len(domain) > _LONGEST_LABEL and max(map(len, domain.split("."))) > _LONGEST_LABEL:
        raise BadPath(text)
    return address, _options_after(text, found.end())


def parse_mail_options(text: str) -> MailOptions:
    """Raises BadOptions for what is unknown, wrong or given twice."""
    if not text:
        return _NO_OPTIONS
    size, eight_bit, smtputf8 = None, False, False
    for name, value in _split_options(text):
        if name == "SIZE" and value.isascii() and value.isdigit() and len(value) <= 20:
            size = int(value)
        elif name == "BODY" and value.upper() in {"7BIT", "8BITMIME"}:
            eight_bit = value.upper() == "8BITMIME"
        elif name == "SMTPUTF8" and not value:
            smtputf8 = True
        elif name in {"SIZE", "BODY", "SMTPUTF8"}:
            raise BadOptions(Reply(501, "5.5.4", f"{name} has a wrong value"))
        else:
            raise _unknown(name)
    return MailOptions(size, eight_bit, smtputf8)


def refuse_recipient_options(text: str) -> None:
    """None is offered. Raises BadOptions."""
    for name, _ in _split_options(text):
        raise _unknown(name)


_NO_OPTIONS = MailOptions()


def _options_after(text: str, end: int) -> str:
    rest = text[end:]
    if rest and not rest.startswith(" "):
        raise BadPath(text)
    return rest.strip(" ")


def _check_international(address: str) -> None:
    if len(address.encode()) > _LONGEST_PATH - 2 or not address.isprintable():
        raise BadPath(address)


def _check_literal(literal: str) -> None:
    """`192.0.2.1` or `IPv6:2001:db8::1`, RFC 5321 section 4.1.3."""
    try:
        if literal[:5].upper() == "IPV6:":
            ipaddress.IPv6Address(literal[5:])
        else:
            ipaddress.IPv4Address(literal)
    except ValueError as error:
        raise BadPath(literal) from error


def _split_options(text: str) -> list[tuple[str, str]]:
    options: dict[str, str] = {}
    for word in text.split():
        found = _OPTION.fullmatch(word)
        if found is None:
            raise BadOptions(Reply(501, "5.5.4", "A parameter is malformed"))
        name = found["name"].upper()
        if name in options:
            raise BadOptions(Reply(501, "5.5.4", f"{name} was given twice"))
        options[name] = found["value"] or ""
    return list(options.items())


def _unknown(name: str) -> BadOptions:
    return BadOptions(Reply(555, "5.5.4", f"The parameter {name} is not offered here"))
