"""Before it goes out: everything that is wrong with a campaign or doubtful about it, in words."""

from dataclasses import dataclass
from enum import StrEnum

from campaigns.audiences import Versioned, audience_of, split_by_version
from campaigns.merge_fields import fields_without_default
from campaigns.models import Campaign, Template
from campaigns.services.templates import check_template, text_of
from common.errors import InvalidInput, LettershopError
from contacts.models import ContactAttribute
from contacts.targeting import count_by_language, did_you_mean
from deliverability.services.domains import domain_of
from outbound.compiler import Check
from outbound.models import ProviderAccount

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
    versions = _versions(campaign, problems)
    _check_provider(campaign, problems)
    _check_domain(campaign, problems)
    attributes = set(ContactAttribute.objects.values_list("key", flat=True))
    for template in versions:
        _check_version(template, attributes, problems)
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


def _versions(campaign: Campaign, problems: list[Problem]) -> list[Template]:
    try:
        languages = count_by_language(audience_of(campaign))
    except InvalidInput as error:
        problems.append(_error(error))
        return [campaign.template]
    if not languages:
        hint = "Nobody who may be mailed has these tags and this language."
        problems.append(Problem(Severity.ERROR, "The audience is empty.", "audience", hint))
        return [campaign.template]
    split: list[Versioned] = split_by_version(campaign, languages)
    return [version.template for version in split]


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


def _check_version(template: Template, attributes: set[str], problems: list[Problem]) -> None:
    written = text_of(template)
    try:
        checked = check_template(written)
    except LettershopError as error:
        problems.append(Problem(Severity.ERROR, f"“{template}”: {error.message}", "template", error.hint or ""))
        return
    problems.extend(Problem(Severity.WARNING, f"“{template}”: {warning}", "template") for warning in checked.warnings)
    sources = (written.subject, written.preheader, written.html, written.text)
    problems.extend(_gaps(template, checked, fields_without_default(sources), attributes))


def _gaps(template: Template, checked: Check, shown: set[str], attributes: set[str]) -> list[Problem]:
    """Fields that no contact has would be a hole in every mail."""
    known = attributes | _BUILT_IN
    return [
        Problem(
            Severity.ERROR,
            f"“{template}” shows {{{{ {field.name} }}}}, which no contact has, and gives no default.",
            "template",
            did_you_mean(field.name, known) or f'Write {{{{ {field.name} | default("…") }}}}.',
        )
        for field in checked.fields
        if field.name not in known and field.name in shown
    ]


def _error(error: LettershopError) -> Problem:
    return Problem(Severity.ERROR, error.message, error.field or "", error.hint or "")
