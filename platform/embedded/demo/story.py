"""What happens in the demo, in its order. Each step is told while it goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from campaigns.models import Campaign
from common.errors import Unavailable
from contacts.models import Import
from embedded.demo import mailing, program, world
from embedded.demo.cast import ACME, GLOBEX, cast_operator, cast_tenant
from embedded.demo.inbox import Inbox
from embedded.demo.surroundings import HOST, Ports, demo_password
from embedded.demo.telling import Teller
from embedded.readiness import is_up
from tenants.models import Tenant
from tenants.scope import tenant_scope

_PATIENCE = 120.0  # seconds that something may take before the demo gives up
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it is played, and whether the curtain has fallen meanwhile."""

    ports: Ports
    teller: Teller
    is_over: Callable[[], bool]


def tell_story(stage: Stage, *, stays: bool) -> None:
    """Raises LettershopError when a step fails or takes too long, and Interrupted when everything is being stopped."""
    password = demo_password(settings.DATA_DIR)
    acme = _cast(stage, password)
    _wait_for_the_parts(stage)
    with tenant_scope(acme):
        run = _import(stage)
        before = _newest_mail(stage)
        campaign = mailing.send_letter(mailing.write_letter())
        _send(stage, campaign)
        happened = _play_the_world(stage, since=before)
        _wait_for_the_report(stage, campaign, happened)
        key = program.program_key(acme, settings.DATA_DIR)
        order = _send_single(stage, key)
        stage.teller.imported(run)
        stage.teller.report(campaign.name, mailing.report_of(campaign))
        stage.teller.single(program.READER, order, program.status_of(stage.ports, order))
    stage.teller.addresses(stage.ports, password)
    stage.teller.program(program.as_curl(stage.ports, key))
    stage.teller.farewell(_shown(settings.DATA_DIR), stays=stays)


class Interrupted(Unavailable):
    """The demo is being stopped from outside."""

    code = "interrupted"


def _wait_for_the_parts(stage: Stage) -> None:
    with stage.teller.working("Starting the parts"):
        _until(stage, lambda: is_up(HOST, stage.ports.web), "The web server does not answer.")
        _until(stage, lambda: _catches(stage), "The mail catcher does not answer.")


def _cast(stage: Stage, password: str) -> Tenant:
    with stage.teller.working("Tenants acme and globex"):
        cast_operator(password)
        cast_tenant(GLOBEX, password=password, ports=stage.ports)
        return cast_tenant(ACME, password=password, ports=stage.ports)


def _import(stage: Stage) -> Import:
    with stage.teller.counting("Importing contacts", 0, "bytes") as bar:
        return mailing.import_export(settings.DATA_DIR, tell=lambda step: bar.update(step.done_bytes, step.total_bytes))


def _send(stage: Stage, campaign: Campaign) -> None:
    with stage.teller.counting("Sending", 0, "mails") as bar:

        def sent() -> bool:
            over = mailing.is_sent(campaign)
            figures = mailing.figures_of(campaign)
            bar.update(figures.total - figures.queued, figures.total)
            return over

        _until(stage, sent, "The campaign is not sent yet: no worker takes it up.")


def _play_the_world(stage: Stage, *, since: int) -> world.Happened:
    with Inbox(stage.ports.inbox) as inbox:
        mails = inbox.since(since)
    if not mails:
        raise Unavailable("The campaign was sent, but no mail was caught.")
    with stage.teller.counting("The world reads", len(mails), "mails") as bar:

        def tell(done: int) -> None:
            _refuse_when_over(stage)
            bar.update(done)

        return world.play(stage.ports, mails, tell=tell)


def _wait_for_the_report(stage: Stage, campaign: Campaign, happened: world.Happened) -> None:
    """Hits are recorded in batches, a moment after they were answered."""

    def counted() -> bool:
        figures = mailing.figures_of(campaign)
        return (
            figures.opened >= happened.opened
            and figures.clicks >= happened.clicks
            and figures.unsubscribed >= 1
            and figures.bounced_hard >= 1
        )

    with stage.teller.working("Counting"):
        _until(stage, counted, "The report does not count what happened.")


def _send_single(stage: Stage, key: str) -> str:
    """The id of a message that a program sent."""
    with stage.teller.working("A single message"):
        order = program.send_order(stage.ports, key)
        _until(
            stage,
            lambda: program.status_of(stage.ports, order) == "sent",
            "The single message is not sent: no sender takes it up.",
        )
    return order


def _newest_mail(stage: Stage) -> int:
    with Inbox(stage.ports.inbox) as inbox:
        return inbox.newest()


def _catches(stage: Stage) -> bool:
    try:
        _newest_mail(stage)
    except Unavailable:
        return False
    return True


def _until(stage: Stage, holds: Callable[[], bool], otherwise: str) -> None:
    """Raises Unavailable with `otherwise` when it does not hold in time."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        _refuse_when_over(stage)
        if time.monotonic() > deadline:
            raise Unavailable(otherwise)
        time.sleep(_PAUSE)


def _refuse_when_over(stage: Stage) -> None:
    if stage.is_over():
        raise Interrupted("The demo was stopped.")


def _shown(data_dir: Path) -> str:
    """As one would type it."""
    here = Path.cwd()
    return str(data_dir.relative_to(here)) if data_dir.is_relative_to(here) else str(data_dir)
