"""The plain way to take a message: a DRF view, a serializer, one row by the ORM; the answer comes after its commit."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class PlainMessage(models.Model):
    recipient = models.EmailField()
    subject = models.CharField(max_length=998)
    body = models.TextField()
    status = models.CharField(max_length=10, default="queued")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "outbound"
        db_table = "plain_message"
        managed = False

    def __str__(self) -> str:
        return self.subject


class PlainSerializer(serializers.ModelSerializer[PlainMessage]):
    to = serializers.EmailField(source="recipient")

    class Meta:
        model = PlainMessage
        fields = ("id", "to", "subject", "body")


class PlainSend(generics.CreateAPIView[PlainMessage]):
    queryset = PlainMessage.objects.all()
    serializer_class = PlainSerializer

    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = form.save()
        return Response({"success": True, "message_id": made.pk}, status=202)


urlpatterns = [path("plain/send", PlainSend.as_view())]


def make_app() -> object:
    settings.ROOT_URLCONF = __name__
    return WSGIMiddleware(WSGIHandler(), workers=8)
