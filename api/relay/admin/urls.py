"""The paths of operators and limits, for api.relay.urls."""

from api.relay.admin.limits import RateLimitView
from api.relay.admin.views import CleanupView, ConfigView, MaintenanceView
from api.relay.mounting import Route

ROUTES: list[Route] = [
    ("rate-limit", RateLimitView),
    ("admin/config", ConfigView),
    ("admin/maintenance/mode", MaintenanceView),
    ("admin/maintenance/cleanup", CleanupView),
]
