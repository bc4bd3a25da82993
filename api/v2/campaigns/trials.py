"""Before it goes out: how a campaign looks for somebody, and a test mail of it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.ledger.answering import Outside
from api.v2.campaigns.base import TAGS, CampaignView
from api.v2.campaigns.examples import PREVIEW, TESTED
from api.v2.documentation import errors
from api.v2.fields import Text
from api.v2.templates.previews import PersonBody, PreviewAnswer, preview_fields
from campaigns.services.previewing import person_to_show, preview_campaign
from campaigns.services.testing import MOST_ADDRESSES, prepare_test


class MailHeader(serializers.Serializer):
    """One header field."""

    name = serializers.CharField()
    value = serializers.CharField()


class CampaignPreview(PreviewAnswer):
    """A campaign's mail as one person would get it."""

    sender = serializers.CharField(help_text="the From field")
    headers = MailHeader(many=True)


class CampaignTestBody(PersonBody):
    """Where a test goes, and for whom it is filled in: by default, for the contact of each address."""

    addresses = serializers.ListField(child=Text(max_length=320), min_length=1, max_length=MOST_ADDRESSES)


class CampaignTestResult(serializers.Serializer):
    """What became of the test to one address."""

    email = serializers.CharField()
    result = serializers.CharField(help_text="sent, refused, deferred, suppressed, failed or in_doubt")
    code = serializers.IntegerField(allow_null=True, help_text="reply code of the provider")
    reason = serializers.CharField()
    language = serializers.CharField(help_text="of the template's version; empty: of any")


class CampaignTestAnswer(serializers.Serializer):
    """The results, in the order of the addresses."""

    campaign_id = serializers.IntegerField()
    results = CampaignTestResult(many=True)


class PreviewView(CampaignView):
    @extend_schema(
        operation_id="campaigns_preview",
        summary="See a campaign as somebody would get it",
        description=(
            "For a contact by `contact_id` or `email`, in the version of its language; `attributes` stand in place of "
            "the contact's own, or alone. Nothing is sent, nothing in it is tracked, and its unsubscribe link "
            "unsubscribes nobody."
        ),
        tags=TAGS,
        request=PersonBody,
        responses={200: CampaignPreview, **errors(409, body=True)},
        examples=[
            OpenApiExample("For anybody", {"attributes": {"first_name": "Ana", "language": "fr"}}, request_only=True),
            PREVIEW,
        ],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        person = person_to_show(**self.checked(PersonBody))
        shown = preview_campaign(campaign=self.campaign(campaign_id), person=person)
        body: dict[str, Any] = preview_fields(shown)
        headers = [{"name": name, "value": value} for name, value in shown.headers]
        sender = next((value for name, value in shown.headers if name == "From"), "")
        return Response({**body, "sender": sender, "headers": headers})


class CampaignTestView(CampaignView):
    outside = Outside(
        at_most=90,  # the provider has half a minute; the rest is for a slow database and names that are looked up
        look="Look whether the test mail came. Send it again, if it did not, with a new key.",
    )

    @extend_schema(
        operation_id="campaigns_test",
        summary="Send a test of a campaign",
        description=(
            f"Sends the mail, with “[Test] ” before its subject, to up to {MOST_ADDRESSES} addresses through the "
            "campaign's provider, and waits for the answers (half a minute at most). No report counts it, and its "
            "unsubscribe link unsubscribes nobody. An address that bounced for good or complained gets nothing. At "
            "most 100 an hour: then 429. With an Idempotency-Key it is never sent twice: a repetition is 409 "
            "`still_running` until there is an answer, and 409 `in_doubt` when the first call broke off while it sent."
        ),
        tags=TAGS,
        request=CampaignTestBody,
        responses={200: CampaignTestAnswer, **errors(409, body=True)},
        examples=[OpenApiExample("To oneself", {"addresses": ["ana@example.com"]}, request_only=True), TESTED],
    )
    def post(self, request: Request, tenant_id: int, campaign_id: int) -> Response:
        values = self.checked(CampaignTestBody)
        addresses = values.pop("addresses")
        person = person_to_show(**values) if values else None
        test = prepare_test(campaign=self.campaign(campaign_id), addresses=addresses, person=person)
        self.goes_outside()
        results = test.send()
        told = [
            {
                "email": result.email,
                "result": result.result,
                "code": result.code,
                "reason": result.reason,
                "language": result.language,
            }
            for result in results
        ]
        return Response({"campaign_id": campaign_id, "results": told})
