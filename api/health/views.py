"""`/health`, `/health/ready`, `/health/ping`, `/health/metrics`: JSON for monitors."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse

from api.health import probes
from api.health.figures import figures
from api.health.report import Examination, Report
from api.health.watchers import is_trusted, refusal
from common.version import VERSION

HEALTH = Examination(
    {
        "queue": probes.queue,
        "config": probes.configuration,
        "smtp_config": probes.smtp_configuration,
        "logging": probes.log_output,
        "queue_storage": probes.queue_storage,
        "database": probes.database,
        "redis": probes.redis_server,
    }
)
READINESS = Examination({"database": probes.database, "redis": probes.redis_server, "broker": probes.broker})


def health(request: HttpRequest) -> HttpResponse:
    """200 when nothing is unhealthy, else 503; the same shape for both."""
    report = HEALTH.report()
    body = {
        "status": "healthy" if report.is_healthy else "unhealthy",
        "timestamp": _now(),
        "version": VERSION,
        "checks": _checks(report),
    }
    return JsonResponse(body, status=200 if report.is_healthy else 503)


def ready(request: HttpRequest) -> HttpResponse:
    """Whether requests may be sent here: 503 when database, Redis or broker is away."""
    report = READINESS.report()
    body = {
        "status": "ready" if report.is_healthy else "not_ready",
        "timestamp": _now(),
        "checks": _checks(report),
    }
    return JsonResponse(body, status=200 if report.is_healthy else 503)


def ping(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return JsonResponse({"status": "ok", "message": "pong", "timestamp": _now()})


def detailed_metrics(request: HttpRequest) -> HttpResponse:
    """System, e-mail, domain and queue figures of the whole installation: for trusted watchers."""
    if not is_trusted(request):
        return refusal()
    return JsonResponse({"timestamp": _now(), "version": VERSION, **figures()})


def _checks(report: Report) -> dict[str, dict[str, str]]:
    return {name: {"status": finding.status, "message": finding.message} for name, finding in report.findings.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
