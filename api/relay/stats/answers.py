"""A workspace's figures as the relay answers them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from api.relay.moments import moment
from api.uptime import uptime_seconds
from common.version import VERSION
from outbound.submission.figures import ProcessingTimes, ProviderFigures, QueueFigures


def system(now: datetime) -> dict[str, Any]:
    """Of this process."""
    return {
        "version": VERSION,
        "uptime_seconds": uptime_seconds(),
        "current_time": moment(now),
    }


def queue(figures: QueueFigures) -> dict[str, int]:
    """Mails, one for each recipient. None is ever in `auth_error`: while a provider refuses our login, they wait."""
    return {
        "total": figures.total,
        "queued": figures.queued + figures.scheduled + figures.deferred,
        "processing": figures.processing,
        "sent": figures.sent,
        "failed": figures.failed + figures.bounced + figures.suppressed,
        "auth_error": 0,
    }


def processing(times: ProcessingTimes, *, rate_per_minute: int) -> dict[str, int | None]:
    """Null where nothing was finished within the hour."""
    return {
        "rate_per_minute": rate_per_minute,
        "avg_processing_time_ms": _whole(times.average),
        "p95_processing_time_ms": _whole(times.p95),
        "p99_processing_time_ms": _whole(times.p99),
    }


def providers(figures: Iterable[ProviderFigures]) -> dict[str, Any]:
    """By name. Rates and times are of the last day; null where nothing was sent."""
    return {
        one.name: {
            "status": one.status,
            "success_rate": None if one.success_rate is None else round(one.success_rate, 4),
            "avg_latency_ms": _whole(one.average_processing),
        }
        for one in figures
    }


def _whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)
