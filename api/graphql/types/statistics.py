"""The tenant at a glance, from the same figures as API v2's overview and remembered in the same way."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import strawberry
from django.utils import timezone

from api.graphql.scalars import Count
from campaigns.statistics import Outcomes as Told
from campaigns.statistics import remembered, tenant_overview


@strawberry.type(description="One figure of several, by name.")
class NamedCount:
    name: str
    count: Count


@strawberry.type(description="What became of mail, in recipients. Rates are from 0 to 1.")
class Outcomes:
    sent: Count
    delivered: Count
    bounced: Count
    failed: Count
    opened: Count
    clicked: Count
    unsubscribed: Count
    complained: Count
    tried: Count = strawberry.field(description="sent, refused at once, or failed")
    delivery_rate: float
    bounce_rate: float
    open_rate: float
    click_rate: float
    click_to_open_rate: float
    unsubscribe_rate: float
    complaint_rate: float


@strawberry.type(description="Contacts that were made lately and are still there; days are UTC.")
class Growth:
    today: Count
    last7_days: Count
    last30_days: Count


@strawberry.type
class LargeTag:
    id: strawberry.ID
    slug: str
    name: str
    contact_count: Count


@strawberry.type(description="Contacts as they are now.")
class ContactStatistics:
    total: Count
    mailable: Count = strawberry.field(description="active, and on no suppression list")
    by_status: list[NamedCount]
    by_validation: list[NamedCount]
    by_language: list[NamedCount]
    top_tags: list[LargeTag]
    growth: Growth


@strawberry.type(description="All campaigns, and the mail of all of them.")
class CampaignStatistics:
    total: Count
    by_status: list[NamedCount]
    outcomes: Outcomes


@strawberry.type(description="All mail of all time, event by event.")
class EventStatistics:
    total: Count
    by_type: list[NamedCount]
    unique_opens: Count
    unique_clicks: Count
    hard_bounce_rate: float
    outcomes: Outcomes


@strawberry.type
class SourceStatistics:
    total: Count
    by_type: list[NamedCount]


@strawberry.type(description="The tenant at a glance.")
class Statistics:
    counted_at: datetime = strawberry.field(description="nothing it counts has changed since")
    contacts: ContactStatistics
    campaigns: CampaignStatistics
    events: EventStatistics
    data_sources: SourceStatistics


def statistics_shown() -> Statistics:
    """Of the tenant that was entered."""
    counted = remembered("overview", _counted, detail="graphql")
    contacts, campaigns, events = counted["contacts"], counted["campaigns"], counted["events"]
    return Statistics(
        counted_at=datetime.fromisoformat(counted["counted_at"]),
        contacts=ContactStatistics(
            total=contacts["total"],
            mailable=contacts["mailable"],
            by_status=_named(contacts["by_status"]),
            by_validation=_named(contacts["by_validation"]),
            by_language=_named(contacts["by_language"]),
            top_tags=[_large_tag(tag) for tag in contacts["top_tags"]],
            growth=_growth(contacts["growth"]),
        ),
        campaigns=CampaignStatistics(
            total=campaigns["total"],
            by_status=_named(campaigns["by_status"]),
            outcomes=_outcomes(campaigns["outcomes"]),
        ),
        events=EventStatistics(
            total=Count(sum(events["by_type"].values())),
            by_type=_named(events["by_type"]),
            unique_opens=events["unique_opens"],
            unique_clicks=events["unique_clicks"],
            hard_bounce_rate=_rate(events["hard_bounce_rate"]),
            outcomes=_outcomes(events["outcomes"]),
        ),
        data_sources=SourceStatistics(
            total=counted["data_sources"]["total"], by_type=_named(counted["data_sources"]["by_type"])
        ),
    )


def _counted() -> dict[str, Any]:
    """As JSON can keep it."""
    begun, overview = timezone.now(), tenant_overview()
    return {
        "counted_at": begun.isoformat(),
        "contacts": asdict(overview.contacts),
        "campaigns": asdict(overview.campaigns),
        "events": asdict(overview.events),
        "data_sources": asdict(overview.data_sources),
    }


def _named(counts: Mapping[str, int]) -> list[NamedCount]:
    return [NamedCount(name=name, count=Count(count)) for name, count in counts.items()]


def _large_tag(tag: Mapping[str, Any]) -> LargeTag:
    return LargeTag(
        id=strawberry.ID(str(tag["id"])), slug=tag["slug"], name=tag["name"], contact_count=tag["contact_count"]
    )


def _growth(growth: Mapping[str, int]) -> Growth:
    return Growth(
        today=Count(growth["today"]),
        last7_days=Count(growth["last_7_days"]),
        last30_days=Count(growth["last_30_days"]),
    )


def _outcomes(counted: Mapping[str, int]) -> Outcomes:
    told = Told(**counted)
    return Outcomes(
        sent=Count(told.sent),
        delivered=Count(told.delivered),
        bounced=Count(told.bounced),
        failed=Count(told.failed),
        opened=Count(told.opened),
        clicked=Count(told.clicked),
        unsubscribed=Count(told.unsubscribed),
        complained=Count(told.complained),
        tried=Count(told.tried),
        delivery_rate=_rate(told.delivery_rate),
        bounce_rate=_rate(told.bounce_rate),
        open_rate=_rate(told.open_rate),
        click_rate=_rate(told.click_rate),
        click_to_open_rate=_rate(told.click_to_open_rate),
        unsubscribe_rate=_rate(told.unsubscribe_rate),
        complaint_rate=_rate(told.complaint_rate),
    )


def _rate(value: float) -> float:
    return round(min(1.0, value), 4)
