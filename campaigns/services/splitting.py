"""From a campaign with variants to messages: everybody is frozen at once, the rest waits for the winner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaigns.audiences import Versioned, audience_of, split_by_version
from campaigns.models import Campaign, CampaignPart, SplitTest, Template, Variant
from campaigns.services.parts import make_message, start_part
from campaigns.services.previewing import content_of
from campaigns.services.templates import text_of
from common.errors import InvalidInput
from contacts.targeting import hold_audience
from contacts.targeting.sharing import share_held, shared_query
from outbound.compiler import Content

# Contacts by number of the share and language.
Counts = Mapping[tuple[int, str], int]


def make_split_parts(campaign: Campaign, variants: Sequence[Variant]) -> None:
    """A message for each version of each variant, which is started, and those of the rest, which wait.

    The split depends on campaign and contact alone; shares are exact. Part of the caller's transaction. Raises
    InvalidInput where a variant would get nobody.
    """
    languages = hold_audience(audience_of(campaign))
    counts = share_held(key=campaign.pk, percents=[variant.share for variant in variants])
    versions = [split_by_version(campaign, languages, variant.template) for variant in variants]
    for share, (variant, chosen) in enumerate(zip(variants, versions, strict=True)):
        if not _contacts(counts, share, languages):
            message = f"The audience is too small: the variant “{variant.name}” would get nobody."
            raise InvalidInput(message, field="audience")
        variant.versions = [_frozen(variant, version, len(chosen) > 1) for version in chosen]
        variant.save(update_fields=["versions"])
        _make_trial(campaign, variant, share, counts)
    rest = len(variants)
    groups = [spoken for spoken in _groups(languages, versions) if _contacts(counts, rest, spoken)]
    for spoken in groups:
        _make_rest(campaign, variants[0], rest, spoken)
    if groups:
        _set_time(campaign)


def start_rest(part: CampaignPart, winner: Variant) -> None:
    """Send to a part of the rest what was frozen of the winner with the audience, whatever its template says by now."""
    version = _version_of(winner, part.spoken)
    kept = Template.objects.filter(pk=version["template"]).exists()
    base = winner.template_id or part.campaign.template_id
    CampaignPart.objects.filter(pk=part.pk).update(
        variant=winner, template_id=version["template"] if kept else base, language=version["language"]
    )
    part.message.content = version["content"]
    start_part(part.message)


def _make_trial(campaign: Campaign, variant: Variant, share: int, counts: Counts) -> None:
    for version in variant.versions:
        if not _contacts(counts, share, version["languages"]):
            continue
        query, params = shared_query(share, version["languages"])
        message = make_message(campaign, Content(**version["content"]), query, params)
        CampaignPart.objects.create(
            campaign=campaign,
            message=message,
            template_id=version["template"],
            language=version["language"],
            variant=variant,
        )
        start_part(message)


def _make_rest(campaign: Campaign, first: Variant, share: int, spoken: tuple[str, ...]) -> None:
    version = _version_of(first, spoken)
    query, params = shared_query(share, spoken)
    message = make_message(campaign, Content(**version["content"]), query, params)
    CampaignPart.objects.create(
        campaign=campaign,
        message=message,
        template_id=version["template"],
        language=version["language"],
        is_rest=True,
        spoken=list(spoken),
    )


def _groups(languages: Iterable[str], versions: Sequence[Sequence[Versioned]]) -> list[tuple[str, ...]]:
    """Languages that go together whichever variant wins."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for language in sorted(languages):
        picked = tuple(next(v.template.pk for v in chosen if language in v.languages) for chosen in versions)
        groups.setdefault(picked, []).append(language)
    return [tuple(spoken) for spoken in groups.values()]


def _frozen(variant: Variant, version: Versioned, is_one_of_many: bool) -> dict[str, object]:
    return {
        "template": version.template.pk,
        "language": version.template.language if is_one_of_many else "",
        "languages": list(version.languages),
        "content": asdict(content_of(text_of(version.template, subject=variant.subject))),
    }


def _version_of(variant: Variant, spoken: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = next(version for version in variant.versions if spoken[0] in version["languages"])
    return found


def _contacts(counts: Counts, share: int, languages: Iterable[str]) -> int:
    return sum(counts.get((share, language), 0) for language in languages)


def _set_time(campaign: Campaign) -> None:
    """From now on the clock runs, unless somebody chooses by hand."""
    split = SplitTest.objects.get(campaign=campaign)
    if split.winner_by != SplitTest.WinnerBy.HAND:
        split.decides_at = timezone.now() + timedelta(minutes=split.decide_after_minutes)
        split.save(update_fields=["decides_at"])
