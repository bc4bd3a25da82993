"""The paths of all APIs; they answer on the public host and on tenants' hosts alike."""

from django.urls import include, path

urlpatterns = [
    path("", include("api.docs.urls")),
    path("api/v2/", include("api.v2.urls")),
    path("", include("api.graphql.urls")),
    path("", include("api.aegis.urls")),
    path("", include("api.gateway.urls")),
    path("", include("api.relay.urls")),
    path("api/v1/", include("api.hosting.urls")),
]
