"""E-mail addresses: what is one, which two are the same contact, and how one goes on the wire.

The syntax is that of RFC 5321 section 4.1.2 with RFC 6531's letters, less what no mailbox of a real
person has: quoted local parts, address literals, domains without a dot.
"""

import re
import string
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import idna

from common.errors import InvalidInput

LONGEST_LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1
LONGEST_LABEL = 63  # octets, RFC 1035 section 2.3.4
LONGEST_ADDRESS = 254  # octets; what a path of 256 leaves (RFC 5321 section 4.5.3.1.3)

# What word processors, web pages and spreadsheets leave around a copied address and nobody can see.
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # turn text around on screens
INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + _DIRECTIONS
# Line ends are not among them: an address with one is refused, not repaired, lest it end up in a header.
SPACES = INVISIBLE + "\t" + "".join(chr(n) for n in range(0x3001) if unicodedata.category(chr(n)) == "Zs")


class AddressFault(Enum):
    """Why a text is not an address, in a sentence for the person who typed or exported it."""

    NO_ADDRESS = "There is no address."
    NO_AT_SIGN = "There is no @ in it."
    TWO_AT_SIGNS = "There is more than one @ in it."
    TWO_ADDRESSES = "There is more than one address in it."
    NO_LOCAL_PART = "Nothing stands before the @."
    NO_DOMAIN = "Nothing stands after the @."
    CONTROL_CHARACTER = "It holds a tab, a line break or another control character."
    INVISIBLE_CHARACTER = "It holds a character that cannot be seen."
    SPACE = "It holds a space."
    COMMA = "It holds a comma."
    LOCAL_PART_CHARACTER = "A character before the @ cannot stand in an address."
    LOCAL_PART_STARTS_WITH_DOT = "It starts with a dot."
    LOCAL_PART_ENDS_WITH_DOT = "A dot stands right before the @."
    TWO_DOTS = "Two dots stand side by side."
    LOCAL_PART_TOO_LONG = f"The part before the @ is longer than {LONGEST_LOCAL_PART} bytes."
    QUOTED_LOCAL_PART = "Addresses with quotation marks are not taken."
    ADDRESS_LITERAL = "An IP address in brackets is not a mail domain."
    DOMAIN_STARTS_WITH_DOT = "The domain starts with a dot."
    DOMAIN_ENDS_WITH_DOT = "The domain ends with a dot."
    DOMAIN_WITHOUT_DOT = "The domain has no dot, like example in place of example.com."
    DOMAIN_CHARACTER = "A character of the domain cannot stand in a domain."
    DOMAIN_HYPHEN = "A part of the domain starts or ends with a hyphen."
    DOMAIN_NUMERIC = "The domain ends in a number."
    DOMAIN_ENDING = "The domain's ending is a single letter."
    DOMAIN_NOT_INTERNATIONAL = "The international domain name is not valid."
    LABEL_TOO_LONG = f"A part of the domain is longer than {LONGEST_LABEL} characters."
    TOO_LONG = f"It is longer than {LONGEST_ADDRESS} bytes."


class InvalidAddress(InvalidInput):
    """The text is not an e-mail address that mail can be sent to."""

    code = "invalid_email"

    def __init__(self, fault: AddressFault, *, field: str | None = None) -> None:
        super().__init__(fault.value, field=field)
        self.fault = fault


class InvalidMailbox(InvalidInput):
    """The text is not a name with an address."""

    code = "invalid_email"


