"""Endpoints of customers, and what each was told or is still to be told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Endpoint(models.Model):
    """A URL of the tenant's that hears of its messages."""

    class Format(models.TextChoices):
        STANDARD = "standard", "Standard: all that is known of the event"
        AEGIS = "aegis", "Aegis: message_id, status, timestamp, error, attempts"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused: nothing is sent, what waits is kept"

    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, default="", blank=True)
    kinds = ArrayField(models.CharField(max_length=16), help_text="api.callbacks.kinds; * is all of them")
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.STANDARD)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    pause_reason = models.TextField(default="", blank=True, help_text="empty: a person paused it")
    paused_at = models.DateTimeField(null=True, blank=True)
    origin = models.CharField(max_length=20, default="", blank=True, help_text="environment: from WEBHOOK_URL")
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(default="", blank=True)
    previous_until = models.DateTimeField(null=True, blank=True, help_text="until then the one before signs too")
    failures = models.PositiveIntegerField(default=0, help_text="failed tries since the last success")
    failing_since = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(null=True, blank=True, help_text="nothing is tried before")
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.description or self.url


class Delivery(models.Model):
    """One notice for one endpoint, kept for 30 days. Whose address it is about is looked up when it is sent.

    Notices of one lane (a single message; a recipient of a campaign) are sent one after the other, in the order of ids.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for its first or next try"
        DELIVERED = "delivered", "Delivered: answered with 2xx"
        GIVEN_UP = "given_up", "Given up after the last try"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField(help_text="webhook-id, the same at every try")
    kind = models.CharField(max_length=16)
    at = models.DateTimeField(help_text="when it happened")
    month = models.DateField(null=True)
    message_id = models.BigIntegerField(null=True, help_text="empty: a test")
    position = models.IntegerField(default=-1)
    lane = models.IntegerField(default=-1, help_text="-1: all of the message; else the recipient's position")
    attempt = models.SmallIntegerField(null=True, help_text="of sending the mail")
    code = models.SmallIntegerField(null=True)
    detail = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="a courier has it in hand until then")
    last_try_at = models.DateTimeField(null=True)
    last_status = models.SmallIntegerField(null=True, help_text="of the answer; empty: there was none")
    last_error = models.TextField(default="", db_default="")
    duration_ms = models.IntegerField(null=True)
    answer = models.TextField(default="", db_default="", help_text="its first 1,024 bytes")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["endpoint", "due_at", "id"], name="delivery_due", condition=models.Q(state="waiting")),
            models.Index(
                fields=["endpoint", "message_id", "lane", "id"],
                name="delivery_lane",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["endpoint", "id"], name="delivery_of_endpoint"),
            models.Index(fields=["message_id", "id"], name="delivery_of_message"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def name(self) -> str:
        """What the endpoint knows it by: the header webhook-id."""
        return event_name(self.event_id)


def event_name(event_id: object) -> str:
    """An event's id as it stands in the header webhook-id."""
    return f"evt_{str(event_id).replace('-', '')}"
