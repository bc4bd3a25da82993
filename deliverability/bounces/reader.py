"""One mail to what it says about each of its recipients."""

import re
from dataclasses import replace

from deliverability.bounces import delivery_status, feedback
from deliverability.bounces.freeform import is_automatic_reply, read_freeform
from deliverability.bounces.mime import LONGEST_MAIL, Mail, take_apart
from deliverability.bounces.report import BounceReport
from deliverability.bounces.words import MARKED_AS_QUOTED, message_id_in, token_in

_ORIGINAL = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)
# Where prose ends and the returned mail begins.
_BELOW = re.compile(
    r"(?im)^[ \t>]*(?:"
    r"-{2,}[^\n]{0,80}(?:original|copy of (?:the|your) (?:message|mail)|returned message|undelivered message|unsent message"
    r"|message (?:header |text )?follows)[^\n]{0,80}"
    r"|(?:the )?(?:first lines of the )?original message (?:follows|headers)[^\n]{0,60}"
    r"|return-path:[^\n]{0,300}|received: (?:from|by) [^\n]{0,300})$"
)


def read_bounce(raw: bytes) -> list[BounceReport]:
    """What came back, one report a recipient; [] for a mail that is none of these. Never raises."""
    mail = take_apart(raw)
    prose, original = _prose_and_original(mail)
    reports = _read(mail, prose, original)
    everything = raw[:LONGEST_MAIL].decode("latin-1")
    message_id = message_id_in(original)
    token = token_in(original) or token_in(everything)
    return [replace(report, original_message_id=message_id, token=token) for report in reports]


def _read(mail: Mail, prose: str, original: str) -> list[BounceReport]:
    for part in mail.of_type(feedback.TYPE):
        return feedback.read_feedback(part.text, original)
    for part in mail.of_type(*delivery_status.TYPES):
        found = delivery_status.read_delivery_status(part.text, prose)
        if found:
            return found
    if is_automatic_reply(mail, prose):
        return [BounceReport("auto_reply", diagnostic=mail.subject)]
    return read_freeform(mail, prose, original)


def _prose_and_original(mail: Mail) -> tuple[str, str]:
    """The words for people, and what can be seen of the mail that came back."""
    prose = "\n".join(part.text for part in mail.of_type("text/plain", "text"))
    if not prose.strip():
        prose = "\n".join(_without_tags(part.text) for part in mail.of_type("text/html"))
    original = "\n".join(part.text for part in mail.of_type(*_ORIGINAL))
    below = next((found for found in _BELOW.finditer(prose) if prose[: found.start()].strip()), None)
    if below:
        original = original or MARKED_AS_QUOTED.sub("", prose[below.start() :])
        prose = prose[: below.start()]
    return prose, original


_HIDDEN = re.compile(r"<(style|script|head|STYLE|SCRIPT|HEAD)\b")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&nbsp;": " ", "&quot;": '"'}


def _without_tags(text: str) -> str:
    plain = _visible(text)
    plain = re.sub(r"(?i)<(?:br|/p|/div|/tr|/td|/li|/h\d)\b[^<>]{0,200}>", "\n", plain)
    plain = _TAG.sub("", plain)
    for entity, char in _ENTITIES.items():
        plain = plain.replace(entity, char)
    return plain


def _visible(text: str) -> str:
    """Without style sheets and scripts; one that is not closed hides the rest."""
    at, kept = 0, []
    for found in _HIDDEN.finditer(text):
        if found.start() < at:
            continue
        kept.append(text[at : found.start()])
        end = text.find(f"</{found[1]}", found.end())
        if end < 0:
            return "".join(kept)
        at = end
    return "".join([*kept, text[at:]])
