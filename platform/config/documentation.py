"""What the OpenAPI document says of the whole (drf-spectacular's settings)."""

from typing import Any

_INTRODUCTION = """
One API for campaigns, contacts and statistics of one lettershop with many tenants: `/api/v2`. Beside it stand the paths of
four services whose clients send here unchanged: Aegis Mailer (`/send`), the Mail Gateway (`/api/v1/send`), the SMTP relay
(`/api/messages`, …; the same below `/v1` and `/api/v1`) and the e-mail hosting service (`/api/v1/emails`). A message that
was sent by one of them can be followed by each.

**Keys.** Send `X-API-Key: ls_…` with every call, or `Authorization: Bearer …` with a token from `/api/v2/tokens`. A key
belongs to one tenant and carries scopes; an admin key acts for any tenant.

**Tenants.** `tenant_id` is the number of the tenant; it stands in the path, or in the body of a POST, where it may be
left out: then it is the key's own.

**Errors** below `/api/v2` have one shape: `{"error": {"code", "message", "field", "hint", "request_id"}}`. The other paths say
them as the services do that they stand for.

**Limits.** Every answer says how much is left: `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset`. A 429
says in `Retry-After` how many seconds to wait.

**Once only.** A POST with an `Idempotency-Key` has one effect, however often it is sent within 24 hours; the same key with
another body is answered 409.

A trailing slash is optional on every path. Unknown fields of a body are ignored.
"""

_NUMBER, _TEXT = {"type": "integer"}, {"type": "string"}
_HEADERS = {
    "X-Request-ID": {"schema": _TEXT, "description": "that of the request, or a new one; in the log too"},
    "X-RateLimit-Limit": {"schema": _NUMBER, "description": "calls a minute"},
    "X-RateLimit-Remaining": {"schema": _NUMBER, "description": "calls that are left"},
    "X-RateLimit-Reset": {"schema": _NUMBER, "description": "when there will be more: seconds since 1970"},
    "Retry-After": {"schema": _NUMBER, "description": "seconds to wait"},
    "Idempotency-Replayed": {"schema": _TEXT, "description": "`true`: this is the first answer again"},
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Lettershop API",
    "DESCRIPTION": _INTRODUCTION.strip(),
    "VERSION": "2.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "ls_…, shown once when made"},
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "from /api/v2/tokens"},
            "watcher": {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN; this machine needs none"},
        },
        "headers": _HEADERS,
    },
    "SECURITY": [{"key": []}, {"token": []}],
    "PARSER_WHITELIST": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    # Choices stand where they are used: components of their own would need a name for each.
    "POSTPROCESSING_HOOKS": ["api.docs.watching.with_watchers"],
}
