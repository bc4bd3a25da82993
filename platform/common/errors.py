"""The one family of errors: the core raises them, each door says them in its own words.

An error carries a code for programs, a sentence for people, the field it is about (when it is about
one) and a hint that says what to do next. `temporary` tells whether the same call may work later.
"""


class LettershopError(Exception):
    """Something was refused or could not be done."""

    code = "error"
    temporary = False

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class InvalidInput(LettershopError):
    """What was given cannot be used as it is."""

    code = "invalid_input"


class NotFound(LettershopError):
    """There is no such thing, or not for this tenant."""

    code = "not_found"


class Conflict(LettershopError):
    """The thing is in a state that does not allow this, or it exists already."""

    code = "conflict"


class Refused(LettershopError):
    """A rule forbids it; the same call will not work later either."""

    code = "refused"


class QuotaExceeded(LettershopError):
    """A limit is used up; it works again when the limit has been reset."""

    code = "quota_exceeded"
    temporary = True


class Unavailable(LettershopError):
    """Something that is needed is away just now."""

    code = "unavailable"
    temporary = True


class NoTenant(LettershopError):
    """Tenant data was asked for while no tenant was entered: a fault in the program, never a leak."""

    code = "no_tenant"
