"""The caller of a request, known once its key or token has been checked."""

from dataclasses import dataclass

from api.access.faults import Forbidden
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key, or a token of it. `tenant` is the one it belongs to; an admin key may act for any and has
    every scope. `name` is what the log and the audit say. `user`: the end user of the tenant whom a token acts for, as
    the tenant's program names them; "" for none."""

    tenant: Tenant
    name: str
    scopes: frozenset[str]
    key_id: int
    is_admin: bool = False
    user: str = ""
    daily_limit: int | None = None
    by_token: bool = False

    def require(self, scope: str) -> None:
        """Raises Forbidden without that scope."""
        if scope not in self.scopes:
            raise Forbidden(
                f"This key may not do that: it lacks the scope {scope!r}.",
                hint="Make a key with that scope, or ask whoever made this one.",
            )
