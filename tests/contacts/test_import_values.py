"""What cells say: numbers, dates, names, tags, words for a standing, places."""

import json

import pytest

from contacts.importing.fields import Kind
from contacts.importing.headings import attribute_key, field_of_heading, is_attribute_key
from contacts.importing.kinds import KindGuess
from contacts.importing.names import split_full_name, tidy_name
from contacts.importing.places import country_in_cell, language_in_cell, timezone_in_cell
from contacts.importing.spreadsheet import as_it_was, safe_cell
from contacts.importing.statuses import gravest, status_of_word
from contacts.importing.tag_lists import MOST_TAGS, tags_in_cell
from contacts.importing.values import CHECKS, READERS


@pytest.mark.parametrize(
    ("delimiter", "cells", "kind"),
    [
        (",", ["1", "20", "-3", "4.5"], Kind.NUMBER),
        (",", ["1,234", "5"], Kind.NUMBER_ENGLISH),
        (";", ["1857,39", "12"], Kind.NUMBER_COMMA),
        ("\t", ["3.997,34", "1"], Kind.NUMBER_COMMA),
        (";", ["4489.43", "1"], Kind.NUMBER),
        (";", ["1.234", "5.678"], Kind.TEXT),
        (";", ["1,234"], Kind.TEXT),
        (",", ["001", "1"], Kind.TEXT),
        (",", ["0", "0.50"], Kind.NUMBER),
        (",", ["1234567890123456"], Kind.TEXT),
        (",", ["+4930"], Kind.TEXT),
        (",", ["1", ""], Kind.NUMBER),
        (",", ["NaN"], Kind.TEXT),
        (",", ["١٢"], Kind.TEXT),
        (",", ["yes", "No"], Kind.BOOLEAN),
        (",", ["1", "0"], Kind.NUMBER),
        (",", ["2024-02-29", "2024-12-31 10:00"], Kind.DATE),
        (",", ["2023-02-29"], Kind.TEXT),
        (",", ["21-11-2026", "03-04-2020 10:15:00"], Kind.DATE_DMY),
        (",", ["09.05.1995"], Kind.DATE_DMY),
        (",", ["04/12/2020", "05/31/2020"], Kind.DATE_MDY),
        (",", ["04/12/2020", "31/05/2020"], Kind.DATE_DMY),
        (",", ["04/12/2020"], Kind.TEXT),
        (",", ["12/21"], Kind.TEXT),
        (",", [], Kind.TEXT),
    ],
)
def test_a_column_is_what_all_its_cells_are(delimiter: str, cells: list[str], kind: Kind) -> None:
    guess = KindGuess("Amount", delimiter)
    for cell in cells:
        guess.observe({cell})
    assert guess.kind() is kind


@pytest.mark.parametrize("heading", ["ID", "Record ID", "EXT_ID", "Phone 1 - Value", "ZIP Code", "plz"])
def test_digits_that_nobody_adds_up_are_text(heading: str) -> None:
    guess = KindGuess(heading, ",")
    guess.observe({"12", "13"})
    assert guess.kind() is Kind.TEXT


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (Kind.NUMBER, "12.50", 12.5),
        (Kind.NUMBER_ENGLISH, "1,234.5", 1234.5),
        (Kind.NUMBER_COMMA, "1.234,5", 1234.5),
        (Kind.BOOLEAN, "Ja", True),
        (Kind.BOOLEAN, "false", False),
        (Kind.DATE, "2024/2/9", "2024-02-09"),
        (Kind.DATE, "2024-02-09 8:05", "2024-02-09T08:05:00"),
        (Kind.DATE, "2024-02-09T08:05:00Z", "2024-02-09T08:05:00+00:00"),
        (Kind.DATE_DMY, "9.2.2024 08:05", "2024-02-09T08:05:00"),
        (Kind.DATE_MDY, "2/9/2024", "2024-02-09"),
        (Kind.TEXT, '=1+"1"\t\\', '=1+"1"\t\\'),
    ],
)
def test_a_cell_becomes_a_json_value(kind: Kind, cell: str, value: object) -> None:
    assert json.loads(READERS[kind](cell) or "null") == value


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-21", "2026-02-30", "2026-W01-1", "2026-1-2", "2026-11-21 10:05:00", "2026-11-21T10:05:00",
        "2026-11-21 25:05:00", "2026-11-21T10:05:00Z", "2026/11/21", "2026-11-21 10:05", "21.11.2026", "+026-11-21",
    ],
)  # fmt: skip
def test_a_column_of_dates_holds_what_is_read_as_a_date(cell: str) -> None:
    assert (CHECKS[Kind.DATE](cell) is None) == (READERS[Kind.DATE](cell) is None)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ana Lee", "Ana", "Lee"),
        ("Ana", "Ana", ""),
        ("Ludwig van der Rohe", "Ludwig", "van der Rohe"),
        ("Chloé Le Goff", "Chloé", "Le Goff"),
        ("María José de la Cruz", "María José", "de la Cruz"),
        ("Lee, Ana", "Ana", "Lee"),
        ("Bob Miller, Jr.", "Bob", "Miller, Jr."),
        ("大輔 山﨑", "大輔", "山﨑"),
        ("  Ana \u00a0 Lee ", "Ana", "Lee"),
        ("", "", ""),
    ],
)
def test_a_full_name_is_split(text: str, first: str, last: str) -> None:
    assert split_full_name(text) == (first, last)


