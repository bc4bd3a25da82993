"""Aegis' paths, without a trailing slash (api.middleware makes it optional)."""

from django.urls import path, register_converter

from api.aegis.views import SendView, StandingView, SystemView


class AnyText:
    """Line ends and slashes too: what is no id is refused by the view, in Aegis' words."""

    regex = r"[\s\S]*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyText, "text")

urlpatterns = [
    path("send", SendView.as_view()),
    path("send/<text:message_id>/status", StandingView.as_view()),
    path("status", SystemView.as_view()),
]
