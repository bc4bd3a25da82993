"""The marketer's part of the demo: import the shop's export, write the letter, send it, read the report."""

from collections.abc import Callable
from pathlib import Path

from campaigns.models import Campaign, Template
from campaigns.reports import CampaignReport, Figures, campaign_figures, campaign_report
from campaigns.services.drafts import Draft, create_campaign
from campaigns.services.sending import send_campaign
from campaigns.services.templates import TemplateText, create_template, update_template
from common.errors import Refused
from contacts.importing.pipeline import Step, import_contacts
from contacts.models import Import
from embedded.demo.audience import write_export
from embedded.demo.cast import ACME

LETTER = "The Garden Letter"
_HTML = Path(__file__).with_name("template.html")
_TAG = "spring"
_OVER = {Campaign.State.SENT, Campaign.State.CANCELLED}
_STOPPED = {Campaign.State.FAILED, Campaign.State.PAUSED}


def import_export(data_dir: Path, *, tell: Callable[[Step], None]) -> Import:
    """The shop's export, written beside the demo's data, into the tenant that was entered."""
    path = data_dir / "shop-export.csv"
    write_export(path)
    return import_contacts(path=path, tags=[_TAG], progress=tell)


def write_letter() -> Template:
    """The template, made or brought up to date."""
    written = TemplateText(
        name=LETTER,
        subject='{{ first_name | default("Hello") }}, the old tomatoes are back',
        preheader="Twelve varieties, sown by the middle of March, picked in July.",
        html=_HTML.read_text(encoding="utf-8"),
    )
    known = Template.objects.filter(name=LETTER, language="", category="").first()
    return update_template(template=known, written=written) if known else create_template(written=written)


def send_letter(template: Template) -> Campaign:
    """The next letter, to everybody who was imported and may be mailed."""
    number = Campaign.objects.filter(name__startswith=LETTER).count() + 47
    draft = Draft(
        name=f"{LETTER} no. {number}",
        template=template,
        sender=f"{ACME.name} <letter@{ACME.domain}>",
        reply_to=f"garden@{ACME.domain}",
        tags_all=(_TAG,),
    )
    return send_campaign(campaign=create_campaign(draft=draft))


def is_sent(campaign: Campaign) -> bool:
    """Whether all its mail is out. Raises Refused with the reason when it cannot go on."""
    campaign.refresh_from_db()
    if campaign.state in _STOPPED:
        raise Refused(f"“{campaign.name}” is {campaign.state}.", hint=campaign.error or None)
    return campaign.state in _OVER


def figures_of(campaign: Campaign) -> Figures:
    return campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]


def report_of(campaign: Campaign) -> CampaignReport:
    return campaign_report(campaign=campaign)
