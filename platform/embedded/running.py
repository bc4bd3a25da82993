"""The services this command runs on, for commands that keep them alive (`serve`, `demo`)."""

from embedded.services import Services

_current: Services | None = None


def set_services(services: Services | None) -> None:
    global _current
    _current = services


def services() -> Services:
    """What the command line started or was given. Raises RuntimeError in a process that has none."""
    if _current is None:
        raise RuntimeError("this command was not started by manage.py")
    return _current
