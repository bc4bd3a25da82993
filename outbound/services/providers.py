"""Provider accounts: who takes our mail."""

import math

from django.conf import settings
from django.db import IntegrityError, transaction

from common.errors import Conflict, InvalidInput
from common.secrets import seal
from outbound.models import ProviderAccount


def create_provider(
    *,
    name: str,
    host: str,
    port: int,
    type: str = "smtp",
    tls: str = "starttls",
    username: str = "",
    password: str = "",
    connections: int = 16,
    rate: float = 0,
    verify_tls: bool = True,
) -> ProviderAccount:
    """Make a provider account; its password is encrypted at rest. Raises InvalidInput or Conflict."""
    if type not in ProviderAccount.Type.values:
        raise InvalidInput(
            f"There is no provider type {type!r}.",
            field="type",
            hint=f"Types: {', '.join(ProviderAccount.Type.values)}.",
        )
    if tls not in ProviderAccount.Tls.values:
        raise InvalidInput(f"TLS cannot be {tls!r}.", field="tls", hint="Say none, starttls or implicit.")
    if not host.strip() or not 0 < port < 65536:
        raise InvalidInput("A provider needs a host and a port from 1 to 65535.", field="host")
    if not 1 <= connections <= 1000:
        raise InvalidInput("The number of connections must be from 1 to 1000.", field="connections")
    if not math.isfinite(rate) or rate < 0:
        raise InvalidInput("The rate must be 0 (no limit) or a number of messages a second.", field="rate")
    try:
        with transaction.atomic():
            return ProviderAccount.objects.create(
                name=name.strip(),
                type=type,
                host=host.strip(),
                port=port,
                tls=tls,
                username=username,
                connections=connections,
                rate=rate,
                verify_tls=verify_tls,
                sealed_password=seal(password, settings.SECRET_KEY),
            )
    except IntegrityError as error:
        raise Conflict(f"There is a provider {name!r} already.", field="name") from error


def parse_rate(text: str) -> float:
    """Messages a second from `5/s`, `300/min`, `5` or nothing (0: no limit). Raises InvalidInput."""
    number, _, unit = text.strip().lower().partition("/")
    seconds = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0}.get(unit)
    try:
        value = float(number or 0)
    except ValueError:
        value = -1.0
    if seconds is None or value < 0 or not math.isfinite(value):
        raise InvalidInput(f"{text!r} is not a rate.", field="rate", hint="Write 5/s, 300/min or 10000/h.")
    return value / seconds
