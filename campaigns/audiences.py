"""A campaign's audience, and which version of its template each language gets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.behaviour import campaign_behaviour
from campaigns.models import Campaign, Template
from common.errors import InvalidInput
from contacts.segments import condition_of
from contacts.services.segments import resolved_tree
from contacts.targeting import Audience
from contacts.targeting.audience import Condition


@dataclass(frozen=True, slots=True)
class Versioned:
    """A version of a template and the languages whose contacts get it; "" is unknown."""

    template: Template
    languages: tuple[str, ...]
    contacts: int


def audience_of(campaign: Campaign) -> Audience:
    """Whom it is aimed at. Raises InvalidInput for a segment that speaks of what is no longer there."""
    return Audience(
        tags_all=tuple(campaign.tags_all),
        tags_any=tuple(campaign.tags_any),
        exclude_tags=tuple(campaign.exclude_tags),
        language=campaign.language,
        within=_segment_of(campaign),
    )


def pick_version(versions: Iterable[Template], *, language: str, category: str) -> Template | None:
    """The version that fits best: language first (pt-br, then pt, then any), then category (the one asked for, then any)."""
    found = {(version.language, version.category): version for version in versions}
    wanted = [*_with_bases(language), ""]
    return next(
        (found[lang, cat] for lang in dict.fromkeys(wanted) for cat in (category, "") if (lang, cat) in found), None
    )


def split_by_version(
    campaign: Campaign, languages: Mapping[str, int], template: Template | None = None
) -> list[Versioned]:
    """Which version of the campaign's template, or of a variant's `template`, goes to which languages.

    Where none fits, and where the language is unknown, the template itself.
    """
    own = template or campaign.template
    versions = list(Template.objects.filter(name=own.name))
    chosen: dict[int, list[str]] = {}
    by_id = {version.pk: version for version in [*versions, own]}
    for language in sorted(languages):
        picked = pick_version(versions, language=language, category=campaign.category) if language else None
        chosen.setdefault((picked or own).pk, []).append(language)
    return [
        Versioned(by_id[pk], tuple(spoken), sum(languages[language] for language in spoken))
        for pk, spoken in chosen.items()
    ]


def _segment_of(campaign: Campaign) -> Condition | None:
    segment = campaign.segment
    if segment is None:
        return None
    try:
        return condition_of(resolved_tree(segment.tree, behaviour=campaign_behaviour))
    except InvalidInput as error:
        message = f"The segment “{segment.name}” cannot be used. {error.message}"
        raise InvalidInput(message, field="segment", hint=error.hint) from error


def _with_bases(language: str) -> list[str]:
    parts = [part for part in language.lower().split("-") if part]
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
