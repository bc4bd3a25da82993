"""An invented shop's contact export, with what real exports have: the same bytes every time.

Semicolons and a byte order mark, as a spreadsheet of continental Europe saves it; notes over several lines,
padded addresses, the same person twice in other letters, rows that are no contacts, people who have left.
"""

import csv
import io
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

ROWS = 1_000  # records below the heading

HEADINGS = (
    "E-mail address",
    "First name",
    "Last name",
    "Language",
    "Country",
    "Tags",
    "Status",
    "Confirm time",
    "City",
    "Orders",
    "Total spent",
    "Last order",
    "Note",
)
Record = list[str]


def write_export(path: Path) -> None:
    """Write the file, in UTF-8 with a byte order mark and CRLF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for number, record in enumerate(_records()):
        if number in (212, 640):
            text.write(";" * (len(HEADINGS) - 1) + "\r\n")  # what is left when a row's cells are emptied
        writer.writerow(record)
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())


def _records() -> Iterator[Record]:
    dice = random.Random(1848)
    people: list[Record] = []
    for number in range(ROWS):
        if number % 71 == 30:
            yield _nobody(number // 71)
        elif number % 53 == 40:
            yield _again(people[number // 2], number)
        else:
            people.append(_person(number, dice))
            yield people[-1]


def _person(number: int, dice: random.Random) -> Record:
    language = dice.choices(list(_PEOPLE), weights=(40, 25, 15, 12, 8))[0]
    here = _PEOPLE[language]
    first, last = dice.choice(here.first), dice.choice(here.last)
    orders = max(0, round(dice.gauss(3, 3)))
    return [
        _padded(_address(first, last, number), number),
        first,
        last,
        dice.choice(here.spellings),
        dice.choice(here.countries),
        _tags(orders, dice),
        _status(number),
        _moment(dice),
        dice.choice(here.cities),
        str(orders),
        _amount(orders * dice.randint(9, 48) + dice.randint(0, 99) / 100) if orders else "0,00",
        _day(dice) if orders else "",
        _note(number, dice),
    ]


def _address(first: str, last: str, number: int) -> str:
    """Each person's own, at a domain that nobody can have (RFC 2606)."""
    local = f"{_ascii(first)}.{_ascii(last)}{number}".lower()
    domain = ("example.com", "example.org", "example.net")[number % 3]
    if number % 29 == 5:
        local += "+garden"
    if number % 61 == 7:
        domain = ("bücher.example.org", "grün.example.com", "jardín.example.net")[number % 3]
    return f"{local}@{domain}"


def _padded(address: str, number: int) -> str:
    """What stands around addresses that were copied by hand."""
    for every, before, after in ((37, "  ", ""), (43, "", " "), (47, "\u00a0", "\u00a0"), (97, "mailto:", "")):
        if number % every == every - 1:
            return before + address + after
    return address


def _again(person: Record, number: int) -> Record:
    """The same person, exported a second time from another list."""
    address = person[0].strip().removeprefix("mailto:")
    return [address.upper() if number % 2 else f" {address.title()}", *person[1:5], "Newsletter", *person[6:12], ""]


def _nobody(number: int) -> Record:
    """A row that is no contact: the importer must say so, not guess."""
    cell = _NOT_ADDRESSES[number % len(_NOT_ADDRESSES)]
    return [cell, "Walk-in", "customer", "", "", "", "", "", "", "", "", "", "from the till"]


def _status(number: int) -> str:
    for every, status in ((41, "unsubscribed"), (83, "cleaned"), (113, "pending")):
        if number % every == every - 1:
            return status
    return "subscribed" if number % 2 else "Subscribed"


def _tags(orders: int, dice: random.Random) -> str:
    tags = ["Newsletter"]
    if orders >= 6:
        tags.append("VIP" if dice.random() < 0.7 else "vip")
    tags += [
        tag for tag, share in (("balcony", 0.3), ("Allotment", 0.2), ("trade fair 2025", 0.1)) if dice.random() < share
    ]
    return ", ".join(tags)


