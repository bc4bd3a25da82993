"""How mail servers word a refusal, and how they number it: patterns in, a reason out (deliverability.verdicts).

Patterns are regular expressions over lower-case text with single blanks; none may be slow, whatever the text.
"""

import re

LONGEST_READ = 4_000  # characters; servers that write more say it at the beginning


def reason_in_words(text: str) -> str:
    """ "" for words that nobody knows."""
    words = " ".join(text[:LONGEST_READ].lower().split())
    return next((reason for reason, pattern in _BY_WORDS if pattern.search(words)), "")


def reason_of_numbers(enhanced: str, code: int | None = None) -> str:
    """From the enhanced status (RFC 3463, the IANA registry, and what the big providers made up) or the reply code."""
    return _BY_STATUS.get(enhanced) or _BY_CODE.get(code or 0, "undefined")


# One pattern a line. The first that matches wins: what is told with certainty stands before what uses the same words loosely.
_WORDS: tuple[tuple[str, str], ...] = (
    (
        "mailererror",
        r"""
        ^x-unix;
        procmail
        maildrop
        command (?:failed|died)
        mailer error
        pipe to \S+ (?:failed|returned)
    """,
    ),
    (
        "filtered",
        r"""
        recipient(?:'s)? preferences
        badrcptto
    """,
    ),
    (
        "badreputation",
        r"""
        reputation
        senderscore
        user complaints
        unexpected volume
    """,
    ),
    (
        "userunknown",
        r"""
        recipient address rejected: (?:access denied|user unknown)
    """,
    ),
    (
        "systemerror",
        r"""
        queue file write error
        internal (?:system )?error
    """,
    ),
    (
        "virusdetected",
        r"""
        virus (?:detected|found|infected)
        infected with
        malware
        contains a virus
    """,
    ),
    (
        "mailboxfull",
        r"""
        (?:over|exceed\w*|out of|above) (?:the |its |their |his |your )?(?:storage |disk |mail ?box )?quota
        quota (?:has been )?exceeded
        mail ?box (?:is |has )?(?:currently )?(?:too )?(?:full|over)
        (?:mail ?box|account|user|inbox|storage|maildir)\S* (?:is |has |are )?(?:over|exceed|full)
        insufficient (?:mailbox )?storage space
        not enough storage space
        exceeded storage
        out of storage
        storage (?:quota|limit|allocation)
        full mailbox
        mailbox size limit
        disk quota
        not enough disk space
    """,
    ),
    (
        "greylisted",
        r"""
        gr[ea]ylist
        gr[ea]y-list
    """,
    ),
    (
        "ratelimited",
        r"""
        too many (?:concurrent )?(?:connections|messages|emails|recipients|sessions)
        rate limit
        ratelimit
        sending too (?:fast|quickly)
        unusual rate
        throttl
        try again later.*rate
        connection (?:rate|limit)
        concurrency limit
        exceeded.*rate
    """,
    ),
    (
        "authfailure",
        r"""
        \bdmarc\b
        \bspf\b
        \bdkim\b
        sender policy framework
        unauthenticated (?:e?mail|sender)
        not pass authentication
        authentication (?:information|checks?)
    """,
    ),
    (
        "requireptr",
        r"""
        reverse dns
        \bptr\b
        \brdns\b
        cannot find your (?:reverse )?hostname
        no reverse
    """,
    ),
    (
        "blocked",
        r"""
        black ?list
        block ?list
        blocklisted
        \b(?:dns|r)?[rb]bls?\b
        spamhaus
        spamcop
        barracudacentral
        sorbs
        \b(?:ip|host|server|network)\b(?: address)?(?: \S+)? (?:is |has been |was )?(?:blocked|banned|denied|rejected|listed|not allowed)
        blocked (?:by|using|for|because|due)
        client host (?:rejected|blocked)
        access denied.*ip
        helo command rejected
        banned
    """,
    ),
    (
        "spamdetected",
        r"""
        \bspam\b
        unsolicited
        junk mail
        \bbulk (?:e?mail|mail)\b
        looks like spam
        spammy
        uribl
        surbl
    """,
    ),
    (
        "norelaying",
        r"""
        relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed|is not|prohibited)
        unable to relay
        not (?:permitted|allowed) to relay
        no relaying
        relay not
        we do not relay
        not local
        isn'?t in my list of allowed rcpthosts
    """,
    ),
    (
        "rejected",
        r"""
        sender (?:address )?(?:rejected|denied|verify|verification|refused)
        (?:your|this) (?:e-?mail )?address (?:is |has been )?(?:blocked|rejected)
        domain of sender
        sender domain
        from address
        envelope sender
    """,
    ),
    (
        "emailtoolarge",
        r"""
        message (?:is )?too (?:large|big)
        size (?:limit|exceeds|exceeded)
        exceeds? (?:the )?(?:maximum |fixed |allowed )?(?:message )?size
        message size
        too large
    """,
    ),
    (
        "hostunknown",
        r"""
        host (?:or domain name )?(?:unknown|not found)
        unknown (?:host|domain)
        domain (?:name )?(?:does not exist|not found|unknown|is not valid)
        no such (?:domain|host)
        name or service not known
        host not found
        nxdomain
        unrouteable mail domain
        no (?:mx|mail exchanger?)
        bad destination host
        domain .{1,80} does not exist
        domain is not reachable
        null mx
        (?:host|domain) does not accept (?:any )?(?:mail|e-?mail)
    """,
    ),
    (
        "hasmoved",
        r"""
        has moved
        no longer at this
        address has changed
        moved to
        has been replaced
    """,
    ),
    (
        "suspend",
        r"""
        (?:account|mailbox|user|recipient|address)\S*(?: \S+){0,6} (?:disabled|suspended|inactive|deactivated|locked|expired|blocked)
        (?:disabled|suspended|inactive|deactivated|closed|frozen|locked) (?:account|mailbox|user|recipient)
        not active
        mailbox (?:is )?(?:disabled|unavailable or access denied)
        discontinued
    """,
    ),
    (
        "userunknown",
        r"""
        (?:user|recipient|mail ?box|address|account|destination|alias)\S*(?: \S+){0,4}? (?:unknown|not found|not known)
        (?:user|recipient|mail ?box|address|account|destination|alias)\S*(?: \S+){0,4}? (?:invalid|not exist|undeliverable|nonexistent)
        (?:unknown|invalid|no such|bad|non-?existent) (?:\S+ ){0,2}?(?:user|recipient|mail ?box|address|account|alias|person|id\b)
        (?:illegal|incorrect|not a valid|unrecognized|unrouteable|undeliverable) (?:\S+ ){0,2}?(?:user|recipient|mail ?box|address|account)
        (?:does|do|did)(?: not|n'?t) (?:exist|have an?)
        no (?:mail ?box|user|account|recipient)\b
        not listed in
        user doesn'?t
        recipnotfound
        recipient ?not ?found
        mailbox (?:not found|unavailable)
        no one by that name
        isn'?t a (?:known|valid)
        is not a (?:known|valid)
        not our customer
        couldn'?t be found
        could not be found
        user unknown
        unknown local
        no longer (?:available|valid|in use|works?)
        this user
        not known
    """,
    ),
    (
        "systemfull",
        r"""
        insufficient (?:system )?(?:storage|resources|disk)
        no space left
        disk (?:is )?full
        system full
    """,
    ),
    (
        "expired",
        r"""
        retry (?:time|timeout)
        time[ds]? ?out
        could not be delivered (?:within|for)
        queue (?:too long|expired)
        expired
        too old
        delivery time
        been in the queue
    """,
    ),
    (
        "networkerror",
        r"""
        connection (?:refused|reset|lost|dropped|timed)
        no route to host
        unreachable
        loop
        too many hops
        name server
        dns (?:error|failure|lookup)
        network error
        lost connection
        could not connect
        unable to connect
    """,
    ),
    (
        "failedstarttls",
        r"""
        (?:issue|require\w*|need\w*|support|offer) (?:a )?(?:starttls|tls|encryption)
        (?:starttls|tls) (?:is |was )?(?:required|needed|failed|not)
        tls (?:negotiation|handshake)
    """,
    ),
    (
        "policyviolation",
        r"""
        polic(?:y|ies)
        attachment
        not rfc
        rfc ?(?:2822|5322|822)
        prohibited
        administrative
        (?:message|mail) (?:rejected|refused|blocked)
        header error
        access denied
        smtp authentication
        authentication required
    """,
    ),
    (
        "contenterror",
        r"""
        content (?:rejected|denied|filter|not|violat)
        message content
        8bit
        (?:bad|invalid|missing|malformed|illegal) (?:\S+ )?(?:header|mime)
        mime error
        malformed
    """,
    ),
    (
        "notaccept",
        r"""
        not accepting
        no mail (?:is )?accepted
        system not accepting
    """,
    ),
    (
        "systemerror",
        r"""
        (?:local|system|server|internal|configuration|temporary) (?:\S+ )?(?:error|failure|problem)
        service (?:unavailable|not available)
        resources? (?:temporarily )?unavailable
        try again later
        temporar(?:y|ily)
    """,
    ),
    (
        "mailererror",
        r"""
        command (?:failed|died)
        x-unix
        procmail
        exit (?:status|code)
        mailer error
        can'?t create output
        pipe to
    """,
    ),
    (
        "filtered",
        r"""
        not accept (?:mail|messages) from
        recipient (?:rejected|refused)
        because the recipient
        permission
    """,
    ),
    (
        "syntaxerror",
        r"""
        syntax error
        protocol (?:violation|error)
        bad sequence
        command not
        unrecognized command
        not implemented
    """,
    ),
)
_BY_WORDS = tuple(
    (reason, re.compile("|".join(line.strip() for line in patterns.strip().splitlines())))
    for reason, patterns in _WORDS
)

