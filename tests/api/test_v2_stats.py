"""V18 to V22: statistics over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from contacts.models import Contact, DataSource
from outbound.models import Daily
from tenants.models import Tenant
from tests.api.v2_cast import V2, caller
from tests.campaigns.cast import add_campaign, add_contacts, add_provider, add_tag, add_template
from tests.campaigns.report_cast import send

PATHS = ("contacts", "campaigns", "events", "overview", "performance")
NO_MAIL: dict[str, float] = {
    "sent": 0, "delivered": 0, "bounced": 0, "failed": 0, "opened": 0, "clicked": 0, "unsubscribed": 0, "complained": 0,
    "tried": 0, "delivery_rate": 0.0, "bounce_rate": 0.0, "open_rate": 0.0, "click_rate": 0.0, "click_to_open_rate": 0.0,
    "unsubscribe_rate": 0.0, "complaint_rate": 0.0,
}  # fmt: skip
MAIL: dict[str, float] = {
    "sent": 90, "delivered": 87, "bounced": 11, "failed": 2, "opened": 29, "clicked": 10, "unsubscribed": 2, "complained": 1,
    "tried": 100, "delivery_rate": 0.87, "bounce_rate": 0.11, "open_rate": 0.3333, "click_rate": 0.1149,
    "click_to_open_rate": 0.3448, "unsubscribe_rate": 0.023, "complaint_rate": 0.0115,
}  # fmt: skip


@pytest.fixture
def v2(acme: Tenant) -> V2:
    return caller(acme)


@pytest.fixture
def mail(acme: Tenant) -> None:
    """A day's mail: 90 taken, of which 3 came back, 8 refused, 2 failed."""
    Daily.objects.create(
        day=datetime.now(UTC).date(), origin="campaign", slot=0, sent=90, deferred=4, refused_hard=6, refused_soft=2,
        failed=2, cancelled=1, suppressed=3, in_doubt=1, opens=40, opened=29, clicks=12, clicked=10, unsubscribed=2,
        complained=1, confirmed=5, bounced_hard=2, bounced_soft=1, blocked=1, came_back=3,
    )  # fmt: skip


def ask(v2: V2, path: str, **headers: str) -> Any:
    answer = v2.get(f"stats/{v2.tenant.pk}/{path}", **headers)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    body = answer.json()
    assert body.pop("tenant_id") == v2.tenant.pk
    counted = datetime.fromisoformat(body.pop("counted_at"))
    assert abs(datetime.now(UTC) - counted) < timedelta(minutes=5)
    return body


def test_v18_contacts_are_told_by_status_validation_and_language(v2: V2) -> None:
    vip = add_tag("vip")
    add_contacts(3, language="fr", tags=(vip,), prefix="a")
    add_contacts(1, prefix="b")
    Contact.objects.filter(email="b0@example.com").update(status="unsubscribed", validation_state="valid")
    assert ask(v2, "contacts") == {
        "total": 4,
        "mailable": 3,
        "by_status": {
            "active": 3, "unconfirmed": 0, "unsubscribed": 1, "bounced": 0, "complained": 0, "suppressed": 0,
        },
        "by_validation": {"pending": 3, "valid": 1, "risky": 0, "invalid": 0},
        "by_language": {"fr": 3, "unknown": 1},
        "top_tags": [{"id": vip, "slug": "vip", "name": "vip", "contact_count": 3}],
        "growth": {"today": 4, "last_7_days": 4, "last_30_days": 4},
    }  # fmt: skip


def test_v18_a_tenant_without_contacts_has_zeros(v2: V2) -> None:
    found = ask(v2, "contacts")
    assert (found["total"], found["mailable"], found["by_language"], found["top_tags"]) == (0, 0, {}, [])


def test_v19_campaigns_are_told_by_status_with_their_rates(v2: V2, mail: None) -> None:
    add_provider()
    first = add_campaign()
    add_campaign(first.template)
    Campaign.objects.filter(pk=first.pk).update(state="sent")
    assert ask(v2, "campaigns") == {
        **MAIL,
        "total": 2,
        "by_status": {"draft": 1, "scheduled": 0, "sending": 0, "paused": 0, "sent": 1, "cancelled": 0, "failed": 0},
    }


def test_v19_mail_that_is_no_campaigns_is_not_counted(v2: V2) -> None:
    Daily.objects.create(day=datetime.now(UTC).date(), origin="api", slot=0, sent=5)
    assert ask(v2, "campaigns")["sent"] == 0
    assert ask(v2, "events")["by_type"]["sent"] == 5


def test_v20_events_are_told_by_type_with_bounce_and_complaint_rate(v2: V2, mail: None) -> None:
    assert ask(v2, "events") == {
        "total": 173,
        "by_type": {
            "sent": 90, "delivery": 5, "deferral": 4, "hard_bounce": 8, "soft_bounce": 3, "block": 1, "failure": 2,
            "suppression": 3, "cancellation": 1, "in_doubt": 1, "open": 40, "click": 12, "unsubscribe": 2, "complaint": 1,
        },
        "unique_opens": 29,
        "unique_clicks": 10,
        "bounce_rate": 0.11,
        "hard_bounce_rate": 0.08,
        "complaint_rate": 0.0115,
        "unsubscribe_rate": 0.023,
        "open_rate": 0.3333,
        "click_rate": 0.1149,
    }  # fmt: skip


