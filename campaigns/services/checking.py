"""Before it goes out: everything that is wrong with a campaign or doubtful about it, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise

from campaigns.audiences import audience_of, split_by_version
from campaigns.merge_fields import fields_without_default
from campaigns.models import Campaign, SplitTest, Variant
from campaigns.services.templates import TemplateText, check_template, text_of
from common.errors import InvalidInput, LettershopError
from contacts.models import ContactAttribute
from contacts.targeting import count_by_language, did_you_mean
from deliverability.services.domains import domain_of
from outbound.compiler import Check
from outbound.models import ProviderAccount

# A version by its name, and what of it would be sent.
Written = tuple[str, TemplateText]

# What every contact has, whatever the tenant's own attributes are.
_BUILT_IN = frozenset({"email", "first_name", "last_name", "language", "timezone", "country"})


class Severity(StrEnum):
    ERROR = "error"  # it cannot be sent like this
    WARNING = "warning"  # it can, but somebody should look at it


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `field` is the campaign's field it is about, where there is one."""

    severity: Severity
    message: str
    field: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


def check_campaign(*, campaign: Campaign) -> list[Problem]:
    """All problems, errors first. None means that it can go out."""
    problems: list[Problem] = []
    variants = list(campaign.variants.select_related("template"))
    written = _written(campaign, variants, problems)
    _check_tracking(campaign, variants, problems)
    _check_provider(campaign, problems)
    _check_domain(campaign, problems)
    attributes = set(ContactAttribute.objects.values_list("key", flat=True))
    for name, text in written:
        _check_version(name, text, attributes, problems)
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.severity != Severity.ERROR)


def errors_of(problems: list[Problem]) -> list[Problem]:
    """Those that keep a campaign from being sent."""
    return [problem for problem in problems if problem.severity == Severity.ERROR]


def sending_provider(campaign: Campaign) -> ProviderAccount:
    """The campaign's provider, or the first active one. Raises InvalidInput where there is none."""
    provider = campaign.provider or ProviderAccount.objects.filter(is_active=True).order_by("id").first()
    if provider is None:
        raise InvalidInput(
            "There is nobody to send it: no provider is set up.", field="provider", hint="Add a provider first."
        )
    if not provider.is_active:
        raise InvalidInput(f"The provider “{provider.name}” is switched off.", field="provider")
    return provider


def _written(campaign: Campaign, variants: Sequence[Variant], problems: list[Problem]) -> list[Written]:
    """What would be sent: each version of the template, or of each variant's."""
    languages = _languages(campaign, variants, problems)
    written: list[Written] = []
    mails = [(variant.template, variant.subject) for variant in variants] or [(None, "")]
    for template, subject in mails:
        chosen = split_by_version(campaign, languages, template) if languages else []
        versions = [version.template for version in chosen] or [template or campaign.template]
        if subject and len(versions) > 1:
            message = f"“{subject}” is the subject in all languages."
            problems.append(
                Problem(Severity.WARNING, message, "variants", "Give the variant a template with a version in each.")
            )
        written += [(str(version), text_of(version, subject=subject)) for version in versions]
    return written


def _languages(campaign: Campaign, variants: Sequence[Variant], problems: list[Problem]) -> Mapping[str, int]:
    try:
        languages = count_by_language(audience_of(campaign))
    except InvalidInput as error:
        problems.append(_error(error))
        return {}
    if not languages:
        hint = "Nobody who may be mailed has these tags and this language."
        problems.append(Problem(Severity.ERROR, "The audience is empty.", "audience", hint))
    elif variants:
        _check_shares(variants, sum(languages.values()), problems)
    return languages


def _check_shares(variants: Sequence[Variant], total: int, problems: list[Problem]) -> None:
    ends = [0, *(total * percent // 100 for percent in accumulate(variant.share for variant in variants))]
    for variant, (begin, end) in zip(variants, pairwise(ends), strict=True):
        if begin == end:
            message = f"The audience is too small: the variant “{variant.name}” would get nobody."
            problems.append(Problem(Severity.ERROR, message, "audience", "Make its share larger, or take it away."))


def _check_tracking(campaign: Campaign, variants: Sequence[Variant], problems: list[Problem]) -> None:
    """A winner by what nobody counts would be chance."""
    if not variants or sum(variant.share for variant in variants) >= 100:
        return
    winner_by = SplitTest.objects.values_list("winner_by", flat=True).get(campaign=campaign)
    tracked = {"opens": campaign.track_opens, "clicks": campaign.track_clicks}
    if not tracked.get(winner_by, True):
        message = f"The winner is chosen by {winner_by}, which this campaign does not track."
        problems.append(Problem(Severity.ERROR, message, "variants", "Track them, or choose the winner by hand."))


def _check_provider(campaign: Campaign, problems: list[Problem]) -> None:
    try:
        sending_provider(campaign)
    except InvalidInput as error:
        problems.append(_error(error))


def _check_domain(campaign: Campaign, problems: list[Problem]) -> None:
    name = campaign.from_address.rpartition("@")[2]
    domain = domain_of(campaign.from_address)
    if domain is not None and domain.keys.filter(is_active=True).exists():
        return
    hint = "Many mailboxes will refuse it or treat it as spam: add the domain as a sending domain."
    message = f"The mail will not be signed: {name} has no DKIM key."
    problems.append(Problem(Severity.WARNING, message, "sender", hint))


def _check_version(name: str, written: TemplateText, attributes: set[str], problems: list[Problem]) -> None:
    try:
        checked = check_template(written)
    except LettershopError as error:
        problems.append(Problem(Severity.ERROR, f"“{name}”: {error.message}", "template", error.hint or ""))
        return
    problems.extend(Problem(Severity.WARNING, f"“{name}”: {warning}", "template") for warning in checked.warnings)
    sources = (written.subject, written.preheader, written.html, written.text)
    problems.extend(_gaps(name, checked, fields_without_default(sources), attributes))


def _gaps(name: str, checked: Check, shown: set[str], attributes: set[str]) -> list[Problem]:
    """Fields that no contact has would be a hole in every mail."""
    known = attributes | _BUILT_IN
    return [
        Problem(
            Severity.ERROR,
            f"“{name}” shows {{{{ {field.name} }}}}, which no contact has, and gives no default.",
            "template",
            did_you_mean(field.name, known) or f'Write {{{{ {field.name} | default("…") }}}}.',
        )
        for field in checked.fields
        if field.name not in known and field.name in shown
    ]


def _error(error: LettershopError) -> Problem:
    return Problem(Severity.ERROR, error.message, error.field or "", error.hint or "")
