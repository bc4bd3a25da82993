"""Campaigns as they go over the wire, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id, Moment, Text
from campaigns.models import Campaign
from campaigns.reports import Figures

_STATES = Campaign.State.choices


class Flag(serializers.BooleanField):
    """true or false; neither text nor numbers are taken for one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("This must be true or false.")
        return data


class TagSlugs(serializers.ListField):
    """Tags by their slugs."""

    child = Text(max_length=80)

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)


class CampaignBody(serializers.Serializer):
    """A campaign as it is ordered. Sender: `from` in one piece, or its parts, or nothing for the tenant's own."""

    tenant_id = Id(required=False, help_text="left out: the key's tenant")
    name = Text(max_length=200)
    template_id = Id(help_text="a version of a template; contacts of another language get that language's version")
    language = Text(max_length=12, allow_blank=True, required=False, help_text="of the contacts: fr, pt-br; empty: any")
    category = Text(max_length=60, allow_blank=True, required=False, help_text="picks the version of this category")
    tags_all = TagSlugs(required=False, help_text="contacts have all of these")
    tags_any = TagSlugs(required=False, help_text="and one of these")
    exclude_tags = TagSlugs(
        required=False, help_text="and none of these; a tag that does not exist is refused here too"
    )
    segment_id = Id(allow_null=True, required=False, help_text="and in this segment; null: not narrowed to any")
    scheduled_at = Moment(
        allow_null=True, required=False, help_text="in the future: it goes out then; over: it is kept and sends nothing"
    )
    from_name = Text(max_length=120, allow_blank=True, required=False)
    from_email = Text(max_length=320, required=False)
    reply_to = Text(max_length=320, allow_blank=True, required=False)
    provider_id = Id(allow_null=True, required=False, help_text="null: the first active one")
    track_opens = Flag(required=False)
    track_clicks = Flag(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        sender = Text(
            max_length=600, required=False, source="sender", help_text="Acme <news@acme.example>; goes before the parts"
        )
        return {**super().get_fields(), "from": sender}


class CampaignCounts(serializers.Serializer):
    """Recipients by what became of them. `opened`, `clicked`, `unsubscribed` and `complained` count each once."""

    total = serializers.IntegerField()
    queued = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="the provider took it")
    delivered = serializers.IntegerField(help_text="taken, and not bounced afterwards")
    bounced = serializers.IntegerField(help_text="hard and soft")
    opened = serializers.IntegerField()
    clicked = serializers.IntegerField()
    unsubscribed = serializers.IntegerField()
    complained = serializers.IntegerField()
    failed = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    in_doubt = serializers.IntegerField(help_text="handed over, no answer: nobody knows")
    deferred = serializers.IntegerField(help_text="refused for now, tried again")


class CampaignAnswer(serializers.Serializer):
    """A campaign as it stands in lists."""

    id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    name = serializers.CharField()
    template_id = serializers.IntegerField()
    language = serializers.CharField()
    category = serializers.CharField()
    tags_all = serializers.ListField(child=serializers.CharField())
    tags_any = serializers.ListField(child=serializers.CharField())
    exclude_tags = serializers.ListField(child=serializers.CharField())
    segment_id = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=_STATES)
    scheduled_at = serializers.DateTimeField(allow_null=True)
    from_name = serializers.CharField()
    from_email = serializers.CharField()
    reply_to = serializers.CharField()
    provider_id = serializers.IntegerField(allow_null=True)
    track_opens = serializers.BooleanField()
    track_clicks = serializers.BooleanField()
    error = serializers.CharField(help_text="why it stopped or what troubles it; empty: nothing")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CampaignDetail(CampaignAnswer):
    """A campaign with its figures."""

    counts = CampaignCounts()


class CampaignAction(serializers.Serializer):
    """What an action did."""

    success = serializers.BooleanField()
    campaign_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=_STATES)
    message = serializers.CharField()


class CampaignCopy(serializers.Serializer):
    """How a copy is called."""

    name = Text(max_length=200, required=False, help_text="left out: the name with (copy) behind it")


class CampaignListQuery(serializers.Serializer):
    """What a list of campaigns can be narrowed to."""

    status = serializers.ChoiceField(choices=_STATES, required=False)


def campaign_fields(campaign: Campaign, tenant_id: int) -> dict[str, Any]:
    """As CampaignAnswer says."""
    return {
        "id": campaign.pk,
        "tenant_id": tenant_id,
        "name": campaign.name,
        "template_id": campaign.template_id,
        "language": campaign.language,
        "category": campaign.category,
        "tags_all": campaign.tags_all,
        "tags_any": campaign.tags_any,
        "exclude_tags": campaign.exclude_tags,
        "segment_id": campaign.segment_id,
        "status": campaign.state,
        "scheduled_at": campaign.scheduled_at,
        "from_name": campaign.from_name,
        "from_email": campaign.from_address,
        "reply_to": campaign.reply_to,
        "provider_id": campaign.provider_id,
        "track_opens": campaign.track_opens,
        "track_clicks": campaign.track_clicks,
        "error": campaign.error,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
    }


def count_fields(figures: Figures) -> dict[str, int]:
    """As CampaignCounts says."""
    return {
        "total": figures.total,
        "queued": figures.queued,
        "sent": figures.sent,
        "delivered": figures.delivered,
        "bounced": figures.bounced_hard + figures.bounced_soft,
        "opened": figures.opened,
        "clicked": figures.clicked,
        "unsubscribed": figures.unsubscribed,
        "complained": figures.complained,
        "failed": figures.failed,
        "suppressed": figures.suppressed,
        "cancelled": figures.cancelled,
        "in_doubt": figures.in_doubt,
        "deferred": figures.deferred,
    }
