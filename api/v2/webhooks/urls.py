"""Paths of the webhooks' doors (V23 to V27)."""

from django.urls import path

from api.v2.webhooks.views import DoorsView, EchoView, GenericView, MailWizzView, PowerMtaView

urlpatterns = [
    path("webhooks/mailwizz", MailWizzView.as_view()),
    path("webhooks/powermta", PowerMtaView.as_view()),
    path("webhooks/generic", GenericView.as_view()),
    path("webhooks/test", EchoView.as_view()),
    path("webhooks/health", DoorsView.as_view()),
]
