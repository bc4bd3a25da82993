"""Which column becomes which field: a person's word, the headings, the cells."""

from pathlib import Path

import pytest

from common.errors import InvalidInput
from contacts.importing.refusals import NoAddressColumn
from contacts.importing.survey import survey_file


def fields(folder: Path, text: str, mapping: dict[str, str] | None = None) -> list[str]:
    path = folder / "contacts.csv"
    path.write_text(text, encoding="utf-8")
    return [column.key or column.field.value for column in survey_file(path, mapping=mapping).plan.columns]


def test_the_surer_heading_wins_and_the_other_becomes_an_attribute(tmp_path: Path) -> None:
    text = "CC,Country,email,OPTIN_TIME,CONFIRM_TIME\nDE,FR,a@example.com,2024-01-01,2024-01-02\n"
    assert fields(tmp_path, text) == ["cc", "country", "email", "optin_time", "consent_at"]


def test_name_beside_a_first_name_is_the_last_name(tmp_path: Path) -> None:
    assert fields(tmp_path, "email,Vorname,Name\na@example.com,Ana,Lee\n") == ["email", "first_name", "last_name"]
    text = "email,First Name,Last Name,Name\na@example.com,Ana,Lee,Ana Lee\n"
    assert fields(tmp_path, text) == ["email", "first_name", "last_name", "field_name"]


def test_two_columns_never_share_a_key(tmp_path: Path) -> None:
    text = "email,Stadt,City,Notes,notes\na@example.com,a,b,c,d\n"
    assert fields(tmp_path, text) == ["email", "city", "city_2", "notes", "notes_2"]


def test_a_column_without_any_cell_is_passed_over(tmp_path: Path) -> None:
    assert fields(tmp_path, "email,Fax,City\na@example.com,,Bonn\n") == ["email", "skip", "city"]


def test_a_persons_word_counts_more_than_headings(tmp_path: Path) -> None:
    text = "First Name,Email,Backup,Kundennr,Junk\nLee,a@example.com,b@example.com,7,x\n"
    mapping = {"first name": "last_name", "Backup": "email", "Kundennr": "customer_number", "5": "skip"}
    assert fields(tmp_path, text, mapping) == ["last_name", "field_email", "email", "customer_number", "skip"]


def test_where_nobody_knows_the_column_it_is_asked_for(tmp_path: Path) -> None:
    text = "Kunde;Ort;Kontakt\nMeier;Bonn;keiner\nKlein;Ulm;keiner\nLang;Kiel;a@example.com\n"
    with pytest.raises(NoAddressColumn) as refusal:
        fields(tmp_path, text)
    assert refusal.value.columns == ("Kunde", "Ort", "Kontakt")
    assert fields(tmp_path, text, {"Kontakt": "email"}) == ["kunde", "city", "email"]


@pytest.mark.parametrize(
    "mapping",
    [
        {"Nobody": "email"},
        {"Name": "e mail!"},
        {"Name": "email", "Mail": "email"},
        {"Name": "Umlaut ü", "Mail": "email"},
        {"Name": "x", "City": "x"},
        {"Name": "9lives"},
        {"99": "email"},
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        fields(tmp_path, "Name,Mail,City\nAna,a@example.com,Bonn\n", mapping)


def test_attributes_given_as_json_count_as_such_only_when_they_are(tmp_path: Path) -> None:
    assert fields(tmp_path, 'email,extra\na@example.com,"{""a"": 1}"\n') == ["email", "json"]
    assert fields(tmp_path, "email,extra\na@example.com,cheese\n") == ["email", "extra"]
