"""The address in a cell, also where a program or a person wrapped it."""

import re

from common.addresses import Address, InvalidAddress, parse_address

_LINE_ENDS = "\r\n\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_WRAPPED = re.compile(r"(?:[^<>@]*+|\"[^\"]*+\"\s*+)<([^<>]++)>")
_QUOTES = {"'": "'", '"': '"', "‘": "’", "“": "”", "„": "“", "«": "»"}


def address_in_cell(cell: str) -> Address:
    """Like parse_address, and also takes `mailto:a@b.example`, `<a@b.example>`, `Ana <a@b.example>` and an
    address in quotes. Raises InvalidAddress."""
    text = cell.strip(_LINE_ENDS)
    try:
        return parse_address(text)
    except InvalidAddress as refusal:
        inner = _unwrapped(text.strip())
        if inner is None:
            raise
        try:
            return parse_address(inner)
        except InvalidAddress:
            raise refusal from None


def _unwrapped(text: str) -> str | None:
    if text[:7].lower() == "mailto:":
        return text[7:].partition("?")[0]
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1]:
        return text[1:-1]
    found = _WRAPPED.fullmatch(text)
    return found[1] if found else None
