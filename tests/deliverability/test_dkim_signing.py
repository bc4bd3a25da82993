import base64
import re
import time
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.errors import InvalidInput
from deliverability.dkim import ED25519, RSA, DkimSigner, generate_key, sign_message
from deliverability.dkim.canonical import relaxed_body, relaxed_header
from deliverability.dkim.signer import OVERSIGNED
from tests.deliverability.dkim_oracle import verdicts

RSA_PEM, RSA_RECORD = generate_key(RSA)
ED_PEM, ED_RECORD = generate_key(ED25519)
RECORDS = {"r1._domainkey.acme.example": RSA_RECORD, "e1._domainkey.acme.example": ED_RECORD}
MAIL = (
    b"From: Acme <news@acme.example>\r\nTo: ann@b.example\r\nSubject: Hello\r\n   you\r\n"
    b"Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nX-Other:  two  blanks \r\n\r\nHi  there \r\n.\tdot\r\n\r\n\r\n"
)

# RFC 8463 appendix A.3.
SAMPLE = b"""\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
SAMPLE_SIGNATURE = b"""\
 v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=""".replace(b"\n", b"\r\n")
SAMPLE_RESULT = b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
SAMPLE_SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")

# 768 bits, made for this test.
SHORT_PEM = """\
-----BEGIN PRIVATE KEY-----
MIIB5QIBADANBgkqhkiG9w0BAQEFAASCAc8wggHLAgEAAmEAtAnBlfZxTf9d9Jiz
IcqCOBdDe4+3b19abtkgA3OknmfwDWXvhMYCuhybMKlBRqczlizVmQAOULSoRloX
LdCnvbDjj585QcXFyG76hiEC/+ksY7Puy6IMc76xBMXUpVdBAgMBAAECYDUZX4gc
PES12X8nfkWsFYX3joal14M4i1KAJUn/VIEHxKwe8Wqmf+1mPHs4oDD3ZOfxyrjU
NjVVjTJ1/D8HTUaiiRiyL66vW3I6238oT5QSbBTzwkH4ltqF5WA1ICF8hQIxANoR
WWMjfIae0h+GCuJSX5FIPGMI+J0/yasIPtboQ1OV438CAXz0HTgFG6IWjLrgfwIx
ANNa7hcfUgzkmaohX1Y2xYuZMnY/jMyj1foCJVxk4eQ3aqXyBt9c2tysbujG7kvo
PwIxALtxQEF8RlS8/ebE5GQn5CfQTL/f/TvFkcam/sThvsWBSJxqj/blKpx1n4wT
EAKuZwIwUV26NzCZl9kRx0tdtoUTe/CYWqmQfN+96qeU1oMH66Hh7szEFI1cvIOt
lvOunY5lAjEAiK+lIObzVO5AcuyS0d92Mh2h90uvFMYCXw0jVXvQNzP9aA4krRQx
gCqGqx6jbo5u
-----END PRIVATE KEY-----
"""


def signers() -> list[DkimSigner]:
    return [DkimSigner.from_pem("acme.example", "e1", ED_PEM), DkimSigner.from_pem("acme.example", "r1", RSA_PEM)]


def signed(mail: bytes = MAIL) -> bytes:
    return sign_message(mail, signers(), now=int(time.time()))


def test_both_signatures_of_a_message_verify():
    assert verdicts(signed(), RECORDS) == [True, True]


def test_rsa_signs_first_whatever_the_order_of_the_keys():
    assert re.findall(rb"a=([a-z0-9-]+);", signed()) == [b"rsa-sha256", b"ed25519-sha256"]


def test_the_message_itself_is_not_touched():
    assert signed().endswith(MAIL)


@pytest.mark.parametrize(
    "changed",
    [
        signed().replace(b"Hi  there", b"Hi  here"),
        signed().replace(b"Subject: Hello", b"Subject: Hallo"),
        b"From: other@acme.example\r\n" + signed(),
        b"Subject: another\r\n" + signed(),
        b"Reply-To: other@evil.example\r\n" + signed(),
        b"List-Unsubscribe: <https://evil.example>\r\n" + signed(),
        b"Content-Type: text/html\r\n" + signed(),
        signed() + b"more\r\n",
    ],
    ids=[
        "body",
        "subject",
        "second From",
        "second Subject",
        "Reply-To",
        "List-Unsubscribe",
        "Content-Type",
        "more body",
    ],
)
def test_a_message_that_was_changed_or_added_to_no_longer_verifies(changed):
    assert verdicts(changed, RECORDS) == [False, False]


def test_what_servers_do_on_the_way_does_no_harm():
    relayed = b"Received: from a by b; Sat, 21 Nov 2026\r\nX-Spam: no\r\n" + signed().replace(b"\r\n   you", b" you")
    assert verdicts(relayed, RECORDS) == [True, True]


def test_every_field_a_reader_sees_is_listed_once_more_than_it_occurs():
    listed = re.sub(rb"\s", b"", re.findall(rb"h=([^;]+);", signed())[0]).decode().split(":")
    present = [line.partition(b":")[0].lower().decode() for line in MAIL.split(b"\r\n\r\n")[0].split(b"\r\n")]
    for name in OVERSIGNED:
        assert listed.count(name.lower()) == present.count(name.lower()) + 1


def test_a_signature_ends_after_a_week_and_never_signs_a_part_of_the_body():
    fields = sign_message(MAIL, signers(), now=1_000_000)
    assert fields.count(b"t=1000000; x=1604800;") == 2
    assert b"l=" not in fields.split(b"\r\nFrom:")[0]


def test_the_sample_of_rfc_8463_gets_the_very_signature_of_the_rfc():
    head, _, body = SAMPLE.partition(b"\r\n\r\n")
    lines = {line.partition(b":")[0].lower(): line.partition(b":") for line in head.split(b"\r\n")}
    chosen = [lines[name] for name in (b"from", b"to", b"subject", b"date", b"message-id")]
    canonical = b"".join(relaxed_header(name, value) for name, _, value in chosen)
    canonical += relaxed_header(b"DKIM-Signature", SAMPLE_SIGNATURE).removesuffix(b"\r\n")
    key = DkimSigner("football.example.com", "brisbane", ED25519, Ed25519PrivateKey.from_private_bytes(SAMPLE_SEED))
    body_hash = base64.b64encode(sha256(relaxed_body(body)).digest())
    assert b"bh=" + body_hash in SAMPLE_SIGNATURE
    assert key.sign(canonical) == SAMPLE_RESULT


def test_a_message_with_two_from_fields_or_none_is_not_signed():
    for mail in (b"From: a@b.example\r\n" + MAIL, MAIL.replace(b"From: Acme <news@acme.example>\r\n", b"")):
        with pytest.raises(InvalidInput, match="exactly one From"):
            sign_message(mail, signers(), now=1)


@pytest.mark.parametrize(
    "mail", [MAIL.replace(b"\r\n", b"\n"), MAIL + b"\n", MAIL + b"\r", b"no colon\r\n\r\n", b" a: b\r\n"]
)
def test_bytes_that_would_change_on_the_way_are_not_signed(mail):
    with pytest.raises(InvalidInput):
        sign_message(mail, signers(), now=1)


def test_a_message_without_a_body_is_signed():
    assert verdicts(signed(b"From: a@acme.example\r\nSubject: x\r\n\r\n"), RECORDS) == [True, True]


def test_two_fields_of_one_name_are_both_signed_from_the_bottom_up():
    mail = b"From: a@acme.example\r\nReferences: <1@x>\r\nReferences: <2@x>\r\n\r\nbody\r\n"
    assert verdicts(signed(mail), RECORDS) == [True, True]
    assert verdicts(signed(mail).replace(b"<1@x>", b"<3@x>"), RECORDS) == [False, False]


def test_without_a_key_the_message_stays_as_it_is():
    assert sign_message(MAIL, [], now=1) == MAIL


def test_a_key_is_never_shown():
    assert "key" not in repr(signers()[0])


def test_a_key_is_read_once():
    first, second = (DkimSigner.from_pem("acme.example", "r1", RSA_PEM) for _ in range(2))
    assert first.key is second.key


def test_the_published_records_name_their_kind():
    assert RSA_RECORD.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", ED_RECORD)


@pytest.mark.parametrize(
    "pem", ["", "rubbish", RSA_PEM.replace("M", "N"), "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"]
)
def test_what_is_no_key_is_refused_without_being_repeated(pem):
    with pytest.raises(InvalidInput) as error:
        DkimSigner.from_pem("acme.example", "r1", pem)
    assert "BEGIN" not in str(error.value)


def test_a_short_rsa_key_is_refused():
    with pytest.raises(InvalidInput):
        DkimSigner.from_pem("acme.example", "s", SHORT_PEM)


@pytest.mark.parametrize(
    ("domain", "selector"), [("a b", "s"), ("acme.example", "s;"), ("", "s"), ("-a.example", "s"), ("a.example", "")]
)
def test_a_name_that_cannot_stand_in_dns_is_refused(domain, selector):
    with pytest.raises(InvalidInput):
        DkimSigner.from_pem(domain, selector, ED_PEM)


def test_an_international_domain_signs_in_its_ascii_form():
    assert DkimSigner.from_pem("Bücher.example.", "S1", ED_PEM).domain == "xn--bcher-kva.example"


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(InvalidInput):
        generate_key("rsa-sha1")
