"""Who is calling: keys and tokens, the caller they stand for, and the tenant a call is about."""

from api.access.authentication import authenticate
from api.access.caller import Caller
from api.access.client_address import client_address
from api.access.faults import Forbidden, NothingShown, Unauthenticated
from api.access.key_checks import forget_keys
from api.access.tenancy import tenant_for

__all__ = [
    "Caller",
    "Forbidden",
    "NothingShown",
    "Unauthenticated",
    "authenticate",
    "client_address",
    "forget_keys",
    "tenant_for",
]
