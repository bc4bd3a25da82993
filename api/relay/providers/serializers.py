"""The wire format of providers' checks, for the documentation."""

from rest_framework import serializers

from api.relay.documentation import envelope
from api.relay.providers.reading import LONGEST_KEY
from outbound.provider_apis.gmail import SCOPES
from outbound.provider_apis.mailgun import REGIONS
from outbound.provider_apis.service_account import LONGEST_FILE


class GmailValidateBody(serializers.Serializer):
    """A service account of Google, and whose mail it is to send."""

    service_account_json = serializers.CharField(
        max_length=LONGEST_FILE, help_text="the content of the key file, as text; it is used once and not kept"
    )
    test_email = serializers.EmailField(help_text="a mailbox of the Google Workspace; nothing is sent")
    workspace_id = serializers.CharField(required=False, allow_null=True)


class GmailValidity(serializers.Serializer):
    """What Google says of it."""

    valid = serializers.BooleanField(help_text="Google lets it send for the mailbox")
    service_account = serializers.CharField()
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SCOPES)), help_text="those that Google grants for the mailbox"
    )
    domain_wide_delegation = serializers.BooleanField(help_text="it may act for the mailbox, in one of the scopes")
    reason = serializers.CharField(allow_null=True, help_text="why it is not valid, and what to do")


GmailValidateAnswer = envelope("RelayGmailValidateAnswer", GmailValidity())


class MailgunValidateBody(serializers.Serializer):
    """A key of a Mailgun account, and one of its domains."""

    api_key = serializers.CharField(
        max_length=LONGEST_KEY, help_text="of the account, not one for sending only; it is used once and not kept"
    )
    domain = serializers.CharField(max_length=253)
    region = serializers.ChoiceField(choices=list(REGIONS), required=False, default=REGIONS[0])
    workspace_id = serializers.CharField(required=False, allow_null=True)


class MailgunRecords(serializers.Serializer):
    """Whether Mailgun names such records for the domain, and finds all of them in the DNS."""

    mx = serializers.BooleanField()
    txt = serializers.BooleanField()
    cname = serializers.BooleanField()


class MailgunValidity(serializers.Serializer):
    """What Mailgun says of them."""

    valid = serializers.BooleanField(help_text="the key is accepted for this domain in this region")
    domain_verified = serializers.BooleanField()
    dns_records = MailgunRecords()
    sending_enabled = serializers.BooleanField(help_text="verified, and not switched off")
    reason = serializers.CharField(allow_null=True, help_text="why it is not valid, and what to do")


MailgunValidateAnswer = envelope("RelayMailgunValidateAnswer", MailgunValidity())


class MailgunDomainItem(serializers.Serializer):
    """As Mailgun tells of it."""

    name = serializers.CharField()
    state = serializers.CharField(help_text="active, unverified, disabled")
    type = serializers.CharField(help_text="custom or sandbox")
    created_at = serializers.DateTimeField(allow_null=True)
    smtp_login = serializers.CharField()
    is_disabled = serializers.BooleanField()
    skip_verification = serializers.BooleanField()


class MailgunDomains(serializers.Serializer):
    """All of the account, up to 5,000."""

    domains = MailgunDomainItem(many=True)


MailgunDomainsAnswer = envelope("RelayMailgunDomainsAnswer", MailgunDomains())
