"""The relay's paths, each written once."""

from api.relay.admin.urls import ROUTES as ADMIN_ROUTES
from api.relay.auth.urls import ROUTES as AUTH_ROUTES
from api.relay.campaigns.views import CampaignStatsView
from api.relay.messages.views import MessagesView, MessageView, RetryView
from api.relay.mounting import Route, mounted
from api.relay.providers.urls import ROUTES as PROVIDER_ROUTES
from api.relay.recipients.views import RecipientsView, RecipientView
from api.relay.stats.views import RealtimeView, StatsView

_ROUTES: list[Route] = [
    ("messages", MessagesView),
    ("messages/<str:message_id>", MessageView),
    ("messages/<str:message_id>/retry", RetryView),
    ("recipients", RecipientsView),
    # An address may hold a slash (RFC 5321, section 4.1.2).
    ("recipients/<path:email>", RecipientView),
    ("campaigns/<str:campaign_id>/stats", CampaignStatsView),
    ("stats", StatsView),
    ("stats/realtime", RealtimeView),
]

urlpatterns = mounted([*_ROUTES, *ADMIN_ROUTES, *AUTH_ROUTES, *PROVIDER_ROUTES])