def _note(number: int, dice: random.Random) -> str:
    if number % 23 == 11:
        return f'Called on {dice.randint(1, 28)} March;\r\nprefers heirloom seeds.\r\nSaid: "no peat, please"'
    return "=SUM(A1:A9)" if number % 331 == 100 else ""


def _moment(dice: random.Random) -> str:
    """As a program writes it."""
    day = f"202{dice.randint(3, 5)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return f"{day} {dice.randint(6, 22):02}:{dice.randint(0, 59):02}:00"


def _day(dice: random.Random) -> str:
    """As the spreadsheet shows it."""
    return f"{dice.randint(1, 28):02}.{dice.randint(1, 12):02}.{dice.choice((2023, 2024, 2025, 2025))}"


def _amount(value: float) -> str:
    """1024.5 as 1.024,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _ascii(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return folded.replace(" ", "")


class _Place:
    """Whom one language brings, and how its people fill in a form."""

    def __init__(self, *, first: str, last: str, cities: str, countries: str, spellings: str) -> None:
        self.first, self.last, self.cities = first.split(), last.split(), cities.split(", ")
        self.countries, self.spellings = countries.split(", "), spellings.split(", ")


_PEOPLE = {
    "en": _Place(
        first="Alice Amir Beth Callum Daisy Ewan Fiona Grace Harry Isla Jack Keira Leo Maya Noah Olive Priya Ruby Sam Zoe",
        last="Adams Barker Clarke Doyle Evans Fraser Gupta Hughes Irwin Jones Khan Lewis Moss Nolan Okafor Price Reid Shaw Ward",
        cities="Bristol, Leeds, Cork, York, Cardiff, Glasgow, Bath, Dublin",
        countries="GB, United Kingdom, IE, Ireland",
        spellings="en, English, en-GB, EN",
    ),
    "de": _Place(
        first="Anja Björn Clara Dieter Emma Frieda Günter Heike Ines Jörg Käthe Lukas Marlene Nils Petra Rolf Sören Uwe",
        last="Becker Brandt Dörr Engel Fischer Groß Hahn Jäger Krämer Löwe Meyer Nagel Otto Schäfer Vogt Weiß Ziegler",
        cities="Köln, Leipzig, Graz, Basel, Münster, Würzburg, Wien, Kiel",
        countries="DE, Deutschland, AT, Schweiz",
        spellings="de, Deutsch, German, de-AT",
    ),
    "fr": _Place(
        first="Adèle Benoît Chloé Damien Élise Fabien Gaëlle Hugo Inès Jérôme Léa Maël Noémie Océane Rémi Zoé",
        last="Aubert Blanc Chevalier Dubois Faure Gérard Lefèvre Marchand Noël Picard Roux Vidal",
        cities="Lyon, Nantes, Liège, Lille, Angers, Genève",
        countries="FR, France, Belgique",
        spellings="fr, Français, fr_FR, French",
    ),
    "es": _Place(
        first="Álvaro Begoña Carmen Diego Elena Íñigo Javier Lucía Marta Nuria Óscar Pilar Raúl Sofía",
        last="Álvarez Blanco Castro Díaz Fernández Gómez Ibáñez López Muñoz Núñez Peña Ruiz",
        cities="Sevilla, Bilbao, Valencia, Oviedo",
        countries="ES, España",
        spellings="es, Español, Spanish",
    ),
    "": _Place(
        first="Aiko Bartosz Chiara Dragan Ewa Giulia Henrik Ilse Joost Katarzyna Matteo Saskia",
        last="Bakker Conti Dąbrowski Ferri Horváth Jansen Kowalska Lund Novák Rossi Sato Visser",
        cities="Utrecht, Bologna, Kraków, Aarhus",
        countries="NL, Italia, PL, Denmark",
        spellings=", ",
    ),
}
_NOT_ADDRESSES = (
    "n/a",
    "walk-in customer",
    "ask.her.at.the.fair@",
    "two@@example.com",
    "",
    "no spaces allowed@example.com",
    "dot..dot@example.net",
    "@example.org",
    "jo@example.com; ann@example.com",
    "unknown",
    "-",
    "info[at]example.com",
    "a@-example.com",
    "+44 20 7946 0000",
)