class Address(NamedTuple):
    """A checked address. `text` is for people; `key` is equal for all spellings of one contact."""

    local: str
    domain: str
    text: str
    key: str

    @property
    def needs_smtputf8(self) -> bool:
        """Can only be mailed through servers that offer SMTPUTF8 (RFC 6531)."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return self.text


def parse_address(text: str) -> Address:
    """The one address that `text` holds, whatever spaces stand around it. Raises InvalidAddress.

    Upper and lower case make no difference to the key, neither does the spelling of an international
    domain; plus signs and dots in the local part do.
    """
    found = _match_plain(text)
    if found is None or len(text) > LONGEST_LOCAL_PART or "--" in text:
        return _parse_slowly(text)
    local, domain = found.groups()
    domain = domain.lower()
    return _new_tuple(Address, (local, domain, f"{local}@{domain}", text.lower()))


def plain_key(text: str) -> str | None:
    """The key of an ordinary ASCII address, at a third of the cost; None means: ask `parse_address`."""
    if _match_plain(text) is None or len(text) > LONGEST_LOCAL_PART or "--" in text:
        return None
    return text.lower()


def wire_form(address: Address) -> str:
    """The address as SMTP wants it: the domain in its ASCII form, the local part as it was written."""
    return f"{address.local}@{address.key.rpartition('@')[2]}"


def parse_mailbox(text: str) -> tuple[str, Address]:
    """Name and address of one sender: `Ana <a@example.com>`, `"Doe, Ana" <a@example.com>` or `a@example.com`.

    The name is "" where there is none. Raises InvalidMailbox for control characters, several
    addresses, groups (RFC 5322 section 3.4) and a name that shows another address; InvalidAddress
    where the address itself is wrong.
    """
    if len(text) > _LONGEST_MAILBOX:
        raise InvalidMailbox(f"A name with its address has at most {_LONGEST_MAILBOX} characters.")
    if any(unicodedata.category(char) in _CONTROL or char in _DIRECTIONS for char in text):
        raise InvalidMailbox("A name and an address must not hold line breaks or control characters.")
    found = _MAILBOX.fullmatch(text.strip(SPACES))
    if found is None:
        return "", _bare_address(text)
    name = _plain_name(found["quoted"], found["words"])
    address = parse_address(found["address"])
    check_shown_name(name, address)
    return name, address


def check_shown_name(name: str, address: Address) -> None:
    """Raises InvalidMailbox for a name like ceo@bank.example before another address: so people are deceived."""
    for shown in _ADDRESS_IN_NAME.findall(name):
        if shown.casefold() != address.text.casefold():
            raise InvalidMailbox("The sender's name shows another address than the sender's own.")


# Possessive quantifiers: a part that has matched is never tried again, so no input can make this slow.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_match_plain = re.compile(
    rf"({_ATOM}(?:\.{_ATOM})*+)@((?:{_LABEL}\.)++[A-Za-z][A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+)"
).fullmatch
_new_tuple = tuple.__new__  # a third of the cost of calling the class

_LONGEST_TEXT = 4 * LONGEST_ADDRESS  # beyond it nothing is looked at
_SEVERAL = re.compile(r"[,;\s]+|:::")
_ATOM_CHARACTERS = frozenset(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-.")
_LABEL_CHARACTERS = frozenset(string.ascii_lowercase + string.digits + "-")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")  # what IDNA takes for a dot (RFC 3490 section 3.1)
_CONTROL = frozenset({"Cc", "Zl", "Zp", "Cs"})
_UNSEEN = frozenset({"Cf", "Cn", "Co"})


def _parse_slowly(text: str) -> Address:
    text = text.strip(SPACES)
    if len(text) > _LONGEST_TEXT:
        raise InvalidAddress(AddressFault.TOO_LONG)
    text = unicodedata.normalize("NFC", text)
    _refuse_characters(text)
    local, domain = _split(text)
    _check_local_part(local)
    domain = domain.translate(_DOTS).lower()
    ascii_domain = _ascii_domain(domain)
    if len(local.encode()) + 1 + len(ascii_domain) > LONGEST_ADDRESS:
        raise InvalidAddress(AddressFault.TOO_LONG)
    key = unicodedata.normalize("NFC", local.casefold())
    return Address(local, domain, f"{local}@{domain}", f"{key}@{ascii_domain}")


def _refuse_characters(text: str) -> None:
    if not text:
        raise InvalidAddress(AddressFault.NO_ADDRESS)
    if text.isascii() and text.isprintable():
        return
    kinds = {unicodedata.category(char) for char in text}
    if kinds & _CONTROL:
        raise InvalidAddress(AddressFault.CONTROL_CHARACTER)
    if kinds & _UNSEEN:
        raise InvalidAddress(AddressFault.INVISIBLE_CHARACTER)


def _split(text: str) -> tuple[str, str]:
    if "@" not in text:
        raise InvalidAddress(AddressFault.NO_AT_SIGN)
    if text.startswith('"'):
        raise InvalidAddress(AddressFault.QUOTED_LOCAL_PART)
    if sum("@" in part[1:-1] for part in _SEVERAL.split(text)) > 1:
        raise InvalidAddress(AddressFault.TWO_ADDRESSES)
    local, _, domain = text.partition("@")
    if "@" in domain:
        raise InvalidAddress(AddressFault.TWO_AT_SIGNS)
    if not local:
        raise InvalidAddress(AddressFault.NO_LOCAL_PART)
    if not domain:
        raise InvalidAddress(AddressFault.NO_DOMAIN)
    if any(char.isspace() for char in text):
        raise InvalidAddress(AddressFault.SPACE)
    if "," in text:
        raise InvalidAddress(AddressFault.COMMA)
    return local, domain


def _check_local_part(local: str) -> None:
    if local.startswith("."):
        raise InvalidAddress(AddressFault.LOCAL_PART_STARTS_WITH_DOT)
    if local.endswith("."):
        raise InvalidAddress(AddressFault.LOCAL_PART_ENDS_WITH_DOT)
    if ".." in local:
        raise InvalidAddress(AddressFault.TWO_DOTS)
    if len(local.encode()) > LONGEST_LOCAL_PART:
        raise InvalidAddress(AddressFault.LOCAL_PART_TOO_LONG)
    if any(char < "\x7f" and char not in _ATOM_CHARACTERS for char in local):
        raise InvalidAddress(AddressFault.LOCAL_PART_CHARACTER)


def _ascii_domain(domain: str) -> str:
    if domain.startswith("["):
        raise InvalidAddress(AddressFault.ADDRESS_LITERAL)
    if domain.startswith("."):
        raise InvalidAddress(AddressFault.DOMAIN_STARTS_WITH_DOT)
    if ".." in domain:
        raise InvalidAddress(AddressFault.TWO_DOTS)
    if domain.endswith("."):
        raise InvalidAddress(AddressFault.DOMAIN_ENDS_WITH_DOT)
    if "." not in domain:
        raise InvalidAddress(AddressFault.DOMAIN_WITHOUT_DOT)
    if len(domain) > LONGEST_ADDRESS:
        raise InvalidAddress(AddressFault.TOO_LONG)
    fault = _domain_fault(domain) if domain.isascii() else None
    if fault:
        raise InvalidAddress(fault)
    if domain.isascii() and "xn--" not in domain:
        return domain
    encoded = _to_ascii(domain)
    if encoded is None:
        raise InvalidAddress(AddressFault.DOMAIN_NOT_INTERNATIONAL)
    fault = _domain_fault(encoded)
    if fault:
        raise InvalidAddress(fault)
    return encoded


def _domain_fault(domain: str) -> AddressFault | None:
    labels = domain.split(".")
    if any(len(label) > LONGEST_LABEL for label in labels):
        return AddressFault.LABEL_TOO_LONG
    if any(label[:1] == "-" or label[-1:] == "-" for label in labels):
        return AddressFault.DOMAIN_HYPHEN
    if not _LABEL_CHARACTERS.issuperset(domain.replace(".", "")):
        return AddressFault.DOMAIN_CHARACTER
    if labels[-1][:1].isdigit():
        return AddressFault.DOMAIN_NUMERIC
    if len(labels[-1]) == 1:
        return AddressFault.DOMAIN_ENDING
    return AddressFault.DOMAIN_WITHOUT_DOT if len(labels) < 2 or not all(labels) else None


@lru_cache(maxsize=4096)
def _to_ascii(domain: str) -> str | None:
    """Cached because a list has many addresses under few international domains, and IDNA is slow."""
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return None


_LONGEST_MAILBOX = 600
_MAILBOX = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<words>[^"<>]*+))\s*+<(?P<address>[^<>]*+)>')
_ADDRESS_IN_NAME = re.compile(r"[^\s@,;<>\"']{1,64}@[^\s@,;<>\"']{1,255}")


def _bare_address(text: str) -> Address:
    if ":" in text and text.rstrip().endswith(";"):
        raise InvalidMailbox("A group of addresses cannot be a sender.")
    if text.count("<") > 1:
        raise InvalidMailbox("There is more than one address in it.")
    return parse_address(text)


def _plain_name(quoted: str | None, words: str | None) -> str:
    if quoted is not None:
        name = re.sub(r"\\(.)", r"\1", quoted)
    else:
        name = words or ""
        if ":" in name or ";" in name:
            raise InvalidMailbox(
                "A colon or semicolon in a sender's name must stand in quotation marks.",
                hint='For instance: "News: today" <news@example.com>.',
            )
    if "=?" in name:
        raise InvalidMailbox("Write the sender's name as it is, not encoded.")
    return " ".join(unicodedata.normalize("NFC", name).split())
