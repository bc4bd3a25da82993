"""Names of attached files: made harmless, and which kinds of file no mail carries."""

import re
import unicodedata

from common.errors import InvalidInput

LONGEST_FILENAME = 255  # characters
_LONGEST_ENDING = 20

# Programs, and what starts one when it is opened: the list of support.google.com/mail/answer/6590. Whatever a
# large receiver refuses costs the sender's reputation, wherever else it could be delivered.
REFUSED_ENDINGS = frozenset([
    "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl", "diagcab", "diagcfg",
    "diagpkg", "dll", "dmg", "ex", "ex_", "exe", "hta", "img", "ins", "iso", "isp", "jar", "jnlp", "js", "jse", "lib",
    "lnk", "mde", "mjs", "msc", "msi", "msix", "msixbundle", "msp", "mst", "nsh", "pif", "ps1", "scr", "sct", "shb",
    "sys", "vb", "vbe", "vbs", "vhd", "vxd", "wsc", "wsf", "wsh", "xll",
])  # fmt: skip


def safe_filename(filename: str, *, field: str) -> str:
    """The name alone, in at most 255 characters that all can be seen. Raises InvalidInput where nothing is left, and
    for the ending of a program.

    `C:\\a\\b.pdf` and `../b.pdf` are `b.pdf`. Characters that turn text around are left out: with one of them, the
    name of a program looks like that of a picture.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", filename[-_LONGEST_LOOKED_AT:]))[-1]
    seen = "".join(" " if char.isspace() else char for char in last if char.isspace() or not _is_unseen(char))
    # Windows leaves out dots and blanks at the end: "a.exe. " is a program too.
    name = " ".join(seen.split()).rstrip(". ")
    if not name:
        raise InvalidInput("An attachment needs a file name.", field=field)
    if ending(name) in REFUSED_ENDINGS:
        raise InvalidInput(
            f"Files that end in .{ending(name)} are not sent: mailboxes refuse programs.",
            field=field,
            hint="Put the file where it can be downloaded and send a link.",
        )
    return _shortened(name)


def ending(filename: str) -> str:
    """What stands after the last dot, in lower case; "" where there is no dot."""
    _, dot, last = filename.rpartition(".")
    return last.casefold() if dot else ""


_LONGEST_LOOKED_AT = 4_000
_JOINERS = "\u200c\u200d"  # Persian and emoji cannot be written without them
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _is_unseen(char: str) -> bool:
    if char.isascii():
        return not char.isprintable()
    return (unicodedata.category(char) in _UNSEEN and char not in _JOINERS) or "\ufdd0" <= char <= "\ufdef"


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_FILENAME:
        return name
    stem, dot, last = name.rpartition(".")
    if not dot or len(last) > _LONGEST_ENDING:
        return name[:LONGEST_FILENAME].rstrip(". ")
    return stem[: LONGEST_FILENAME - len(last) - 1].rstrip(". ") + "." + last
