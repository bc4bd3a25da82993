"""What the operator has set of providers' APIs: where they are asked, and accounts of workspaces."""

from django.conf import settings

from common.errors import NotFound, Unavailable
from outbound.provider_apis.mailgun import REGIONS, MailgunAccount


def google_token_url() -> str:
    """Also the audience of what is signed for it."""
    url: str = settings.GMAIL_TOKEN_URL
    return url


def mailgun_account(*, key: str, region: str) -> MailgunAccount:
    """`region`: one of REGIONS."""
    urls = {"US": settings.MAILGUN_URL_US, "EU": settings.MAILGUN_URL_EU}
    return MailgunAccount(key, region, urls[region])


def kept_mailgun_account(workspace_id: str) -> MailgunAccount:
    """Of MAILGUN_API_KEYS: `ws-001:EU:key`. Raises NotFound, and Unavailable where its entry cannot be read."""
    for entry in settings.MAILGUN_API_KEYS:
        workspace, _, rest = entry.partition(":")
        if workspace != workspace_id:
            continue
        region, _, key = rest.partition(":")
        if region.upper() not in REGIONS or not (key.isascii() and key.isprintable() and key):
            raise Unavailable(
                "The Mailgun account of this workspace is not set as it should be. The operator has to correct "
                "MAILGUN_API_KEYS: workspace, region and key, as in ws-001:EU:key."
            )
        return mailgun_account(key=key, region=region.upper())
    raise NotFound(
        "No Mailgun account is kept here for this workspace.", hint="The operator sets it with MAILGUN_API_KEYS."
    )
