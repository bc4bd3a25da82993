"""Checks with providers, for whoever sets an account up. They take as long as the provider does, ten seconds at most."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.relay.base import RelayView
from api.relay.documentation import WORKSPACE, errors
from api.relay.providers import answers
from api.relay.providers.reading import LARGEST_BODY, read_gmail, read_mailgun
from api.relay.providers.serializers import (
    GmailValidateAnswer,
    GmailValidateBody,
    MailgunDomainsAnswer,
    MailgunValidateAnswer,
    MailgunValidateBody,
)
from outbound.provider_apis.configured import google_token_url, kept_mailgun_account, mailgun_account
from outbound.provider_apis.gmail import check_service_account
from outbound.provider_apis.mailgun import check_domain, list_domains

_TAGS = ["Relay: providers"]
_WAITS = (
    "The provider is asked while you wait, ten seconds at most. What it refuses is told in `reason`; 502 means that it "
    "could not be asked. Nothing is kept."
)


class ProviderView(RelayView):
    """It looks at accounts of a workspace: the key needs the scope admin."""

    scopes: ClassVar[dict[str, str]] = {"GET": "admin", "POST": "admin"}
    largest_body: ClassVar[int | None] = LARGEST_BODY
    # No transaction may wait for a provider, and nothing changes here: each call is a look of its own.
    idempotent: ClassVar[bool] = False


class GmailValidateView(ProviderView):
    @extend_schema(
        operation_id="relay_gmail_validate",
        summary="Check a service account of Google",
        description="Whether Google gives it tokens to send for a mailbox (domain-wide delegation). " + _WAITS,
        tags=_TAGS,
        request=GmailValidateBody,
        responses={200: GmailValidateAnswer, **errors(502, body=True)},
        examples=[
            OpenApiExample(
                "A key file",
                {"service_account_json": '{"type": "service_account", …}', "test_email": "test@example.com"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = read_gmail(request.data)
        check = check_service_account(asked.account, mailbox=asked.mailbox, token_url=google_token_url())
        return Response({"success": True, "data": answers.gmail(check, service_account=asked.account.email)})


class MailgunValidateView(ProviderView):
    @extend_schema(
        operation_id="relay_mailgun_validate",
        summary="Check a key and a domain of Mailgun",
        description="Whether the key is accepted, and how the domain and its DNS records stand. " + _WAITS,
        tags=_TAGS,
        request=MailgunValidateBody,
        responses={200: MailgunValidateAnswer, **errors(502, body=True)},
        examples=[
            OpenApiExample(
                "A domain",
                {"api_key": "key-abc123def456", "domain": "mg.example.com", "region": "US"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = read_mailgun(request.data)
        account = mailgun_account(key=asked.key, region=asked.region)
        return Response({"success": True, "data": answers.mailgun(check_domain(account, asked.domain))})


class MailgunDomainsView(ProviderView):
    @extend_schema(
        operation_id="relay_mailgun_domains",
        summary="List the domains of the workspace's Mailgun account",
        description="Of the account that the operator keeps for the workspace (MAILGUN_API_KEYS); 404 where there is "
        "none. Mailgun is asked while you wait, ten seconds at most; 502 means that it could not be asked, or does "
        "not accept the key any more.",
        tags=_TAGS,
        parameters=[WORKSPACE],
        responses={200: MailgunDomainsAnswer, **errors(502)},
    )
    def get(self, request: Request) -> Response:
        domains = list_domains(kept_mailgun_account(self.tenant.workspace_id))
        return Response({"success": True, "data": {"domains": [answers.mailgun_domain(one) for one in domains]}})
