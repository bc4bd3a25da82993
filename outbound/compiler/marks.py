"""Characters that stand for something inside the compiler and can never come from outside.

Unicode keeps U+FDD0 to U+FDEF for such use and no text may contain them; `clean` takes them out of
whatever comes in, together with what no mail can carry.
"""

import re

TOKEN = "\ufdd0"  # the recipient's token, always 32 characters wide
TAG_BEGIN = "\ufdd1"  # around the number of a template tag while HTML is looked at
TAG_END = "\ufdd2"

TAG = re.compile(f"{TAG_BEGIN}([0-9]+){TAG_END}")


def clean(text: str) -> str:
    """`text` with LF line ends and U+FFFD for control characters, lone surrogates and noncharacters."""
    if text.isprintable():  # true for none of the characters in question
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNFIT.sub("\ufffd", text)


def tag_mark(number: int) -> str:
    return f"{TAG_BEGIN}{number}{TAG_END}"


_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef]")
