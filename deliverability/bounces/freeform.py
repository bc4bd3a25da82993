"""Bounces in prose only: who is meant, and what is said about them."""

import re
from collections.abc import Iterator

from deliverability.bounces.mime import Mail
from deliverability.bounces.report import BounceReport
from deliverability.bounces.words import ADDRESS, about, address_in, after_data, said_by_server, status_in
from deliverability.refusals import reason_in_words
from deliverability.status_codes import reason_of_numbers
from deliverability.verdicts import verdict_of

_MOST_RECIPIENTS = 50
_LONGEST_PROSE = 20_000
_LONGEST_DIAGNOSTIC = 1_500

_FROM_A_MACHINE = re.compile(
    r"(?i)mailer-?daemon|postmaster|mail ?delivery|mail administrator|mail system|undeliver|system administrator|delivery subsystem"
)
_FAILED = re.compile(
    r"(?i)undeliver|not (?:be )?deliver|returned mail|delivery (?:status|fail|problem|error|report|notification|delayed|has failed)"
    r"|fail(?:ed|ure)|mail (?:could not|error|system error)|could not (?:be )?(?:send|sent|deliver)|message (?:not|bounced|rejected)|bounce"
    r"|unable to deliver|unzustellbar|nicht zugestellt|non remis|warning: (?:could not|message)|rejected|blocked|user unknown"
    r"|error (?:sending|in)|notify|dsn"
)
_AUTOMATIC = re.compile(
    r"(?i)^\s*(?:auto(?:matic|mated)?[ -]?(?:re(?:ply|sponse|spuesta)|mat)|auto:|out of (?:the )?office|vacation|away from|absence|abwesend"
    r"|r[ée]ponse automatique|i am (?:away|out)|re: ?\[?auto)|自動"
)
_CODE = re.compile(r"(?<![\d.#-])([45]\d\d)(?=[\s-]|$)")
# How servers name the recipient, the most certain first.
_NAMED = (
    re.compile(r"(?im)^[45]\d\d (?:\d\.\d\.\d )?<?(" + ADDRESS.pattern + r")>?\.\.\."),
    re.compile(r"(?im)^[ \t]*<(" + ADDRESS.pattern + r")>[ \t]*:?"),
    re.compile(r"(?im)\brcpt to:[ \t]*<?(" + ADDRESS.pattern + r")"),
    re.compile(
        r"(?im)^[ \t]*(?:(?:failed |intended )?recipient|to|user|name|address|mailbox)s?[ \t]*:[ \t]*(?:address:)?[ \t]*[<\"\[]?("
        + ADDRESS.pattern
        + r")"
    ),
    re.compile(r"(?im)^[ \t]{0,8}[*\"']?<?(" + ADDRESS.pattern + r")>?[\"']?[ \t]*(?:$|:|\.{2,3}|\(|-|,)"),
    re.compile(r"(?im)\b(?:to|for|recipient|address|user|mailbox)\b[^\n@]{0,40}?[<\"'\[ ](" + ADDRESS.pattern + r")"),
    re.compile(r"(" + ADDRESS.pattern + r")"),
)

_TO = re.compile(r"(?im)^to[ \t]*:([^\n]{0,500})")
_FOLLOWING = re.compile(r"(?i)(?:following|these) (?:\w+ ){0,2}(?:recipient|address)[^\n]{0,80}\n")


def is_automatic_reply(mail: Mail, prose: str) -> bool:
    """Out of office and the like: automatic, and not about a mail that failed."""
    if mail.header("x-failed-recipients") or _FROM_A_MACHINE.search(mail.header("from")[:300]):
        return False
    automatic = mail.header("auto-submitted").lower().startswith("auto-replied") or bool(
        mail.header("x-autoreply")
        or (mail.header("x-auto-response-suppress") and _AUTOMATIC.search(mail.subject))
        or mail.header("x-autorespond")
        or mail.header("precedence").lower() in ("auto_reply", "auto-reply")
    )
    return bool(_AUTOMATIC.search(mail.subject[:200])) or (automatic and not _FAILED.search(mail.subject[:300]))


def read_freeform(mail: Mail, prose: str, original: str) -> list[BounceReport]:
    """[] when neither its sender nor its words say that something could not be delivered."""
    prose = prose[:_LONGEST_PROSE]
    if not (
        _FROM_A_MACHINE.search(mail.header("from")[:300])
        or _FAILED.search(mail.subject[:300])
        or mail.header("x-failed-recipients")
    ):
        return []
    recipients = _recipients(mail, prose, original)
    if not recipients:
        return [_report(None, prose, mail.subject)] if _FAILED.search(mail.subject[:300]) else []
    return [
        _report(address, about(address, prose, recipients) if len(recipients) > 1 else prose, mail.subject)
        for address in recipients
    ]


def _recipients(mail: Mail, prose: str, original: str) -> list[str]:
    failed = [found.strip(".") for found in ADDRESS.findall(mail.header("x-failed-recipients"))]
    if failed:
        return list(dict.fromkeys(failed))[:_MOST_RECIPIENTS]
    named = (address_in(mail.header(name)) for name in ("to", "x-original-to", "delivered-to", "from", "reply-to"))
    ours = {address.lower() for address in named if address}
    for pattern, text in _places(prose):
        found = dict.fromkeys(address.strip(".") for address in pattern.findall(text))
        kept = [address for address in found if address.lower() not in ours and not _FROM_A_MACHINE.search(address)]
        if kept:
            return kept[: _MOST_RECIPIENTS if pattern is not _NAMED[-1] else 1]
    addressed = address_in("".join(_TO.findall(original)[:1]))
    return [addressed] if addressed else []


def _places(prose: str) -> Iterator[tuple[re.Pattern[str], str]]:
    """What to look for and where: first behind words like "the following addresses"."""
    after = _FOLLOWING.search(prose)
    if after:
        yield from ((pattern, prose[after.end() :]) for pattern in _NAMED[:-1])
    yield from ((pattern, prose) for pattern in _NAMED)


def _report(address: str | None, words: str, subject: str) -> BounceReport:
    status = status_in(words)
    code = _CODE.search(words)
    number = int(code[1]) if code else None
    reason = reason_in_words(said_by_server(words)) or reason_in_words(words) or reason_in_words(subject)
    reason = reason or reason_of_numbers(status, number)
    temporary = status.startswith("4.") or (not status and number is not None and number < 500)
    diagnostic = " ".join(said_by_server(words).split())[:_LONGEST_DIAGNOSTIC]
    if reason == "undefined":
        return BounceReport("unknown", address, reason, status, diagnostic)
    verdict = verdict_of(reason, temporary=temporary, after_data=after_data(words), enhanced=status)
    return BounceReport(verdict.kind, address, verdict.reason, status, diagnostic)
