"""What access control says no with."""

from common.errors import LettershopError


class Unauthenticated(LettershopError):
    """No key, or none that is accepted."""

    code = "invalid_api_key"


class Forbidden(LettershopError):
    """The key is good, but not for this."""

    code = "forbidden"
