"""Opens and clicks of single mail are followed where the tenant asked for it, and nowhere else."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from psycopg import AsyncConnection

from common.database import conninfo
from deliverability.services.domains import create_sending_domain
from outbound.partitions import ensure_month, first_of_month
from outbound.stamping import tracking_base
from outbound.states import EventKind
from outbound.submission.batches import Given
from outbound.submission.changing import resend_submission
from outbound.submission.checks import checked
from outbound.submission.details import Moment
from outbound.submission.finding import find_message
from outbound.submission.submitting import submit_batch, submit_message
from outbound.submission.types import Accepted
from tenants.models import Tenant
from tests.outbound.engine_cast import Provider
from tests.outbound.posting_cast import send_what_is_due, tell
from tests.outbound.smtp_server import Taken
from tests.outbound.submission_cast import NOBODY, later, people, row, submission, submitted

ORDER = "https://shop.example/orders/7?a=1&b=2"
HTML = '<p>Look at <a href="https://shop.example/orders/7?a=1&amp;b=2">your order</a></p>'


@pytest.fixture
def tracking(live_tenant: Tenant) -> Iterator[Tenant]:
    with told_to_track(live_tenant):
        yield live_tenant


@contextmanager
def told_to_track(tenant: Tenant) -> Iterator[None]:
    """A committed tenant's row outlives the test."""
    set_tracking(tenant, on=True)
    try:
        yield
    finally:
        set_tracking(tenant, on=False)


def set_tracking(tenant: Tenant, *, on: bool) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(tracks_single_mail=on)


def is_tracked(accepted: Accepted) -> bool:
    return bool(row("SELECT tracked FROM outbound_submission WHERE message_id = %s", accepted.message_id)[0])


def sent_by(provider: Provider, **given: Any) -> tuple[Accepted, list[Taken]]:
    """A message on its way from the first call to the provider, and what that took, by the recipients' places."""
    create_sending_domain(name="acme.example")
    provider.account()
    accepted = submit_message(submission(html=HTML, text="", **given), submitter=NOBODY)
    send_what_is_due()
    return accepted, sorted(provider.server.taken, key=lambda mail: mail.recipients)


def parts(mail: Taken) -> tuple[str, str]:
    """The text and the page."""
    read: Any = message_from_bytes(mail.body, policy=policy.default)
    return read.get_body(("plain",)).get_content(), read.get_body(("html",)).get_content()


def test_nobody_is_tracked_who_was_not_asked_for(acme: Tenant) -> None:
    assert not acme.tracks_single_mail
    assert not is_tracked(submitted())


def test_a_message_is_tracked_as_its_own_tenant_says(acme: Tenant, globex: Tenant) -> None:
    set_tracking(globex, on=True)
    assert not is_tracked(submitted())
    set_tracking(acme, on=True)
    assert is_tracked(submitted())


def test_what_was_accepted_stays_as_it_was_and_what_is_sent_anew_is_as_the_tenant_says_now(acme: Tenant) -> None:
    waiting = submitted(send_at=later())
    set_tracking(acme, on=True)
    again = resend_submission(waiting.message_id, submitter=NOBODY)
    assert (is_tracked(waiting), is_tracked(again)) == (False, True)


def test_what_comes_by_the_quick_way_in_is_tracked_too(tracking: Tenant) -> None:
    create_sending_domain(name="acme.example")
    now = datetime.now(UTC)
    ensure_month(first_of_month(now.date()))
    with Provider() as provider:
        provider.account()

        async def taken() -> list[Any]:
            async with await AsyncConnection.connect(conninfo(), autocommit=True) as held:
                given = [Given(checked(submission(), now=now), NOBODY)]
                return await submit_batch(held, schema=tracking.schema_name, tenant_id=tracking.pk, given=given)

        (accepted,) = asyncio.run(taken())
    assert is_tracked(accepted)


def test_each_recipient_gets_a_pixel_and_links_of_their_own_in_page_and_text(tracking: Tenant) -> None:
    with Provider() as provider:
        _, mails = sent_by(provider, to=people("ann@example.com"), bcc=people("ben@example.com"))
    base = re.escape(tracking_base())
    tokens = set()
    for mail in mails:
        text, html = parts(mail)
        (opened,) = re.findall(rf'<img src="{base}/o/([\w-]{{32}})\.gif"', html)
        (clicked,) = re.findall(rf'<a href="{base}/c/([\w-]{{32}})/0"', html)
        (read,) = re.findall(rf"\({base}/c/([\w-]{{32}})/0\)", text)
        assert opened == clicked == read
        assert "shop.example" not in text + html
        tokens.add(opened)
    assert len(tokens) == 2
    assert b"DKIM-Signature" in mails[0].body


def test_without_the_setting_a_mail_knows_nothing_of_the_tracking_host(live_tenant: Tenant) -> None:
    with Provider() as provider:
        _, (mail,) = sent_by(provider, to=people("ann@example.com"))
    text, html = parts(mail)
    assert html.strip() == HTML
    assert ORDER in text
    host = tracking_base().partition("://")[2]
    assert host.encode() not in mail.body
    assert b"<img" not in mail.body


def test_the_timeline_tells_who_opened_what_and_where_they_went(tracking: Tenant) -> None:
    with Provider() as provider:
        accepted, _ = sent_by(provider, to=people("ann@example.com"), cc=people("ben@example.com"))
    tell(accepted.message_id, EventKind.OPEN, position=1)
    tell(accepted.message_id, EventKind.CLICK, position=1, link=0)
    found = find_message(accepted.message_id)
    assert [(one.kind, one.email, one.text) for one in found.timeline][-2:] == [
        (Moment.OPENED, "ben@example.com", ""),
        (Moment.CLICKED, "ben@example.com", ORDER),
    ]
    assert found.state == "sent"
