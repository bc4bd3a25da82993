"""Who is calling: keys and tokens, the caller they stand for, and the tenant a call is about."""

from api.access.authentication import authenticate
from api.access.caller import Caller
from api.access.faults import Forbidden, Unauthenticated
from api.access.tenancy import tenant_for

__all__ = ["Caller", "Forbidden", "Unauthenticated", "authenticate", "tenant_for"]
