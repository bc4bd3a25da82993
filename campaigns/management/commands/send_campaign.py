"""manage.py send_campaign --tenant SLUG --name N --template T --from "Name <a@b>" [--all-tags a,b] … [--at ISO] [--wait]"""

import time
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from campaigns.models import Campaign
from campaigns.reports.figures import campaign_figures
from campaigns.services.drafts import Draft, create_campaign
from campaigns.services.planning import plan_campaign
from campaigns.services.sending import send_campaign
from campaigns.services.templates import find_template_version
from common.errors import InvalidInput, NotFound
from common.progress import Progress
from outbound.models import Message, ProviderAccount
from outbound.services import work_inline
from outbound.states import MessageState
from tenants.management.base import TenantCommand
from tenants.models import Tenant

_SHOWN = (
    "total", "queued", "sent", "deferred", "bounced_hard", "bounced_soft", "failed", "suppressed", "cancelled", "in_doubt",
)  # fmt: skip
_OPEN = (Campaign.State.SENDING, Campaign.State.SCHEDULED)
_SLICE_SECONDS = 1.0
_IDLE_SECONDS = 0.5


class Command(TenantCommand):
    help = "Make a campaign and send it, now or later."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--template", required=True, metavar="NAME")
        parser.add_argument("--from", dest="sender", required=True, metavar="'Name <address>'")
        parser.add_argument("--reply-to", default="")
        parser.add_argument("--all-tags", default="", metavar="SLUG,…", help="contacts that have all of them")
        parser.add_argument("--any-tags", default="", metavar="SLUG,…", help="contacts that have one of them")
        parser.add_argument("--exclude-tags", default="", metavar="SLUG,…", help="contacts that have none of them")
        parser.add_argument("--language", default="", help="fr also means fr-ca")
        parser.add_argument("--category", default="", help="of the template's version")
        parser.add_argument("--provider", default="", metavar="NAME", help="left out: the first active one")
        parser.add_argument("--at", default="", metavar="TIME", help="ISO 8601, for instance 2026-03-01T09:00:00+01:00")
        parser.add_argument("--wait", action="store_true", help="until all of it is out, taking part in the sending")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self._ended in (Campaign.State.FAILED, Campaign.State.PAUSED):
            raise SystemExit(1)

    def perform_for(self, tenant: Tenant, options: Mapping[str, Any]) -> dict[str, Any]:
        when = _time(options["at"])
        campaign = create_campaign(draft=_draft(options))
        try:
            send_campaign(campaign=campaign, when=when)
        except InvalidInput:
            # What cannot be sent is not left behind as a draft: the command is simply given again.
            campaign.delete()
            raise
        if options["wait"]:
            _wait(campaign)
        campaign.refresh_from_db()
        self._ended = campaign.state
        figures = asdict(campaign_figures(campaign_ids=[campaign.pk])[campaign.pk])
        return {
            "id": campaign.pk,
            "name": campaign.name,
            "state": campaign.state,
            "error": campaign.error,
            "scheduled_at": campaign.scheduled_at.isoformat() if campaign.scheduled_at else None,
            **{name: figures[name] for name in _SHOWN},
        }

    def lines(self, answer: Mapping[str, Any]) -> list[str]:
        state = Campaign.State(answer["state"]).label.lower()
        counts = [f"  {name.replace('_', ' '):<14}{answer[name]:>12,}" for name in _SHOWN if answer[name]]
        when = f" for {answer['scheduled_at']}" if answer["state"] == Campaign.State.SCHEDULED else ""
        error = [answer["error"]] if answer["error"] else []
        return [f"Campaign {answer['id']} “{answer['name']}” is {state}{when}.", *counts, *error]


def _draft(options: Mapping[str, Any]) -> Draft:
    return Draft(
        name=options["name"],
        template=find_template_version(
            name=options["template"], language=options["language"], category=options["category"]
        ),
        sender=options["sender"],
        reply_to=options["reply_to"],
        provider=_provider(options["provider"]),
        tags_all=_words(options["all_tags"]),
        tags_any=_words(options["any_tags"]),
        exclude_tags=_words(options["exclude_tags"]),
        language=options["language"],
        category=options["category"],
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "Write it like 2026-03-01T09:00:00+01:00."
        raise InvalidInput(f"{text!r} is not a time.", field="at", hint=hint) from error
    return when if when.tzinfo else timezone.make_aware(when)


def _provider(name: str) -> ProviderAccount | None:
    if not name:
        return None
    found = ProviderAccount.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(ProviderAccount.objects.values_list("name", flat=True))
        raise NotFound(
            f"There is no provider {name!r}.", field="provider", hint=f"There are: {known}." if known else None
        )
    return found


def _wait(campaign: Campaign) -> None:
    """Until the campaign is over. Works along with the workers, or alone where there are none."""
    with Progress("Sending", unit="mails") as bar:
        while plan_campaign(campaign.pk) in _OPEN:
            worked = _work(campaign)
            _show(campaign, bar)
            if not worked:
                time.sleep(_IDLE_SECONDS)
        _show(campaign, bar)


def _show(campaign: Campaign, bar: Progress) -> None:
    figures = campaign_figures(campaign_ids=[campaign.pk])[campaign.pk]
    bar.update(figures.total - figures.queued - figures.deferred, total=figures.total)


def _work(campaign: Campaign) -> bool:
    """One turn on each of its messages; False when there was nothing to do just now."""
    ids = Message.objects.filter(campaign_part__campaign=campaign, state=MessageState.SENDING).values_list(
        "pk", flat=True
    )
    works = [work_inline(message_id, slice_seconds=_SLICE_SECONDS) for message_id in ids]
    return any(work.handed_over or work.again for work in works)
