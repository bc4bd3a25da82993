"""The paths of tokens, for api.relay.urls."""

from api.relay.auth.views import RefreshView, TokenView
from api.relay.mounting import Route

ROUTES: list[Route] = [("auth/token", TokenView), ("auth/refresh", RefreshView)]
