"""What a mail server said, made fit for everybody: without addresses, hosts and links."""

import re
from ipaddress import ip_address

LONGEST = 300
# Possessive quantifiers: a part that has matched is never tried again.
_LINK = re.compile(r"\b(?:https?|ftp|mailto):[^\s<>()\"']++", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:\"[^\"]{1,64}+\"|[^\s@<>()\[\]{},;:\"']++)@(?:\[[^\s\]]*+\]|[^\s@<>()\[\]{},;:\"']++)")
_MAYBE_IP = re.compile(r"(?<![\w.:])(?:IPv6:)?([0-9a-f]*+[:.][0-9a-f:.]*+)", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w.-])(?:[^\W_][\w-]{0,62}\.){1,20}(?:xn--[\w-]{2,59}|[^\W\d_]{2,63})(?![\w-])")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def scrubbed(text: str) -> str:
    """One line of at most LONGEST characters; `[address]`, `[host]` and `[link]` stand where those stood."""
    line = _CONTROLS.sub(" ", text[: 4 * LONGEST]).strip()
    line = _LINK.sub("[link]", line)
    line = _ADDRESS.sub("[address]", line)
    line = _MAYBE_IP.sub(_without_ip, line)
    return _HOST.sub("[host]", line)[:LONGEST]


def _without_ip(found: "re.Match[str]") -> str:
    """Enhanced status codes (5.1.1) and times look alike; a port or a full stop may stand behind."""
    text = found[1]
    for address in (text, text.rstrip(".:"), text.rpartition(":")[0]):
        try:
            ip_address(address)
        except ValueError:
            continue
        return "[host]" + text[len(address) :]
    return found[0]
