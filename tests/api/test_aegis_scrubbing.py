"""What servers say names people and machines; what everybody may read does not."""

import pytest

from api.aegis.scrubbing import LONGEST, scrubbed

SAID = [
    ("SMTP connection timeout", "SMTP connection timeout"),
    ("550 5.1.1 <bob@example.com>: User unknown", "550 5.1.1 <[address]>: User unknown"),
    ('5.1.1 "bob jones"@example.com unknown', "5.1.1 [address] unknown"),
    ("5.7.1 bob@[192.0.2.1] rejected", "5.7.1 [address] rejected"),
    ("4.4.1 mx1.mail.example.com[192.0.2.25]: timed out", "4.4.1 [host][[host]]: timed out"),
    ("4.4.1 [2001:db8::25] and [IPv6:::1] are away", "4.4.1 [[host]] and [[host]] are away"),
    ("no route to 192.0.2.1:25.", "no route to [host]:25."),
    ("blocked, see https://lists.example/q?ip=192.0.2.1.", "blocked, see [link]"),
    ("mailto:postmaster@example.com can tell", "[link] can tell"),
    ("jürgen@bücher.example at mx.bücher.example", "[address] at [host]"),
    ("at 12:34:56 on 2024-08-02, code 4.2.2", "at 12:34:56 on 2024-08-02, code 4.2.2"),
    ("a\r\nb\0c\u202ed\ud800e", "a b c d e"),
    ("xn--bcher-kva.example.", "[host]."),
]


@pytest.mark.parametrize(("said", "told"), SAID)
def test_addresses_hosts_and_links_are_taken_out(said: str, told: str) -> None:
    assert scrubbed(said) == told


@pytest.mark.parametrize("piece", ["a", "a.", "a@", "1.", "::", "-", "https:", '"', "a-", "xn--", "é"])
def test_long_lines_are_cut_and_cost_little(piece: str) -> None:
    assert len(scrubbed(piece * 1_000_000)) <= LONGEST
