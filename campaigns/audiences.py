"""A campaign's audience, and which version of its template each language gets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.models import Campaign, Template
from contacts.targeting import Audience


@dataclass(frozen=True, slots=True)
class Versioned:
    """A version of a template and the languages whose contacts get it; "" is unknown."""

    template: Template
    languages: tuple[str, ...]
    contacts: int


def audience_of(campaign: Campaign) -> Audience:
    """Whom it is aimed at."""
    return Audience(
        tags_all=tuple(campaign.tags_all),
        tags_any=tuple(campaign.tags_any),
        exclude_tags=tuple(campaign.exclude_tags),
        language=campaign.language,
    )


def pick_version(versions: Iterable[Template], *, language: str, category: str) -> Template | None:
    """The version that fits best: language first (pt-br, then pt, then any), then category (the one asked for, then any)."""
    found = {(version.language, version.category): version for version in versions}
    wanted = [*_with_bases(language), ""]
    return next(
        (found[lang, cat] for lang in dict.fromkeys(wanted) for cat in (category, "") if (lang, cat) in found), None
    )


def split_by_version(campaign: Campaign, languages: Mapping[str, int]) -> list[Versioned]:
    """Which version goes to which languages. Where none fits, and where the language is unknown, the campaign's own."""
    versions = list(Template.objects.filter(name=campaign.template.name))
    chosen: dict[int, list[str]] = {}
    by_id = {version.pk: version for version in [*versions, campaign.template]}
    for language in sorted(languages):
        picked = pick_version(versions, language=language, category=campaign.category) if language else None
        chosen.setdefault((picked or campaign.template).pk, []).append(language)
    return [
        Versioned(by_id[pk], tuple(spoken), sum(languages[language] for language in spoken))
        for pk, spoken in chosen.items()
    ]


def _with_bases(language: str) -> list[str]:
    parts = [part for part in language.lower().split("-") if part]
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
