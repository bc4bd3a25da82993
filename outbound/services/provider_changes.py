"""Changing a provider account, and trying it out."""

import asyncio
import math
from dataclasses import replace

from django.conf import settings
from django.db import IntegrityError, transaction

from common.errors import Conflict, InvalidInput
from common.secrets import seal
from outbound.models import ProviderAccount
from outbound.services.working import smtp_account
from outbound.smtp.probe import ProbeReport, probe
from outbound.smtp.types import Timeouts

# A person waits for the answer: a server that needs longer is as good as down.
_PATIENCE = Timeouts(connect=5, greeting=10, command=10)


def update_provider(
    provider: ProviderAccount,
    *,
    name: str,
    host: str,
    port: int,
    tls: str,
    username: str,
    connections: int,
    rate: float,
    verify_tls: bool,
    is_active: bool,
    password: str | None = None,
) -> ProviderAccount:
    """Change an account; mail that is under way goes on by the new settings within a slice. `password` None keeps it.

    Raises InvalidInput or Conflict, and then nothing has changed.
    """
    if not name.strip():
        raise InvalidInput("A provider needs a name.", field="name")
    if not 1 <= connections <= 1000:
        raise InvalidInput("The number of connections must be from 1 to 1000.", field="connections")
    if not math.isfinite(rate) or rate < 0:
        raise InvalidInput("The rate must be 0 (no limit) or a number of messages a second.", field="rate")
    provider.name, provider.host, provider.port, provider.tls = name.strip(), host.strip(), port, tls
    provider.username, provider.connections, provider.rate = username.strip(), connections, rate
    provider.verify_tls, provider.is_active = verify_tls, is_active
    if password is not None:
        provider.sealed_password = seal(password, settings.SECRET_KEY)
    smtp_account(provider)  # raises for what the client could not use
    try:
        with transaction.atomic():
            provider.save()
    except IntegrityError as error:
        raise Conflict(f"There is a provider {name!r} already.", field="name") from error
    return provider


def probe_provider(provider: ProviderAccount) -> ProbeReport:
    """Connect, encrypt and log in without sending anything; takes half a minute at most. Raises Refused and InvalidInput."""
    return asyncio.run(probe(replace(smtp_account(provider), timeouts=_PATIENCE)))
