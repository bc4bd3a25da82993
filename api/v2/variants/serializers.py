"""Variants as they go over the wire, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Id, Text
from campaigns.models import Campaign, SplitTest
from campaigns.reports.figures import Figures
from campaigns.reports.variants import People, SplitReport, VariantFigures
from campaigns.services.variants import LONGEST_NAME, LONGEST_SUBJECT, LONGEST_WAIT, MOST, VariantDraft

_WINNER_BY = SplitTest.WinnerBy.choices


class VariantBody(serializers.Serializer):
    """One variant. Without a template or a subject it has the campaign's."""

    name = Text(max_length=LONGEST_NAME)
    template_id = Id(
        allow_null=True, required=False, help_text="a version of a template; other languages get their version of it"
    )
    subject = Text(
        max_length=LONGEST_SUBJECT,
        allow_blank=True,
        required=False,
        help_text="in place of the template's, in every language",
    )
    share = serializers.IntegerField(min_value=1, max_value=99, help_text="percent of the audience")


class VariantsBody(serializers.Serializer):
    """All variants of a campaign: 2 to 5, or none."""

    variants = serializers.ListField(
        child=VariantBody(), max_length=MOST, help_text="shares of up to 100 percent together; empty: one mail for all"
    )
    winner_by = serializers.ChoiceField(choices=_WINNER_BY, required=False, help_text="opens when left out")
    decide_after_minutes = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_WAIT,
        required=False,
        help_text="from the beginning of sending; 60 when left out; without a meaning where a person decides",
    )


class WinnerBody(serializers.Serializer):
    """What goes to the rest."""

    variant_id = Id()


class GroupCounts(serializers.Serializer):
    """Contacts of a group, each counted once; rates are from 0 to 1, of those whom the mail reached."""

    recipients = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="the provider took it")
    delivered = serializers.IntegerField(help_text="taken, and not bounced afterwards")
    opened = serializers.IntegerField(help_text="as in every report: also where a machine loaded the pictures")
    clicked = serializers.IntegerField()
    human_opened = serializers.IntegerField(help_text="without those of whom only machines did")
    human_clicked = serializers.IntegerField(help_text="without those of whom only machines did")
    open_rate = serializers.FloatField()
    click_rate = serializers.FloatField()


class VariantAtDecision(serializers.Serializer):
    """What counted when the winner was chosen: opens and clicks of people, not of machines."""

    delivered = serializers.IntegerField()
    opened = serializers.IntegerField()
    clicked = serializers.IntegerField()


class VariantAnswer(GroupCounts):
    """A variant with what became of its share."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    template_id = serializers.IntegerField(allow_null=True)
    subject = serializers.CharField()
    share = serializers.IntegerField()
    is_winner = serializers.BooleanField()
    at_decision = VariantAtDecision(allow_null=True)


class RemainderAnswer(GroupCounts):
    """Those who are in no variant's share: they get the winner."""

    share = serializers.IntegerField()


class VariantsAnswer(serializers.Serializer):
    """A campaign's variants, in their order. Of a campaign without any, the list is empty."""

    campaign_id = serializers.IntegerField()
    tenant_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Campaign.State.choices)
    variants = VariantAnswer(many=True)
    remainder = RemainderAnswer()
    winner_by = serializers.ChoiceField(choices=_WINNER_BY, allow_null=True)
    decide_after_minutes = serializers.IntegerField(allow_null=True)
    decides_at = serializers.DateTimeField(
        allow_null=True,
        help_text="not before everybody in the shares was tried once; null: not by itself, or not begun",
    )
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.ChoiceField(choices=_WINNER_BY, allow_null=True)
    reason = serializers.CharField(help_text="why it won, in words; empty before")


def drafts_of(values: list[dict[str, Any]]) -> list[VariantDraft]:
    """From the checked items of VariantsBody."""
    return [
        VariantDraft(
            name=value["name"],
            share=value["share"],
            template_id=value.get("template_id"),
            subject=value.get("subject", ""),
        )
        for value in values
    ]


def split_fields(campaign: Campaign, report: SplitReport, tenant_id: int) -> dict[str, Any]:
    """As VariantsAnswer says."""
    return {
        "campaign_id": campaign.pk,
        "tenant_id": tenant_id,
        "status": campaign.state,
        "variants": [_variant(variant) for variant in report.variants],
        "remainder": {"share": report.rest_share, **_counts(report.rest, report.rest_people)},
        "winner_by": report.winner_by or None,
        "decide_after_minutes": report.decide_after_minutes,
        "decides_at": report.decides_at,
        "decided_at": report.decided_at,
        "decided_by": report.decided_by or None,
        "reason": report.reason,
    }


def _variant(variant: VariantFigures) -> dict[str, Any]:
    told = variant.at_decision
    return {
        "id": variant.id,
        "name": variant.name,
        "template_id": variant.template_id,
        "subject": variant.subject,
        "share": variant.share,
        **_counts(variant.figures, variant.people),
        "is_winner": variant.is_winner,
        "at_decision": told and {"delivered": told.delivered, "opened": told.opened, "clicked": told.clicked},
    }


def _counts(figures: Figures, people: People) -> dict[str, Any]:
    return {
        "recipients": figures.total,
        "sent": figures.sent,
        "delivered": figures.delivered,
        "opened": figures.opened,
        "clicked": figures.clicked,
        "human_opened": people.opened,
        "human_clicked": people.clicked,
        "open_rate": figures.open_rate,
        "click_rate": figures.click_rate,
    }
