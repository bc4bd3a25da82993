"""What providers and the customers' own programs told us, word for word, and which events of it were new."""

from django.db import models


class HookCall(models.Model):
    """One call of a webhook's door. The same body of the same source is kept once, however often it comes."""

    source = models.CharField(max_length=20, help_text="mailwizz, powermta, generic")
    digest = models.BinaryField(max_length=16, help_text="BLAKE2b of the body")
    content_type = models.CharField(max_length=120, default="", blank=True)
    body = models.BinaryField(help_text="as it came, after gzip")
    caller = models.CharField(max_length=120, default="", blank=True, help_text="the name of the key")
    deliveries = models.IntegerField(default=1, help_text="how often it came")
    events = models.IntegerField(default=0)
    applied = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    ignored = models.IntegerField(default=0)
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="hook_call_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.received_at:%Y-%m-%d %H:%M:%S}"


class HookEvent(models.Model):
    """One event of a call, by its id or, without one, by what it says: makes the second telling a repetition."""

    source = models.CharField(max_length=20)
    key = models.BinaryField(max_length=16, help_text="BLAKE2b of the event's id or content")
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="hook_event_once")]

    def __str__(self) -> str:
        return f"{self.source} {bytes(self.key).hex()}"
