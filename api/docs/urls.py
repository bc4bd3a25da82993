"""Paths of the documentation; /api-docs is where the clients of the hosting API look for it."""

from django.urls import path

from api.docs.views import document, reference, try_out

urlpatterns = [
    path("openapi.json", document, name="openapi"),
    path("docs", try_out, name="docs"),
    path("api-docs", try_out),
    path("redoc", reference, name="redoc"),
]
