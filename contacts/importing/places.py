"""Languages, countries and time zones as people write them, and as we keep them."""

import re
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import available_timezones

from contacts.importing.headings import normalised

_LONGEST_LANGUAGE = 12
_LONGEST_COUNTRY = 64
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

_LANGUAGES: dict[str, str] = {
    "ar": "ara, arabic, arabisch, arabe, العربية",
    "bg": "bul, bulgarian, български",
    "cs": "ces, cze, czech, tschechisch, tcheque, cestina",
    "da": "dan, danish, danisch, danois, dansk",
    "de": "deu, ger, german, deutsch, allemand, aleman, tedesco, alemao, duits, niemiecki, немецкий",
    "el": "ell, gre, greek, griechisch, grec, ελληνικα",
    "en": "eng, english, englisch, anglais, ingles, inglese, engels, angielski, английский",
    "es": ("spa, spanish, spanisch, espagnol, espanol, castellano, spagnolo, espanhol, spaans, hiszpanski, испанский"),
    "et": "est, estonian, eesti",
    "fi": "fin, finnish, finnisch, finnois, suomi",
    "fr": "fra, fre, french, franzosisch, francais, frances, francese, frans, francuski, французский",
    "he": "heb, hebrew, hebraisch, עברית",
    "hi": "hin, hindi, हिन्दी",
    "hr": "hrv, croatian, kroatisch, hrvatski",
    "hu": "hun, hungarian, ungarisch, magyar",
    "it": "ita, italian, italienisch, italien, italiano, italiaans, wloski, итальянский",
    "ja": "jpn, japanese, japanisch, japonais, 日本語",
    "ko": "kor, korean, koreanisch, 한국어",
    "lt": "lit, lithuanian, lietuviu",
    "lv": "lav, latvian, latviesu",
    "nl": "nld, dut, dutch, niederlandisch, hollandisch, neerlandais, nederlands, olandese",
    "no": "nor, norwegian, norwegisch, norsk",
    "pl": "pol, polish, polnisch, polonais, polski, польский",
    "pt": "por, portuguese, portugiesisch, portugais, portugues, portoghese",
    "ro": "ron, rum, romanian, rumanisch, romana",
    "ru": "rus, russian, russisch, russe, русский",
    "sk": "slk, slo, slovak, slowakisch, slovencina",
    "sl": "slv, slovenian, slowenisch, slovenscina",
    "sr": "srp, serbian, serbisch, српски, srpski",
    "sv": "swe, swedish, schwedisch, suedois, svenska",
    "tr": "tur, turkish, turkisch, turc, turkce",
    "uk": "ukr, ukrainian, ukrainisch, українська",
    "vi": "vie, vietnamese, tieng viet",
    "zh": "zho, chi, chinese, chinesisch, chinois, chino, 中文, 汉语, 漢語",
}
# Names beside the English ones that come with the time zone database.
_COUNTRIES: dict[str, str] = {
    "AE": "uae",
    "AT": "osterreich, autriche, austria",
    "BE": "belgien, belgique, belgie",
    "BR": "brasilien, bresil, brasil",
    "CA": "kanada",
    "CH": "schweiz, suisse, svizzera",
    "CN": "中国",
    "CZ": "czechia, tschechien, cesko",
    "DE": "deutschland, allemagne, alemania, germania, alemanha, duitsland, niemcy, германия",
    "DK": "danemark, danmark",
    "EG": "مصر",
    "ES": "spanien, espagne, espana, spagna, espanha",
    "FI": "finnland, finlande, suomi",
    "FR": "frankreich, francia",
    "GB": (
        "united kingdom, uk, great britain, england, scotland, wales, grossbritannien, royaume uni, "
        "reino unido, regno unito"
    ),
    "GR": "griechenland, grece, hellas",
    "HU": "ungarn, hongrie, magyarorszag",
    "IE": "irland, irlande",
    "IN": "indien, inde, भारत",
    "IT": "italien, italie, italia",
    "JP": "日本, japan, japon",
    "KR": "south korea, korea, 대한민국, sudkorea",
    "MX": "mexiko, mexique",
    "NL": "niederlande, pays bas, paises bajos, nederland, holland, the netherlands",
    "NO": "norwegen, norvege, norge",
    "PL": "polen, pologne, polska",
    "PT": "portugal",
    "RO": "rumanien",
    "RU": "russia, russland, russie, russian federation, россия",
    "SE": "schweden, suede, sverige",
    "TR": "turkey, turkei, turquie, turkiye",
    "UA": "ukraine, україна",
    "US": ("usa, united states of america, vereinigte staaten, etats unis, estados unidos, stati uniti, america"),
}


@lru_cache(maxsize=10_000)
def language_in_cell(cell: str) -> str | None:
    """A language tag in lower case such as `de` or `pt-br`; "" for none, None for a word nobody knows."""
    text = cell.strip().lower().replace("_", "-")
    if not text:
        return ""
    named = _known_languages().get(normalised(text))
    if named:
        return named
    return text if _LANGUAGE_CODE.fullmatch(text) and len(text) <= _LONGEST_LANGUAGE else None


@lru_cache(maxsize=10_000)
def country_in_cell(cell: str) -> str:
    """The ISO 3166 code of a country, or its name as it stands where we do not know it."""
    text = " ".join(cell.split())
    if len(text) == 2 and text.isascii() and text.isalpha():
        return "GB" if text.upper() == "UK" else text.upper()
    return _known_countries().get(normalised(text), text[:_LONGEST_COUNTRY])


@lru_cache(maxsize=10_000)
def timezone_in_cell(cell: str) -> str | None:
    """A name of the time zone database; "" for none, None for what is not in it."""
    text = cell.strip().replace(" ", "_")
    return _zones().get(text.casefold()) if text else ""


@cache
def _known_languages() -> dict[str, str]:
    return {normalised(word): code for code, words in _LANGUAGES.items() for word in words.split(",")}


@cache
def _known_countries() -> dict[str, str]:
    table = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    known = {normalised(name): code for code, name in pairs}
    return known | {normalised(word): code for code, words in _COUNTRIES.items() for word in words.split(",")}


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}
