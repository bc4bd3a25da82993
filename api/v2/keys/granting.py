"""Nobody hands out more than they have."""

from collections.abc import Iterable

from api.access import Caller, Forbidden


def check_grant(caller: Caller, *, scopes: Iterable[str], is_admin: bool) -> None:
    """Raises Forbidden when a key with these rights may do what the caller may not."""
    if is_admin and not caller.is_admin:
        raise Forbidden("Only an admin key makes an admin key.", field="is_admin")
    if missing := sorted(set(scopes) - caller.scopes):
        raise Forbidden(
            f"This key cannot hand out what it does not have: {', '.join(missing)}.",
            field="scopes",
            hint="Ask for fewer scopes, or use a key that has them.",
        )


def refuse_tokens(caller: Caller) -> None:
    """Raises Forbidden for a token: a key that it made would outlive it."""
    if caller.by_token:
        raise Forbidden("A token makes no keys: they would outlive it.", hint="Send a key in X-API-Key.")


def own_scopes(caller: Caller) -> list[str]:
    """What a key is given when nothing is said: all that the caller has, but for admin. Raises Forbidden for nothing."""
    scopes = sorted(caller.scopes - {"admin"})
    if not scopes:
        raise Forbidden(
            "This key has no scope but admin to hand out.", field="scopes", hint="Say which scopes it gets."
        )
    return scopes
