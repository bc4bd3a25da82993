"""Endpoints: made, changed, paused, resumed, removed, given another secret. What senders note down follows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from api.callbacks import signing
from api.callbacks.kinds import ALL, CHOICES
from api.callbacks.listening import hold_deliveries, note_listeners, take_turn
from api.callbacks.models import Delivery, Endpoint
from api.callbacks.waking import wake
from common import environment
from common.destinations import addresses_of, read_url
from common.errors import Conflict, InvalidInput, NotFound
from common.secrets import seal, unseal

MOST_ENDPOINTS = 20
LONGEST_DESCRIPTION = 200
LONGEST_GRACE_SECONDS = 7 * 24 * 3600
DEFAULT_GRACE_SECONDS = 24 * 3600
FROM_ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """What a customer says of an endpoint."""

    url: str
    kinds: Sequence[str] = (ALL,)
    format: str = Endpoint.Format.STANDARD
    description: str = ""


def create_endpoint(draft: EndpointDraft, *, secret: str = "", origin: str = "") -> tuple[Endpoint, str]:
    """Make an endpoint; returns it with its secret, which is not shown again. Without `secret` a new one is made.

    Raises InvalidInput (UrlRefused for a URL that leads inside), and Conflict when the tenant has 20 endpoints.
    """
    given = _checked_secret(secret) if secret else signing.new_secret()
    values = _checked(draft)
    with transaction.atomic():
        take_turn()
        if Endpoint.objects.count() >= MOST_ENDPOINTS:
            raise Conflict(f"There are {MOST_ENDPOINTS} endpoints already.", hint="Delete one that is not used.")
        endpoint = Endpoint.objects.create(**values, origin=origin, sealed_secret=seal(given, settings.SECRET_KEY))
        note_listeners()
        wake()
    return endpoint, given


def update_endpoint(endpoint_id: int, draft: EndpointDraft) -> Endpoint:
    """Raises NotFound and what `create_endpoint` raises. What waits is sent to the new URL."""
    values = _checked(draft)
    with transaction.atomic():
        take_turn()
        endpoint = _locked(endpoint_id)
        if endpoint.url != values["url"]:
            values |= {"failures": 0, "failing_since": None, "resting_until": None}
        _save(endpoint, **values)
        note_listeners()
        wake()
    return endpoint


def delete_endpoint(endpoint_id: int) -> None:
    """With its deliveries. Raises NotFound, and Conflict for the one that WEBHOOK_URL asks for."""
    with transaction.atomic():
        take_turn()
        hold_deliveries()
        endpoint = _locked(endpoint_id)
        if endpoint.origin == FROM_ENVIRONMENT and settings.WEBHOOK_URL:
            raise Conflict(
                "This endpoint comes from WEBHOOK_URL and would come again.",
                hint="Pause it, or have the operator remove WEBHOOK_URL.",
            )
        endpoint.delete()
        note_listeners()
        wake()


def rotate_secret(
    endpoint_id: int, *, grace_seconds: int = DEFAULT_GRACE_SECONDS, secret: str = ""
) -> tuple[Endpoint, str]:
    """Another secret, shown once. For `grace_seconds` (7 days at most) webhook-signature holds one signature by each;
    X-Aegis-Signature is made with the new one from now on. Raises NotFound and InvalidInput."""
    if not 0 <= grace_seconds <= LONGEST_GRACE_SECONDS:
        raise InvalidInput("The old secret may sign for 0 to 604800 seconds more.", field="grace_seconds")
    given = _checked_secret(secret) if secret else signing.new_secret()
    with transaction.atomic():
        endpoint = _locked(endpoint_id)
        _save(
            endpoint,
            sealed_previous_secret=endpoint.sealed_secret if grace_seconds else "",
            previous_until=timezone.now() + timedelta(seconds=grace_seconds) if grace_seconds else None,
            sealed_secret=seal(given, settings.SECRET_KEY),
        )
    return endpoint, given


def pause_endpoint(endpoint_id: int, *, reason: str = "") -> Endpoint:
    """Nothing is sent any more and nothing new is noted down for it; what waits is kept. Pausing again changes nothing."""
    with transaction.atomic():
        take_turn()
        endpoint = _locked(endpoint_id)
        if endpoint.state == Endpoint.State.ACTIVE:
            _save(endpoint, state=Endpoint.State.PAUSED, pause_reason=reason, paused_at=timezone.now())
            note_listeners()
    return endpoint


def resume_endpoint(endpoint_id: int) -> Endpoint:
    """Go on, with what waits first. Raises NotFound. Resuming an active one sends what waits at once."""
    with transaction.atomic():
        take_turn()
        hold_deliveries()
        endpoint = _locked(endpoint_id)
        fresh = {"failures": 0, "failing_since": None, "resting_until": None}
        _save(endpoint, state=Endpoint.State.ACTIVE, pause_reason="", paused_at=None, **fresh)
        note_listeners()
        Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.WAITING).update(due_at=Now())
        wake()
    return endpoint


def secrets_in_use(endpoint: Endpoint) -> list[str]:
    """The secret, then the one before while it still signs. Raises Refused when they cannot be decrypted."""
    used = [unseal(endpoint.sealed_secret, settings.SECRET_KEY)]
    if endpoint.sealed_previous_secret and endpoint.previous_until and endpoint.previous_until > timezone.now():
        used.append(unseal(endpoint.sealed_previous_secret, settings.SECRET_KEY))
    return used


def _checked(draft: EndpointDraft) -> dict[str, object]:
    url = draft.url.strip()
    destination = read_url(url)
    if not environment.flag("OUTGOING_ALLOW_PRIVATE"):
        _refuse_inside(destination.host)
        # An address is judged now; a name each time it is connected to, because it may lead elsewhere by then.
        addresses_of(destination, seconds=1, allow_private=False, resolve=lambda host, seconds: [_SOMEWHERE])
    kinds = list(dict.fromkeys(draft.kinds))
    unknown = [kind for kind in kinds if kind not in CHOICES]
    if unknown or not kinds:
        raise InvalidInput(
            f"There is no kind {unknown[0]!r}." if unknown else "Choose at least one kind.",
            field="kinds",
            hint=f"Kinds: {', '.join(CHOICES)}.",
        )
    if draft.format not in Endpoint.Format.values:
        raise InvalidInput(f"There is no format {draft.format!r}.", field="format", hint="standard or aegis.")
    if len(draft.description) > LONGEST_DESCRIPTION:
        raise InvalidInput(f"At most {LONGEST_DESCRIPTION} characters.", field="description")
    return {"url": url, "kinds": kinds, "format": draft.format, "description": draft.description.strip()}


# Stands for any public address.
_SOMEWHERE = "192.0.0.9"


def _refuse_inside(host: str) -> None:
    if host == "localhost" or host.endswith(".localhost"):
        raise InvalidInput(
            f"{host} leads to this machine.",
            field="url",
            hint="The operator can allow private addresses with OUTGOING_ALLOW_PRIVATE.",
        )


def _checked_secret(secret: str) -> str:
    if not signing.is_usable(secret):
        raise InvalidInput(
            f"A secret has {signing.SHORTEST} to {signing.LONGEST} printable ASCII characters, and no spaces.",
            field="secret",
        )
    return secret


def _locked(endpoint_id: int) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    return endpoint


def _save(endpoint: Endpoint, **changes: object) -> None:
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(changes))
