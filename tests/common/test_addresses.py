"""What is an address, which two are one contact, and what a sender may be called."""

import pytest

from common.addresses import (
    AddressFault,
    InvalidAddress,
    InvalidMailbox,
    parse_address,
    parse_mailbox,
    plain_key,
    wire_form,
)


def fault(text: str) -> AddressFault:
    with pytest.raises(InvalidAddress) as refusal:
        parse_address(text)
    return refusal.value.fault


def test_case_makes_no_other_contact_but_plus_and_dots_do() -> None:
    assert parse_address("Ana.Lee@Example.COM").key == parse_address("ana.lee@example.com").key
    others = ("ana@example.com", "ana+shop@example.com", "a.na@example.com")
    assert len({parse_address(text).key for text in others}) == 3


def test_the_text_keeps_the_local_part_as_written_and_lowers_the_domain() -> None:
    address = parse_address("Ana.Lee@Example.COM")
    assert (address.local, address.domain, str(address)) == ("Ana.Lee", "example.com", "Ana.Lee@example.com")


@pytest.mark.parametrize(
    "around",
    [
        " ",
        "\t",
        "\u00a0",
        "\u200b",
        "\ufeff",
        "\u3000",
        "\u2060",
        " \u00a0\u200b ",
    ],
)
def test_spaces_around_an_address_do_not_matter_even_those_nobody_sees(around: str) -> None:
    assert parse_address(f"{around}ana@example.com{around}").key == "ana@example.com"


def test_an_international_domain_is_one_in_all_its_spellings() -> None:
    spellings = (
        "user@bücher.example.com",
        "user@BÜCHER.example.com",
        "user@bücher。example.com",
        "user@xn--bcher-kva.example.com",
    )
    assert {parse_address(text).key for text in spellings} == {"user@xn--bcher-kva.example.com"}
    address = parse_address(spellings[0])
    assert wire_form(address) == "user@xn--bcher-kva.example.com"
    assert address.text == "user@bücher.example.com"
    assert not address.needs_smtputf8


def test_letters_composed_of_two_signs_are_the_same_letter() -> None:
    composed, single = parse_address("zoe\u0308@example.com"), parse_address("zo\u00eb@example.com")
    assert composed == single
    assert composed.needs_smtputf8


def test_the_wire_keeps_the_case_of_the_local_part() -> None:
    assert wire_form(parse_address("Ana@Example.com")) == "Ana@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "x@example.com",
        "1234567890@example.com",
        "under_score@example.com",
        "o'neil@example.com",
        "a/b=c?d@example.com",
        "first.last@mail.example.com",
        "用户@example.com",
        "пользователь@example.com",
        "a@r3---sn.example.com",
        "a@1und1.example",
        "l" * 64 + "@example.com",
        "a@" + "d" * 63 + ".example.com",
    ],
)
def test_real_addresses_pass(text: str) -> None:
    assert parse_address(text).text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", AddressFault.NO_ADDRESS),
        (" \u00a0\u200b", AddressFault.NO_ADDRESS),
        ("no-at.example.com", AddressFault.NO_AT_SIGN),
        ("n/a", AddressFault.NO_AT_SIGN),
        ("two@@example.com", AddressFault.TWO_AT_SIGNS),
        ("a@b@example.com", AddressFault.TWO_AT_SIGNS),
        ("a@example.com;b@example.com", AddressFault.TWO_ADDRESSES),
        ("a@example.com, b@example.com", AddressFault.TWO_ADDRESSES),
        ("a@example.com ::: b@example.org", AddressFault.TWO_ADDRESSES),
        ("@example.com", AddressFault.NO_LOCAL_PART),
        ("user@", AddressFault.NO_DOMAIN),
        ("user@example", AddressFault.DOMAIN_WITHOUT_DOT),
        ("user@.example.com", AddressFault.DOMAIN_STARTS_WITH_DOT),
        ("user@example..com", AddressFault.TWO_DOTS),
        ("a..b@example.com", AddressFault.TWO_DOTS),
        (".a@example.com", AddressFault.LOCAL_PART_STARTS_WITH_DOT),
        ("a.@example.com", AddressFault.LOCAL_PART_ENDS_WITH_DOT),
        ("a b@example.com", AddressFault.SPACE),
        ("a@exam\u00a0ple.com", AddressFault.SPACE),
        ("a\u200bb@example.com", AddressFault.INVISIBLE_CHARACTER),
        ("a\u202eb@example.com", AddressFault.INVISIBLE_CHARACTER),
        ("a\tb@example.com", AddressFault.CONTROL_CHARACTER),
        ("a\x00b@example.com", AddressFault.CONTROL_CHARACTER),
        ("a@example.com\r\nBcc: b", AddressFault.CONTROL_CHARACTER),
        ("a@example.com\n", AddressFault.CONTROL_CHARACTER),
        ("\r\na@example.com", AddressFault.CONTROL_CHARACTER),
        ("a@example.com\u2028", AddressFault.CONTROL_CHARACTER),
        ("x\ud800@example.com", AddressFault.CONTROL_CHARACTER),
        ("a@-example.com", AddressFault.DOMAIN_HYPHEN),
        ("a@example-.com", AddressFault.DOMAIN_HYPHEN),
        ("a@exa_mple.com", AddressFault.DOMAIN_CHARACTER),
        ("a@example.com.", AddressFault.DOMAIN_ENDS_WITH_DOT),
        ("a,b@example.com", AddressFault.COMMA),
        ("tail@example.com,", AddressFault.COMMA),
        ("a@[192.0.2.1]", AddressFault.ADDRESS_LITERAL),
        ("a@192.0.2.1", AddressFault.DOMAIN_NUMERIC),
        ("a@example.c", AddressFault.DOMAIN_ENDING),
        ("l" * 65 + "@example.com", AddressFault.LOCAL_PART_TOO_LONG),
        ("ü" * 33 + "@example.com", AddressFault.LOCAL_PART_TOO_LONG),
        ("a@" + "d" * 64 + ".example.com", AddressFault.LABEL_TOO_LONG),
        ("a@" + ".".join(["d" * 60] * 4) + ".example.com", AddressFault.TOO_LONG),
        ("a@" + "d" * 1_000_000, AddressFault.TOO_LONG),
        ('"dots..inside"@example.com', AddressFault.QUOTED_LOCAL_PART),
        ('"a@b"@example.com', AddressFault.QUOTED_LOCAL_PART),
        ("a(b)@example.com", AddressFault.LOCAL_PART_CHARACTER),
        ("<a@example.com>", AddressFault.LOCAL_PART_CHARACTER),
        ("a@xn--a.example.com", AddressFault.DOMAIN_NOT_INTERNATIONAL),
        ("a@😀.example.com", AddressFault.DOMAIN_NOT_INTERNATIONAL),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(text: str, expected: AddressFault) -> None:
    assert fault(text) is expected


