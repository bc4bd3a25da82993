"""The answers of the statistics, number by number."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id


class Count(serializers.IntegerField):
    """How many."""

    def __init__(self, meaning: str, **options: Any) -> None:
        super().__init__(help_text=meaning, min_value=0, **options)


class Rate(serializers.FloatField):
    """A share from 0 to 1 with four decimals."""

    def __init__(self, meaning: str, **options: Any) -> None:
        super().__init__(help_text=f"{meaning}, from 0 to 1", min_value=0, max_value=1, **options)

    def to_representation(self, value: Any) -> float:
        return shown_rate(value)


def shown_rate(value: float) -> float:
    """As rates are told: four decimals, never above 1."""
    return round(min(1.0, value), 4)


class Counts(serializers.DictField):
    """Counts by name."""

    def __init__(self, meaning: str, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=0), help_text=meaning, **options)


class OutcomesAnswer(serializers.Serializer):
    """What became of mail, in recipients. `tried` is sent + refused at once + failed."""

    sent = Count("recipients whose mail the provider took")
    delivered = Count("of these, the ones whose mail did not come back")
    bounced = Count("recipients whose mail was refused at once or came back")
    failed = Count("recipients whose mail could not be handed over in time")
    opened = Count("recipients who opened, each counted at the first time")
    clicked = Count("recipients who clicked a link, each counted at the first time")
    unsubscribed = Count("recipients who unsubscribed")
    complained = Count("recipients who marked the mail as spam")
    tried = Count("recipients with a final outcome: sent, refused at once, or failed")
    delivery_rate = Rate("delivered / tried")
    bounce_rate = Rate("bounced / tried")
    open_rate = Rate("opened / delivered")
    click_rate = Rate("clicked / delivered")
    click_to_open_rate = Rate("clicked / opened")
    unsubscribe_rate = Rate("unsubscribed / delivered")
    complaint_rate = Rate("complained / delivered")


class StatsAnswer(serializers.Serializer):
    """What every statistic begins with."""

    tenant_id = Id()
    counted_at = serializers.DateTimeField(help_text="when it was counted; nothing it counts has changed since")


class TagAnswer(serializers.Serializer):
    """A tag and its contacts."""

    id = Id()
    slug = serializers.CharField()
    name = serializers.CharField()
    contact_count = Count("contacts of any status that have it")


class GrowthAnswer(serializers.Serializer):
    """Contacts that were made lately and are still there; days are UTC."""

    today = Count("made today")
    last_7_days = Count("made today or on the six days before")
    last_30_days = Count("made today or on the 29 days before")


class ContactsFigures(serializers.Serializer):
    """Contacts as they are now."""

    total = Count("all contacts")
    mailable = Count("active contacts whose address is on no suppression list")
    by_status = Counts("active, unconfirmed, unsubscribed, bounced, complained, suppressed; they add up to total")
    by_validation = Counts("by what is known of the address: pending, valid, risky, invalid; they add up to total")
    by_language = Counts('by language in lower case, the most frequent first; "unknown" where none is known')
    top_tags = TagAnswer(many=True, help_text="the ten tags that most contacts have")
    growth = GrowthAnswer()


class CampaignsFigures(OutcomesAnswer):
    """All campaigns, and the mail of all of them."""

    total = Count("all campaigns")
    by_status = Counts("draft, scheduled, sending, paused, sent, cancelled, failed; they add up to total")


class EventsFigures(serializers.Serializer):
    """All mail of all time, event by event."""

    total = Count("all events")
    by_type = Counts(
        "sent, delivery (confirmed by the provider), deferral, hard_bounce, soft_bounce, block, failure, suppression "
        "(not sent for it), cancellation, in_doubt, open, click, unsubscribe, complaint; they add up to total"
    )
    unique_opens = Count("recipients behind the opens")
    unique_clicks = Count("recipients behind the clicks")
    bounce_rate = Rate("recipients who bounced / recipients tried (sent, refused at once, or failed)")
    hard_bounce_rate = Rate("hard_bounce / recipients tried")
    complaint_rate = Rate("complaint / recipients delivered to (sent, and the mail did not come back)")
    unsubscribe_rate = Rate("unsubscribe / recipients delivered to")
    open_rate = Rate("unique_opens / recipients delivered to")
    click_rate = Rate("unique_clicks / recipients delivered to")


class SourcesFigures(serializers.Serializer):
    """Where contacts come from."""

    total = Count("all data sources")
    by_type = Counts("scraper-pro, backlink-engine, csv, manual; they add up to total")


class RecentCampaignAnswer(serializers.Serializer):
    """One of the newest campaigns; the numbers are those of its report."""

    id = Id()
    name = serializers.CharField()
    status = serializers.CharField(help_text="draft, scheduled, sending, paused, sent, cancelled or failed")
    created_at = serializers.DateTimeField()
    recipients = Count("recipients when its audience was frozen; 0 before", source="figures.total")
    sent = Count("recipients whose mail the provider took", source="figures.sent")
    delivered = Count("of these, the ones whose mail did not come back", source="figures.delivered")
    opened = Count("recipients who opened", source="figures.opened")
    clicked = Count("recipients who clicked", source="figures.clicked")
    delivery_rate = Rate("delivered / (delivered + bounced + failed)", source="figures.delivery_rate")
    bounce_rate = Rate("bounced / (delivered + bounced + failed)", source="figures.bounce_rate")
    open_rate = Rate("opened / delivered", source="figures.open_rate")
    click_rate = Rate("clicked / delivered", source="figures.click_rate")


class DayAnswer(OutcomesAnswer):
    """A day (UTC). What is told later counts on the day it is told; the rates compare with the same day's mail."""

    date = serializers.DateField()

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """A year is six thousand numbers: they come as they are told, and are not looked at one by one again."""
        return instance


class ContactsAnswer(StatsAnswer, ContactsFigures):
    """Contact statistics."""


class CampaignsAnswer(StatsAnswer, CampaignsFigures):
    """Campaign statistics."""


class EventsAnswer(StatsAnswer, EventsFigures):
    """Event statistics."""


class OverviewAnswer(StatsAnswer):
    """Everything at once."""

    contacts = ContactsFigures()
    campaigns = CampaignsFigures()
    events = EventsFigures()
    data_sources = SourcesFigures()
    recent_campaigns = RecentCampaignAnswer(many=True, help_text="the newest five")


class PerformanceAnswer(StatsAnswer):
    """Mail day by day."""

    days = Count("how many days")
    totals = OutcomesAnswer(help_text="all these days together")
    daily = DayAnswer(many=True, help_text="every day in order, the last one is today; a day without mail is all zeros")
