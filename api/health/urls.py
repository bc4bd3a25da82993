"""The paths that watchers ask; they answer on every host, without a key."""

from django.urls import path

from api.health.views import detailed_metrics, health, ping, ready
from api.metrics_door import metrics

urlpatterns = [
    path("health", health),
    path("health/ready", ready),
    path("health/ping", ping),
    path("health/metrics", detailed_metrics),
    path("metrics", metrics),
]
