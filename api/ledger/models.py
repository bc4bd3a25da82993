"""What the doors remember of a tenant."""

from django.db import models

from api.ledger.hooks import HookCall, HookEvent

__all__ = ["AnsweredCall", "HookCall", "HookEvent"]


class AnsweredCall(models.Model):
    """A call with an Idempotency-Key and its answer, kept for 24 hours. There is no answer while it is being worked out,
    nor for one that broke off while it worked outside the database."""

    caller = models.CharField(max_length=32, help_text="key:<id> or user:<id>")
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text="of the method, the path and the body")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="", help_text="encrypted: some answers hold what is shown only once")
    created_at = models.DateTimeField()
    running_until = models.DateTimeField(
        null=True, help_text="of a call that works outside the database: when it is over, or in doubt"
    )

    class Meta:
        constraints = [models.UniqueConstraint("caller", "key", name="answered_call_once")]
        indexes = [models.Index(fields=["created_at"], name="answered_call_age")]

    def __str__(self) -> str:
        return f"{self.key} of {self.caller}"