def test_a_name_keeps_what_is_in_it_and_loses_what_is_around_it() -> None:
    assert tidy_name(" Ana\u200b ") == "Ana"
    assert tidy_name("Ana\r\nLee") == "Ana Lee"
    assert tidy_name("\t=1+1") == "\t=1+1"


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('"VIP","Blog"', ("VIP", "Blog")),
        ('"say ""hi""","fair, Köln"', ('say "hi"', "fair, Köln")),
        ('churned, say "hi", vip', ("churned", 'say "hi"', "vip")),
        ("customer;webinar 2026", ("customer", "webinar 2026")),
        ("a|b", ("a", "b")),
        ("* myContacts ::: * friends ::: Family", ("myContacts", "friends", "Family")),
        ('["a", "b c"]', ("a", "b c")),
        ("['a', 'b']", ("a", "b")),
        (" one   word ", ("one word",)),
        ("VIP, vip, Vip", ("VIP",)),
        (",, ;", ()),
        ("", ()),
    ],
)
def test_tags_come_in_many_spellings(cell: str, tags: tuple[str, ...]) -> None:
    assert tags_in_cell(cell) == tags


def test_a_cell_has_a_bounded_number_of_tags() -> None:
    assert len(tags_in_cell(",".join(f"t{n}" for n in range(10_000)))) == MOST_TAGS


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Subscribed", "active"),
        ("confirmed", "active"),
        ("enabled", "active"),
        ("Marketing contact", "active"),
        ("unsubscribed", "unsubscribed"),
        ("Opted-Out", "unsubscribed"),
        ("cleaned", "bounced"),
        ("hard_bounce", "bounced"),
        ("Spam complaint", "complained"),
        ("blocklisted", "suppressed"),
        ("BLACKLISTED", "suppressed"),
        ("disabled", "suppressed"),
        ("unconfirmed", "unconfirmed"),
        ("Non-marketing contact", "unconfirmed"),
        ("lead", None),
    ],
)
def test_words_of_other_tools_are_known(word: str, status: str | None) -> None:
    assert status_of_word(word) == status


def test_the_gravest_word_counts() -> None:
    assert gravest(["active", "bounced", "unsubscribed"]) == "bounced"
    assert gravest([]) == ""


@pytest.mark.parametrize(
    ("cell", "language"),
    [
        ("de", "de"),
        ("pt_BR", "pt-br"),
        ("German", "de"),
        ("Français", "fr"),
        ("日本語", "ja"),
        ("eng", "en"),
        (" ", ""),
        ("the usual one", None),
    ],
)
def test_languages_are_kept_as_tags(cell: str, language: str | None) -> None:
    assert language_in_cell(cell) == language


@pytest.mark.parametrize(
    ("cell", "country"),
    [
        ("de", "DE"),
        ("Deutschland", "DE"),
        ("UK", "GB"),
        ("United States", "US"),
        ("Türkiye", "TR"),
        ("Japan", "JP"),
        ("Atlantis", "Atlantis"),
        ("", ""),
    ],
)
def test_countries_are_kept_as_codes_where_they_are_known(cell: str, country: str) -> None:
    assert country_in_cell(cell) == country


@pytest.mark.parametrize(
    ("cell", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("america/new york", "America/New_York"),
        ("UTC", "UTC"),
        ("", ""),
        ("Mars/Olympus", None),
        ("../../etc/passwd", None),
    ],
)
def test_time_zones_are_those_of_the_database(cell: str, zone: str | None) -> None:
    assert timezone_in_cell(cell) == zone


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Größe in cm", "grosse_in_cm"),
        ("Ort", "city"),
        ("SMS", "phone"),
        ("2023", "field_2023"),
        ("email", "field_email"),
        ("顧客 番号", "顧客_番号"),
        ("ग्राहक प्रकार", "ग्राहक_प्रकार"),
        ("  ", "field"),
        ("x" * 200, "x" * 63),
        ("{{ 7*7 }}", "field_7_7"),
    ],
)
def test_a_heading_becomes_a_key_that_a_template_can_name(heading: str, key: str) -> None:
    assert attribute_key(heading) == key
    assert key.isidentifier()
    assert is_attribute_key(key)


def test_a_heading_is_known_by_its_letters_alone() -> None:
    assert {field_of_heading(text) for text in ("E-Mail", " e_mail ", "EMAIL", "e mail\u00a0")} == {
        field_of_heading("email")
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"])
def test_a_spreadsheet_does_not_run_what_a_stranger_wrote(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert as_it_was(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["Ana", "", "'quoted'", "1-2", "O'Neil"])
def test_harmless_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text
    assert as_it_was(text) == text
