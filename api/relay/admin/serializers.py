"""The wire format of configuration, maintenance, clean-up and limits, for the documentation."""

from rest_framework import serializers

from api.relay.admin.reading import OLDEST_DAYS
from api.relay.documentation import envelope
from tenants.services.maintenance import LONGEST_MESSAGE, LONGEST_MINUTES
from tenants.services.setting_definitions import DEFINITIONS, PROVIDER

_MOST = 1_000_000_000


def _number(name: str, low: int, high: int, **options: bool) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=low, max_value=high, help_text=DEFINITIONS[name].sentence, **options)


def _smtp(*, required: bool) -> dict[str, serializers.Field]:
    return {
        "host": serializers.CharField(help_text=DEFINITIONS["smtp.host"].sentence, max_length=253, required=required),
        "port": _number("smtp.port", 1, 65_534, required=required),
        "max_size": _number("smtp.max_size", 1_024, 104_857_600, required=required),
    }


def _queue(*, required: bool) -> dict[str, serializers.Field]:
    return {
        "batch_size": _number("queue.batch_size", 1, 1_000, required=required),
        "process_interval": serializers.RegexField(
            r"^[0-9]{1,6}(ms|s|m)$", help_text=DEFINITIONS["queue.process_interval"].sentence, required=required
        ),
        "max_retries": _number("queue.max_retries", 0, 100, required=required),
    }


def _rate_limits(*, required: bool) -> dict[str, serializers.Field]:
    names = ("global_daily", "workspace_default", "user_default")
    return {name: _number(f"rate_limits.{name}", 0, _MOST, required=required) for name in names}


def _provider(*, required: bool) -> dict[str, serializers.Field]:
    return {
        "enabled": serializers.BooleanField(help_text=PROVIDER["enabled"].sentence, required=required),
        "rate_limit": serializers.IntegerField(
            min_value=0, max_value=_MOST, help_text=PROVIDER["rate_limit"].sentence, required=required
        ),
    }


def _object(name: str, fields: dict[str, serializers.Field], says: str) -> type[serializers.Serializer]:
    return type(name, (serializers.Serializer,), {**fields, "__doc__": says})


def _configuration(name: str, *, required: bool, says: str) -> type[serializers.Serializer]:
    sections = {"smtp": _smtp, "queue": _queue, "rate_limits": _rate_limits}
    fields: dict[str, serializers.Field] = {
        section: _object(f"{name}{section.title().replace('_', '')}", make(required=required), f"Of {section}.")(
            required=required
        )
        for section, make in sections.items()
    }
    provider = _object(f"{name}Provider", _provider(required=required), "Of all accounts of one type.")
    fields["providers"] = serializers.DictField(
        child=provider(), required=required, help_text="by the type of accounts: smtp"
    )
    return _object(name, fields, says)


Configuration = _configuration("RelayConfiguration", required=True, says="What holds now.")
ConfigurationChange = _configuration(
    "RelayConfigurationChange", required=False, says="What is to hold from now on; what is left out stays as it is."
)
ConfigurationAnswer = envelope("RelayConfigurationAnswer", Configuration())


class ConfigurationChanged(serializers.Serializer):
    """It holds within a second, but for what needs a restart."""

    success = serializers.BooleanField(default=True)
    message = serializers.CharField()
    restart_required = serializers.BooleanField()


class MaintenanceBody(serializers.Serializer):
    """Closes sending, or opens it again."""

    enabled = serializers.BooleanField()
    message = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=LONGEST_MESSAGE)
    expected_duration_minutes = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_MINUTES,
        help_text="it ends by itself then; left out: when it is switched off",
    )


class Maintenance(serializers.Serializer):
    """How it stands."""

    maintenance_mode = serializers.BooleanField()
    started_at = serializers.DateTimeField(allow_null=True)
    expected_end = serializers.DateTimeField(allow_null=True)


MaintenanceAnswer = envelope("RelayMaintenanceAnswer", Maintenance())


class CleanupBody(serializers.Serializer):
    """Which single messages go."""

    older_than_days = serializers.IntegerField(min_value=1, max_value=OLDEST_DAYS)
    include_sent = serializers.BooleanField(required=False, default=True, help_text="sent and delivered")
    include_failed = serializers.BooleanField(
        required=False, default=True, help_text="failed, bounced, cancelled and in doubt"
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="only count")
    workspace_id = serializers.CharField(required=False, allow_null=True, help_text="left out: all workspaces")


class Deleted(serializers.Serializer):
    """Rows."""

    messages = serializers.IntegerField()
    webhook_events = serializers.IntegerField(
        help_text="what was told to webhooks and by them, older than so many days, whatever it was about"
    )
    recipient_events = serializers.IntegerField(help_text="opens, clicks, bounces, … of these messages")


class Cleanup(serializers.Serializer):
    """What was deleted, or would be."""

    deleted = Deleted()
    space_freed_mb = serializers.IntegerField(
        help_text="given back to the file system: months that were dropped whole. Room inside of tables is used again"
    )
    complete = serializers.BooleanField(help_text="false: time was up; the same call goes on")


CleanupAnswer = envelope("RelayCleanupAnswer", Cleanup())


class GlobalQuota(serializers.Serializer):
    """Of all workspaces together."""

    limit = serializers.IntegerField(allow_null=True, help_text="null: none")
    remaining = serializers.IntegerField(allow_null=True)
    reset_at = serializers.DateTimeField()


class UserQuota(serializers.Serializer):
    """Of one user, by the name that programs give."""

    limit = serializers.IntegerField(allow_null=True, help_text="null: none")
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)


class WorkspaceQuota(UserQuota):
    """Of one workspace."""

    workspace_id = serializers.CharField()
    reset_at = serializers.DateTimeField()


RateLimits = _object(
    "RelayRateLimits",
    {
        "global": GlobalQuota(),
        "workspace": WorkspaceQuota(),
        "users": serializers.DictField(child=UserQuota(), help_text="those who sent today, at most a thousand"),
    },
    "Single messages today (UTC).",
)
RateLimitAnswer = envelope("RelayRateLimitAnswer", RateLimits())
