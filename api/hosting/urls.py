"""The paths of the hosting service, below /api/v1/."""

from django.urls import URLPattern, path

from api.hosting.views import EmailsView, EmailView, ResendView, StatisticsView

urlpatterns: list[URLPattern] = [
    path("emails", EmailsView.as_view()),
    path("emails/stats", StatisticsView.as_view()),
    path("emails/<str:email_id>", EmailView.as_view()),
    path("emails/<str:email_id>/resend", ResendView.as_view()),
]
