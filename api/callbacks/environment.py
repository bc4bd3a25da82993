"""The endpoint that the operator gives in the environment: WEBHOOK_URL and WEBHOOK_SECRET, in the format of Aegis.

It belongs to the tenant of API_KEY, without one to the tenant that was made first. Another URL or secret in the
environment changes it; when the variables are removed it stays. Paused, it stays paused.
"""

import logging

from django.conf import settings
from django.db import transaction

from api.callbacks.endpoints import (
    FROM_ENVIRONMENT,
    EndpointDraft,
    create_endpoint,
    rotate_secret,
    secrets_in_use,
    update_endpoint,
)
from api.callbacks.kinds import ABOUT_SENDING
from api.callbacks.listening import take_turn
from api.callbacks.models import Endpoint
from common.errors import LettershopError
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tenants.services.keys import prefix_of

log = logging.getLogger(__name__)

# What this process has seen to already.
_seen_to: set[tuple[str, str]] = set()


def see_to_environment_endpoint() -> None:
    """Make or change it where that is needed; once in each process as soon as its tenant exists. What cannot be used is
    logged, and keeps nobody from working."""
    given = (settings.WEBHOOK_URL, settings.WEBHOOK_SECRET)
    if not settings.WEBHOOK_URL or given in _seen_to:
        return
    tenant = _tenant()
    if tenant is None:
        return
    try:
        with tenant_scope(tenant):
            make_environment_endpoint()
    except LettershopError as error:
        log.error("WEBHOOK_URL cannot be used: %s", error)
    _seen_to.add(given)


def make_environment_endpoint() -> Endpoint:
    """In the entered tenant. Raises what `create_endpoint` raises: InvalidInput for a secret that is missing too."""
    draft = EndpointDraft(
        url=settings.WEBHOOK_URL,
        kinds=[str(kind) for kind in ABOUT_SENDING],
        format=Endpoint.Format.AEGIS,
        description="WEBHOOK_URL",
    )
    # A secret of one letter is no usable one, and neither is none: it is refused in the same words.
    secret = settings.WEBHOOK_SECRET or " "
    with transaction.atomic():
        take_turn()
        held = Endpoint.objects.filter(origin=FROM_ENVIRONMENT).order_by("pk").first()
        if held is None:
            return create_endpoint(draft, secret=secret, origin=FROM_ENVIRONMENT)[0]
        if held.url != draft.url:
            changed = EndpointDraft(draft.url, held.kinds, held.format, held.description)
            held = update_endpoint(held.pk, changed)
        if secrets_in_use(held)[0] != secret:
            held, _ = rotate_secret(held.pk, grace_seconds=0, secret=secret)
        return held


def _tenant() -> Tenant | None:
    key = settings.ENVIRONMENT_API_KEYS.get("API_KEY", "")
    if key:
        found = ApiKey.objects.select_related("tenant").filter(prefix=prefix_of(key)).first()
        return found.tenant if found else None
    customers = Tenant.objects.exclude(schema_name__in=("public", settings.TENANT_TEMPLATE_SCHEMA))
    tenant: Tenant | None = customers.order_by("pk").first()
    return tenant
