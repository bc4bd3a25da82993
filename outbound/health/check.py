"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, in a sentence, and what to do about it when it is not `ok`.

    A `warning` is not `ok` either, but the installation works with it: fit for a laptop, not for customers.
    """

    name: str
    ok: bool
    what: str
    do: str = ""
    warning: bool = False


def fine(name: str, what: str) -> Check:
    return Check(name, True, what)


def wrong(name: str, what: str, do: str) -> Check:
    return Check(name, False, what, do)


def worth_a_look(name: str, what: str, do: str) -> Check:
    return Check(name, False, what, do, warning=True)
