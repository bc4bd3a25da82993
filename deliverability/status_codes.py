"""What the numbers of a refusal mean: enhanced status codes (RFC 3463, the IANA registry and the big providers' own), reply codes."""


def reason_of_numbers(enhanced: str, code: int | None = None) -> str:
    """From the enhanced status (RFC 3463, the IANA registry, and what the big providers made up) or the reply code."""
    return _BY_STATUS.get(enhanced) or _BY_CODE.get(code or 0, "undefined")


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