def test_the_refusal_is_a_sentence_for_people() -> None:
    with pytest.raises(InvalidAddress, match=r"^There is no @ in it\.$") as refusal:
        parse_address("ana")
    assert refusal.value.code == "invalid_email"


def test_the_short_way_agrees_with_the_long_one_or_passes_on() -> None:
    long, international = "l" * 64 + "@example.com", "a@xn--bcher-kva.example.com"
    for text in ("Ana@Example.com", "a+b@x-y.example.org", "ü@example.com", long, international):
        key = plain_key(text)
        assert key is None or key == parse_address(text).key
    assert plain_key("Ana@Example.com") == "ana@example.com"
    assert plain_key(" ana@example.com") is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000 + "!",
        "a." * 100_000,
        "a@" + "b." * 100_000,
        "a@" + "-" * 200_000,
        "@" * 200_000,
    ],
)
def test_hostile_lengths_are_refused_without_a_search(text: str) -> None:
    assert plain_key(text) is None
    assert isinstance(fault(text), AddressFault)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ana@example.com", ""),
        ("<ana@example.com>", ""),
        ("Ana Lee <ana@example.com>", "Ana Lee"),
        ('  "Doe, Ana"   <ana@example.com> ', "Doe, Ana"),
        ('"She said \\"hi\\"" <ana@example.com>', 'She said "hi"'),
        ("Acme, Inc. <ana@example.com>", "Acme, Inc."),
        ("Zoe\u0308 Müller <ana@example.com>", "Zoë Müller"),
        ("ana@example.com <Ana@example.com>", "ana@example.com"),
    ],
)
def test_a_sender_is_a_name_and_an_address(text: str, name: str) -> None:
    found, address = parse_mailbox(text)
    assert (found, address.key) == (name, "ana@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "Ana\r\nBcc: eve@example.com <ana@example.com>",
        "Ana\x00 <ana@example.com>",
        "Ana\x85 <ana@example.com>",
        "Ana\u2028x <ana@example.com>",
        "\u202eanA <ana@example.com>",
        "ana@example.com\n",
        "Ana <a@example.com>, Bo <b@example.com>",
        "Team: Ana <ana@example.com>;",
        "team:;",
        "=?utf-8?q?Hi=0D=0ABcc:_e@x.test?= <ana@example.com>",
        "ceo@bank.example <ana@example.com>",
        "x" * 700 + " <ana@example.com>",
    ],
)
def test_a_sender_that_could_deceive_or_break_a_header_is_refused(text: str) -> None:
    with pytest.raises(InvalidMailbox):
        parse_mailbox(text)


@pytest.mark.parametrize(
    "text",
    [
        "a@example.com, b@example.com",
        "Ana <a@example.com>, b@example.com",
        "Ana <a@example.com> x",
        "Ana <>",
        "Ana",
        "",
    ],
)
def test_a_sender_needs_exactly_one_address(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)
