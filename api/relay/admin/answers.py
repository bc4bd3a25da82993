"""Answers for operators, spelled field by field."""

from collections.abc import Collection, Mapping
from typing import Any

from api.relay.moments import moment
from outbound.services.cleanup import Cleaned
from tenants.services.maintenance import MaintenanceState
from tenants.services.setting_definitions import PROVIDER, Value
from tenants.services.standing import QuotaStandings, Standing

_MEGABYTE = 1024 * 1024


def configuration(values: Mapping[str, Value], provider_types: Collection[str]) -> dict[str, Any]:
    """Every setting as it holds now; types of providers that nobody changed have their defaults."""
    providers = {
        type: {name: values.get(f"providers.{type}.{name}", PROVIDER[name].default()) for name in PROVIDER}
        for type in sorted(provider_types)
    }
    return {
        "smtp": {
            "host": values["smtp.host"],
            "port": values["smtp.port"],
            "max_size": values["smtp.max_size"],
        },
        "queue": {
            "batch_size": values["queue.batch_size"],
            "process_interval": values["queue.process_interval"],
            "max_retries": values["queue.max_retries"],
        },
        "rate_limits": {
            "global_daily": values["rate_limits.global_daily"],
            "workspace_default": values["rate_limits.workspace_default"],
            "user_default": values["rate_limits.user_default"],
        },
        "providers": providers,
    }


def maintenance(state: MaintenanceState | None) -> dict[str, Any]:
    """None: sending is open."""
    return {
        "maintenance_mode": state is not None,
        "started_at": moment(state.started_at) if state else None,
        "expected_end": moment(state.until) if state else None,
    }


def cleaned(done: Cleaned) -> dict[str, Any]:
    """Whole megabytes, rounded down: never more than was freed."""
    return {
        "deleted": {
            "messages": done.messages,
            "webhook_events": done.webhook_events,
            "recipient_events": done.recipient_events,
        },
        "space_freed_mb": done.freed_bytes // _MEGABYTE,
        "complete": done.complete,
    }


def rate_limits(standings: QuotaStandings, *, workspace_id: str) -> dict[str, Any]:
    """Limits that are not there are null."""
    reset_at = moment(standings.resets_at)
    whole, own = standings.installation, standings.workspace
    return {
        "global": {"limit": whole.limit, "remaining": whole.remaining, "reset_at": reset_at},
        "workspace": {"workspace_id": workspace_id, **_standing(own), "reset_at": reset_at},
        "users": {user: _standing(standing) for user, standing in standings.users.items()},
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {"limit": standing.limit, "used": standing.used, "remaining": standing.remaining}
