"""The paths about providers, for api.relay.urls."""

from api.relay.mounting import Route
from api.relay.providers.views import GmailValidateView, MailgunDomainsView, MailgunValidateView

ROUTES: list[Route] = [
    ("providers/gmail/validate", GmailValidateView),
    ("providers/mailgun/validate", MailgunValidateView),
    ("providers/mailgun/domains", MailgunDomainsView),
]
