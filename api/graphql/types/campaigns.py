"""Campaigns, their templates and segments."""

from datetime import datetime
from typing import Any

import strawberry
import strawberry_django
from strawberry.scalars import JSON

from api.graphql.scalars import Count
from api.graphql.types.figures import CampaignFigures, CampaignRates, figures_shown, rates_shown
from campaigns import models
from campaigns.reports import Figures
from contacts.models import Segment as SegmentRow


@strawberry_django.type(
    models.Template, description="A mail: those of one name are its versions by language and category."
)
class Template:
    id: strawberry.ID
    name: str
    language: str = strawberry_django.field(description="fr, pt-br; empty: any")
    category: str
    subject: str
    preheader: str
    html: str = strawberry_django.field(description="weighs as much as 1,000 other values")
    text: str = strawberry_django.field(description="empty: made from the HTML; weighs as much as 1,000 other values")
    created_at: datetime
    updated_at: datetime


@strawberry_django.type(
    SegmentRow, description="Contacts by conditions, with the size it had when it was last counted."
)
class Segment:
    id: strawberry.ID
    name: str
    description: str
    tree: JSON = strawberry_django.field(description="its conditions")
    last_count: Count | None
    last_mailable: Count | None
    counted_at: datetime | None
    created_at: datetime
    updated_at: datetime


@strawberry_django.type(models.Campaign, description="One mailing: a template, a sender and an audience.")
class Campaign:
    id: strawberry.ID
    name: str
    status: str = strawberry_django.field(
        field_name="state", description="draft, scheduled, sending, paused, sent, cancelled or failed"
    )
    template: Template
    segment: Segment | None
    language: str
    category: str
    tags_all: list[str]
    tags_any: list[str]
    exclude_tags: list[str]
    scheduled_at: datetime | None
    from_name: str
    from_email: str = strawberry_django.field(field_name="from_address")
    reply_to: str
    track_opens: bool
    track_clicks: bool
    error: str = strawberry_django.field(description="why it stopped or what troubles it; empty: nothing")
    created_at: datetime
    updated_at: datetime

    @strawberry_django.field(only=["id"], description="recipients by what became of them, as they are now")
    def counts(self, info: strawberry.Info) -> CampaignFigures:
        return figures_shown(_figures(self, info))

    @strawberry_django.field(only=["id"])
    def rates(self, info: strawberry.Info) -> CampaignRates:
        return rates_shown(_figures(self, info))


def _figures(campaign: Any, info: strawberry.Info) -> Figures:
    figures: Figures = info.context.figures.of(campaign.pk) or Figures()
    return figures
