"""What access control says no with."""

from common.errors import LettershopError


class Unauthenticated(LettershopError):
    """No key, or none that is accepted.

    RFC 9110 (11.6.1) wants a 401 to say how one authenticates; the scheme it can name is that of tokens.
    """

    code = "invalid_api_key"
    headers = {"WWW-Authenticate": 'Bearer realm="lettershop"'}


class NothingShown(Unauthenticated):
    """There is neither a key nor a token in the headers."""


class Forbidden(LettershopError):
    """The key is good, but not for this."""

    code = "forbidden"