_STATUS = {
    "userunknown": "5.1.0 5.1.1 5.1.10 5.1.3 5.4.1",
    "hostunknown": "5.1.2 5.4.310 5.4.4 5.7.27",
    "hasmoved": "5.1.6",
    "rejected": "5.1.7 5.1.8",
    "undefined": "5.1.4",
    "policyviolation": "5.7.0 5.7.1 5.7.2",
    "filtered": "5.2.0 5.7.124 5.7.129 5.7.133 5.7.134 5.7.136",
    "suspend": "5.2.1",
    "mailboxfull": "4.2.2 5.2.2",
    "emailtoolarge": "5.2.3 5.3.4",
    "mailererror": "5.2.4 5.3.0",
    "ratelimited": "4.2.1 4.3.2 4.7.0 4.7.1 4.7.28 5.7.28",
    "systemfull": "4.3.1 5.3.1",
    "notaccept": "5.3.2",
    "systemerror": "4.3.0 4.3.5 4.4.5 5.3.5",
    "networkerror": "4.4.0 4.4.2 4.4.3 4.4.4 4.4.6 5.4.0 5.4.14 5.4.2 5.4.3 5.4.5 5.4.6",
    "expired": "4.4.1 4.4.7 5.4.7",
    "syntaxerror": "5.5.0 5.5.1 5.5.2 5.5.3 5.5.4 5.5.5",
    "contenterror": "5.6.0 5.6.1 5.6.2 5.6.3 5.6.5 5.6.6 5.6.7 5.6.8",
    "failedstarttls": "5.7.10",
    "requireptr": "4.7.25 5.7.25",
    "authfailure": "4.7.26 4.7.32 5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.26 5.7.509",
    "badreputation": "4.7.650",
    "blocked": "5.7.606",
    "norelaying": "5.7.54 5.7.64",
}
_BY_STATUS = {status: reason for reason, statuses in _STATUS.items() for status in statuses.split()}
_BY_CODE = {
    421: "ratelimited",
    451: "systemerror",
    452: "systemfull",
    521: "notaccept",
    523: "emailtoolarge",
    530: "policyviolation",
    552: "mailboxfull",
    556: "hostunknown",
}