def test_v21_the_overview_holds_everything(v2: V2, mail: None) -> None:
    add_contacts(4)
    add_provider()
    DataSource.objects.create(name="Shop", type="scraper-pro")
    campaign = add_campaign()
    found = ask(v2, "overview")
    for part in ("contacts", "campaigns", "events"):
        assert found[part] == ask(v2, part), part
    assert found["data_sources"] == {
        "total": 1,
        "by_type": {"scraper-pro": 1, "backlink-engine": 0, "csv": 0, "manual": 0},
    }
    [recent] = found["recent_campaigns"]
    assert datetime.fromisoformat(recent.pop("created_at")) == campaign.created_at
    assert recent == {
        "id": campaign.pk, "name": "Spring", "status": "draft", "recipients": 0, "sent": 0, "delivered": 0, "opened": 0,
        "clicked": 0, "delivery_rate": 0.0, "bounce_rate": 0.0, "open_rate": 0.0, "click_rate": 0.0,
    }  # fmt: skip
    assert set(found) == {"contacts", "campaigns", "events", "data_sources", "recent_campaigns"}


def test_v22_performance_has_a_row_for_every_day(v2: V2, mail: None) -> None:
    today = datetime.now(UTC).date()
    found = ask(v2, "performance?days=30")
    assert (found["days"], found["totals"], len(found["daily"])) == (30, MAIL, 30)
    assert found["daily"][-1] == {"date": today.isoformat(), **MAIL}
    assert found["daily"][0] == {"date": (today - timedelta(days=29)).isoformat(), **NO_MAIL}
    assert set(found) == {"days", "totals", "daily"}


def test_v22_performance_is_of_seven_days_if_nothing_is_said(v2: V2) -> None:
    assert ask(v2, "performance")["days"] == 7
    assert len(ask(v2, "performance?days=1")["daily"]) == 1
    assert len(ask(v2, "performance?days=365")["daily"]) == 365


@pytest.mark.parametrize("days", ["0", "366", "-1", "x", "", "1.5", "٣", "9" * 5000, "%00"])
def test_v22_any_other_number_of_days_is_refused(v2: V2, days: str) -> None:
    answer = v2.get(f"stats/{v2.tenant.pk}/performance?days={days}")
    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == ("invalid_input", "days")


@pytest.mark.parametrize("path", PATHS)
def test_statistics_are_kept_and_never_older_than_a_change(v2: V2, path: str) -> None:
    address = f"stats/{v2.tenant.pk}/{path}"
    first = v2.get(address).json()
    assert v2.get(address).json() == first
    add_contacts(1)
    Daily.objects.create(day=datetime.now(UTC).date(), origin="campaign", slot=0, sent=1)
    add_template()
    second = v2.get(address).json()
    assert second["counted_at"] > first["counted_at"]
    assert {**second, "counted_at": None} != {**first, "counted_at": None}


@pytest.mark.parametrize("path", PATHS)
def test_another_tenants_key_is_refused(v2: V2, globex: Tenant, path: str) -> None:
    answer = caller(globex).get(f"stats/{v2.tenant.pk}/{path}")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"


@pytest.mark.parametrize("path", PATHS)
def test_another_tenant_sees_only_its_own(v2: V2, globex: Tenant, mail: None, path: str) -> None:
    add_contacts(3)
    ask(v2, path)
    theirs = caller(globex)
    body = str(ask(theirs, path))
    assert "90" not in body
    assert "'total': 3" not in body


@pytest.mark.parametrize(("scopes", "status"), [(["read"], 200), (["stats"], 200), (["contacts", "send"], 403)])
def test_the_scope_stats_or_read_is_needed(acme: Tenant, scopes: list[str], status: int) -> None:
    client = caller(acme, scopes=scopes)
    assert {path: client.get(f"stats/{acme.pk}/{path}").status_code for path in PATHS} == dict.fromkeys(PATHS, status)


def test_without_a_key_nothing_is_told(v2: V2) -> None:
    assert v2.get(f"stats/{v2.tenant.pk}/contacts", x_api_key="").status_code == 401


def test_statistics_are_only_read(v2: V2) -> None:
    for path in PATHS:
        assert v2.post(f"stats/{v2.tenant.pk}/{path}").status_code == 405


def test_the_slash_at_the_end_is_optional(v2: V2) -> None:
    assert v2.get(f"stats/{v2.tenant.pk}/contacts/").status_code == 200


def test_an_admin_key_reads_any_tenant_that_is_there(acme: Tenant, globex: Tenant) -> None:
    admin = caller(globex, is_admin=True)
    assert admin.get(f"stats/{acme.pk}/overview").json()["tenant_id"] == acme.pk
    assert admin.get("stats/999999999/overview").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_the_number_of_queries_does_not_grow(v2: V2, path: str) -> None:
    add_contacts(2)
    add_provider()
    campaign = add_campaign()
    send(campaign)
    v2.get(f"stats/{v2.tenant.pk}/performance?days=0")  # the key is known from now on
    with CaptureQueriesContext(connection) as few:
        v2.get(f"stats/{v2.tenant.pk}/{path}")
    with CaptureQueriesContext(connection) as kept:
        v2.get(f"stats/{v2.tenant.pk}/{path}")
    add_contacts(30, prefix="more", language="fr", tags=(add_tag("one"), add_tag("two")))
    for _ in range(4):
        send(add_campaign(campaign.template))
    Daily.objects.create(day=datetime.now(UTC).date(), origin="campaign", slot=0, sent=1)
    with CaptureQueriesContext(connection) as many:
        v2.get(f"stats/{v2.tenant.pk}/{path}")
    # Hosts and keys are looked up again when some seconds have passed, whatever is asked for.
    looked_up = ("tenants_host", "tenants_apikey")
    first, again, grown = (
        len([one for one in run if "SELECT" in one["sql"] and not any(name in one["sql"] for name in looked_up)])
        for run in (few, kept, many)
    )
    assert grown <= first + 1, "the names of tags are asked for where there are any"
    assert again < grown
