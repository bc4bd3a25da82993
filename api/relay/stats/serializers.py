"""The wire format of figures, for the documentation."""

from rest_framework import serializers

from api.relay.documentation import envelope


class SystemFigures(serializers.Serializer):
    """The process that answers."""

    version = serializers.CharField()
    uptime_seconds = serializers.IntegerField()
    current_time = serializers.DateTimeField()


class QueueCounts(serializers.Serializer):
    """Mails, one for each recipient; `total` is all that were ever taken, cancelled ones too."""

    total = serializers.IntegerField()
    queued = serializers.IntegerField()
    processing = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    auth_error = serializers.IntegerField(help_text="always 0: while a provider refuses the login, mails wait")


class Processing(serializers.Serializer):
    """From when a message was due until its last recipient had an outcome, of the last hour; null: there was none."""

    rate_per_minute = serializers.IntegerField(help_text="messages finished within the last minute")
    avg_processing_time_ms = serializers.IntegerField(allow_null=True)
    p95_processing_time_ms = serializers.IntegerField(allow_null=True)
    p99_processing_time_ms = serializers.IntegerField(allow_null=True)


class ProviderState(serializers.Serializer):
    """A provider, by the messages of the last day; null: there was none."""

    status = serializers.ChoiceField(choices=["healthy", "degraded", "down"])
    success_rate = serializers.FloatField(allow_null=True, help_text="0 to 1")
    avg_latency_ms = serializers.IntegerField(
        allow_null=True, help_text="from when a message was due until it was taken"
    )


class GlobalLimit(serializers.Serializer):
    """The installation's day; null: no limit."""

    used_today = serializers.IntegerField()
    limit_today = serializers.IntegerField(allow_null=True)
    reset_at = serializers.DateTimeField()


RelayLimits = type(
    "RelayLimits", (serializers.Serializer,), {"__doc__": "Limits on what is sent.", "global": GlobalLimit()}
)


class RelayFigures(serializers.Serializer):
    """How things are."""

    system = SystemFigures()
    queue = QueueCounts()
    processing = Processing()
    providers = serializers.DictField(child=ProviderState(), help_text="by name")
    rate_limits = RelayLimits()


RelayStats = envelope("RelayStats", RelayFigures())
