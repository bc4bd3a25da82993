"""V18 to V22: a tenant in figures. All are kept for five minutes at most, and counted again when anything changed."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.v2.documentation import errors
from api.v2.stats import examples, figures
from api.v2.stats.serializers import (
    CampaignsAnswer,
    ContactsAnswer,
    ContactsFigures,
    EventsAnswer,
    OverviewAnswer,
    PerformanceAnswer,
)
from api.v2.views import V2View
from campaigns.statistics import (
    MOST_DAYS,
    campaign_statistics,
    contact_statistics,
    event_statistics,
    performance_of,
    remembered,
    tenant_overview,
)
from common.errors import InvalidInput

_RATES = (
    "Rates are fractions from 0 to 1 with four decimals, 0 where there is nothing to divide by. "
    "*Tried* are recipients with a final outcome: the provider took the mail, refused it for good, or it failed. "
    "*Delivered* are those whose mail was taken and did not come back. "
    "Delivery and bounce rate are of the tried; open, click, unsubscribe and complaint rate of the delivered."
)


class StatsView(V2View):
    """For keys with the scope `stats`, and for those that may read everything."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and "read" not in self.caller.scopes:
            self.caller.require("stats")

    def told(
        self, kind: str, answer: type[Serializer], count: Callable[[], dict[str, Any]], *, detail: str = ""
    ) -> Response:
        def rendered() -> dict[str, Any]:
            begins = {"tenant_id": self.tenant.pk, "counted_at": timezone.now()}
            return dict(answer({**begins, **count()}).data)

        return Response(remembered(kind, rendered, detail=detail))


class ContactsView(StatsView):
    """V18."""

    @extend_schema(
        operation_id="stats_contacts",
        summary="Contacts in figures",
        description="Contacts by status, validation and language, the largest tags, and how many were made lately. Exact.",
        tags=["Stats"],
        responses={200: ContactsAnswer, **errors()},
        examples=[OpenApiExample("Four contacts", value=examples.CONTACTS_ANSWER, response_only=True)],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return self.told("contacts", ContactsAnswer, lambda: dict(ContactsFigures(contact_statistics()).data))


class CampaignsView(StatsView):
    """V19."""

    @extend_schema(
        operation_id="stats_campaigns",
        summary="Campaigns in figures",
        description=f"Campaigns by status, and what became of the mail of all of them. {_RATES}",
        tags=["Stats"],
        responses={200: CampaignsAnswer, **errors()},
        examples=[OpenApiExample("Two campaigns", value=examples.CAMPAIGNS_ANSWER, response_only=True)],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return self.told("campaigns", CampaignsAnswer, lambda: figures.of_campaigns(campaign_statistics()))


class EventsView(StatsView):
    """V20."""

    @extend_schema(
        operation_id="stats_events",
        summary="Events in figures",
        description=f"Everything that ever happened to mail of this tenant, by type, with its rates. {_RATES}",
        tags=["Stats"],
        responses={200: EventsAnswer, **errors()},
        examples=[OpenApiExample("After two campaigns", value=examples.EVENTS_ANSWER, response_only=True)],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return self.told("events", EventsAnswer, lambda: figures.of_events(event_statistics()))


class OverviewView(StatsView):
    """V21."""

    @extend_schema(
        operation_id="stats_overview",
        summary="The tenant at a glance",
        description=f"Contacts, campaigns, events, data sources, and the newest five campaigns. {_RATES}",
        tags=["Stats"],
        responses={200: OverviewAnswer, **errors()},
        examples=[OpenApiExample("A small tenant", value=examples.OVERVIEW_ANSWER, response_only=True)],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        return self.told("overview", OverviewAnswer, lambda: figures.of_overview(tenant_overview()))


class PerformanceView(StatsView):
    """V22."""

    @extend_schema(
        operation_id="stats_performance",
        summary="Mail day by day",
        description=(
            "One row for each of the last `days` days (UTC), the last one is today; a day without mail is all zeros. "
            "What is told later, such as an open or a bounce, counts on the day it is told, so on a single day "
            f"`delivered` may be 0 and a rate 1 because of older mail; `totals` evens this out. {_RATES}"
        ),
        tags=["Stats"],
        parameters=[
            OpenApiParameter(
                "days",
                {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 7},
                description="how many days",
                examples=[OpenApiExample("A month", value=30)],
            )
        ],
        responses={200: PerformanceAnswer, **errors()},
        examples=[OpenApiExample("One day", value=examples.PERFORMANCE_ANSWER, response_only=True)],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        days = _days(request)
        return self.told(
            "performance",
            PerformanceAnswer,
            lambda: figures.of_performance(performance_of(days=days)),
            detail=str(days),
        )


def _days(request: Request) -> int:
    given = request.query_params.get("days", "7")
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        raise InvalidInput(f"The number of days is from 1 to {MOST_DAYS}.", field="days")
    return int(given)
