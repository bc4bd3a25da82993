"""How mail servers word a refusal: patterns in, a reason out (deliverability.verdicts says what each means).

Patterns are regular expressions over lower-case text with single blanks; none may be slow, whatever the text.
"""

import re

LONGEST_READ = 4_000  # characters; servers that write more say it at the beginning


def reason_in_words(text: str) -> str:
    """ "" for words that nobody knows."""
    words = " ".join(text[:LONGEST_READ].lower().split())
    return next((reason for reason, pattern in _BY_WORDS if pattern.search(words)), "")


def _compiled(text: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A line at the margin is a reason; the indented lines below it are its patterns."""
    found: list[tuple[str, list[str]]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1][1].append(line.strip())
        else:
            found.append((line, []))
    return tuple((reason, re.compile("|".join(patterns))) for reason, patterns in found)


# The first that matches wins: what is told with certainty stands before what uses the same words loosely.
_BY_WORDS = _compiled(r"""
mailererror
    ^x-unix;
    procmail
    maildrop
    command (?:failed|died)
    mailer error
    pipe to \S+ (?:failed|returned)
filtered
    recipient(?:'s)? preferences
    badrcptto
badreputation
    reputation
    senderscore
    user complaints
    unexpected volume
userunknown
    recipient address rejected: (?:access denied|user unknown)
systemerror
    queue file write error
    internal (?:system )?error
virusdetected
    virus (?:detected|found|infected)
    infected with
    malware
    contains a virus
mailboxfull
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
greylisted
    gr[ea]ylist
    gr[ea]y-list
ratelimited
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
authfailure
    \bdmarc\b
    \bspf\b
    \bdkim\b
    sender policy framework
    unauthenticated (?:e?mail|sender)
    not pass authentication
    authentication (?:information|checks?)
requireptr
    reverse dns
    \bptr\b
    \brdns\b
    cannot find your (?:reverse )?hostname
    no reverse
blocked
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
spamdetected
    \bspam\b
    unsolicited
    junk mail
    \bbulk (?:e?mail|mail)\b
    looks like spam
    spammy
    uribl
    surbl
norelaying
    relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed|is not|prohibited)
    unable to relay
    not (?:permitted|allowed) to relay
    no relaying
    relay not
    we do not relay
    not local
    isn'?t in my list of allowed rcpthosts
rejected
    sender (?:address )?(?:rejected|denied|verify|verification|refused)
    (?:your|this) (?:e-?mail )?address (?:is |has been )?(?:blocked|rejected)
    domain of sender
    sender domain
    from address
    envelope sender
emailtoolarge
    message (?:is )?too (?:large|big)
    size (?:limit|exceeds|exceeded)
    exceeds? (?:the )?(?:maximum |fixed |allowed )?(?:message )?size
    message size
    too large
hostunknown
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
hasmoved
    has moved
    no longer at this
    address has changed
    moved to
    has been replaced
suspend
    (?:account|mailbox|user|recipient|address)\S*(?: \S+){0,6} (?:disabled|suspended|inactive|deactivated|locked|expired|blocked)
    (?:disabled|suspended|inactive|deactivated|closed|frozen|locked) (?:account|mailbox|user|recipient)
    not active
    mailbox (?:is )?(?:disabled|unavailable or access denied)
    discontinued
userunknown
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
systemfull
    insufficient (?:system )?(?:storage|resources|disk)
    no space left
    disk (?:is )?full
    system full
expired
    retry (?:time|timeout)
    time[ds]? ?out
    could not be delivered (?:within|for)
    queue (?:too long|expired)
    expired
    too old
    delivery time
    been in the queue
networkerror
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
failedstarttls
    (?:issue|require\w*|need\w*|support|offer) (?:a )?(?:starttls|tls|encryption)
    (?:starttls|tls) (?:is |was )?(?:required|needed|failed|not)
    tls (?:negotiation|handshake)
policyviolation
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
contenterror
    content (?:rejected|denied|filter|not|violat)
    message content
    8bit
    (?:bad|invalid|missing|malformed|illegal) (?:\S+ )?(?:header|mime)
    mime error
    malformed
notaccept
    not accepting
    no mail (?:is )?accepted
    system not accepting
systemerror
    (?:local|system|server|internal|configuration|temporary) (?:\S+ )?(?:error|failure|problem)
    service (?:unavailable|not available)
    resources? (?:temporarily )?unavailable
    try again later
    temporar(?:y|ily)
mailererror
    command (?:failed|died)
    x-unix
    procmail
    exit (?:status|code)
    mailer error
    can'?t create output
    pipe to
filtered
    not accept (?:mail|messages) from
    recipient (?:rejected|refused)
    because the recipient
    permission
syntaxerror
    syntax error
    protocol (?:violation|error)
    bad sequence
    command not
    unrecognized command
    not implemented
""")
