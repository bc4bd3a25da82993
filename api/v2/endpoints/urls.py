"""The paths of outgoing webhooks."""

from django.urls import URLPattern, path

from api.v2.endpoints.deliveries import DeliveriesView, ReplayView, ResendView
from api.v2.endpoints.views import (
    EndpointListView,
    EndpointsView,
    EndpointView,
    PauseView,
    ResumeView,
    RotationView,
    TestView,
)

_ONE = "endpoints/<int:tenant_id>/<int:endpoint_id>"

urlpatterns: list[URLPattern] = [
    path("endpoints", EndpointsView.as_view()),
    path("endpoints/<int:tenant_id>", EndpointListView.as_view()),
    path(_ONE, EndpointView.as_view()),
    path(f"{_ONE}/rotate", RotationView.as_view()),
    path(f"{_ONE}/test", TestView.as_view()),
    path(f"{_ONE}/pause", PauseView.as_view()),
    path(f"{_ONE}/resume", ResumeView.as_view()),
    path(f"{_ONE}/replay", ReplayView.as_view()),
    path(f"{_ONE}/deliveries", DeliveriesView.as_view()),
    path(f"{_ONE}/deliveries/<int:delivery_id>/resend", ResendView.as_view()),
]
