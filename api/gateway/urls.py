"""The gateway's path, without a trailing slash (api.middleware makes it optional)."""

from django.urls import path

from api.gateway.views import SendView

urlpatterns = [path("api/v1/send", SendView.as_view())]
