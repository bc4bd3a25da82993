"""The paths of `api.health` in the document: they are answered before any view, so the generator does not see them."""

from typing import Any

_TAG = "Health"
_NUMBER, _WHOLE, _TEXT, _YES = {"type": "number"}, {"type": "integer"}, {"type": "string"}, {"type": "boolean"}
_MOMENT = {"type": "string", "format": "date-time"}
_NOBODY: list[dict[str, list[str]]] = [{}]
# This machine itself needs no token.
_WATCHERS: list[dict[str, list[str]]] = [{"watcher": []}, {}]
_REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}


def with_watchers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: the document with these paths."""
    result["paths"] |= {path: {"get": operation} for path, operation in _operations().items()}
    return result


def _operations() -> dict[str, dict[str, Any]]:
    return {
        "/health": _operation(
            "health",
            "Whether the installation is well",
            "Needs no key. A `warning` does not make it unhealthy.",
            {"200": _json("All is well.", _HEALTH), "503": _json("Something is not.", _HEALTH)},
        ),
        "/health/ready": _operation(
            "health_ready",
            "Whether requests may be sent here",
            "Needs no key. 503 while the database, Redis or the broker is away.",
            {"200": _json("They may.", _READY), "503": _json("They may not.", _READY)},
        ),
        "/health/ping": _operation(
            "health_ping",
            "Whether the process answers",
            "Needs no key; nothing else is looked at.",
            {"200": _json("It does.", _object(status=_TEXT, message=_TEXT, timestamp=_MOMENT))},
        ),
        "/health/metrics": _operation(
            "health_metrics",
            "Figures of the installation",
            "System, e-mail, domains and queue. For this machine, or with METRICS_TOKEN. What cannot be asked is null.",
            {"200": _json("As they are now.", _FIGURES), "403": _REFUSED},
            security=_WATCHERS,
        ),
        "/metrics": _operation(
            "metrics",
            "Figures for Prometheus",
            "Its text format 0.0.4. For this machine, or with METRICS_TOKEN.",
            {"200": _plain("Of all processes."), "403": _REFUSED},
            security=_WATCHERS,
        ),
    }


def _operation(
    name: str,
    summary: str,
    description: str,
    responses: dict[str, Any],
    *,
    security: list[dict[str, list[str]]] = _NOBODY,
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": [_TAG],
        "security": security,
        "responses": {**responses, "405": {"description": "Only GET and HEAD.", "headers": _REQUEST_ID}},
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "headers": _REQUEST_ID, "content": {"application/json": {"schema": schema}}}


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "headers": _REQUEST_ID, "content": {"text/plain": {"schema": _TEXT}}}


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [schema, {"type": "null"}]}


def _by_name(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


_STATUS = {"type": "string", "enum": ["healthy", "warning", "unhealthy"]}
_CHECKS = _by_name(_object(status=_STATUS, message=_TEXT))
_HEALTH = _object(
    status={"type": "string", "enum": ["healthy", "unhealthy"]}, timestamp=_MOMENT, version=_TEXT, checks=_CHECKS
)
_READY = _object(status={"type": "string", "enum": ["ready", "not_ready"]}, timestamp=_MOMENT, checks=_CHECKS)
_TODAY = _object(sent=_WHOLE, delivered=_WHOLE, bounced=_WHOLE, deferred=_WHOLE, failed=_WHOLE)
_FIGURES = _object(
    timestamp=_MOMENT,
    version=_TEXT,
    system=_object(
        uptime_seconds=_NUMBER, cpu_seconds=_NUMBER, load_1m=_NUMBER, memory_bytes=_WHOLE, memory_peak_bytes=_WHOLE
    ),
    requests=_object(total=_WHOLE, by_status=_by_name(_WHOLE)),
    email=_object(
        sent=_WHOLE,
        deferred=_WHOLE,
        bounced=_WHOLE,
        failed=_WHOLE,
        queued={"type": ["integer", "null"]},
        scheduled={"type": ["integer", "null"]},
        today=_or_null(_TODAY),
    ),
    domains=_or_null(_object(total=_WHOLE, signing=_WHOLE)),
    queue=_object(
        waiting=_or_null(_by_name(_WHOLE)),
        due_work=_or_null(_object(total=_WHOLE, overdue=_WHOLE, oldest_seconds=_NUMBER)),
    ),
    database=_object(up=_YES),
    redis=_object(up=_YES),
)
_REFUSED = _plain("These figures are not for everybody.")
