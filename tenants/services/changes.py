"""What operators change about a tenant that exists: its name, plan and policy, its hosts, its keys."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import Conflict, InvalidInput, Refused
from tenants.models import ApiKey, Host, Plan, Tenant
from tenants.scope import hosts
from tenants.services.creation import _checked_host

IN_DOUBT_POLICIES = ("leave", "resend")


def change_tenant(
    *,
    tenant: Tenant,
    name: str,
    plan: Plan | None,
    is_active: bool,
    in_doubt_policy: str,
    tracks_single_mail: bool,
) -> Tenant:
    """Change what may change; a tenant that is not active answers on no host and sends nothing new. Raises InvalidInput.

    Whether single mail is tracked is decided when it is accepted: what waits already stays as it is.
    """
    if not name.strip():
        raise InvalidInput("A tenant needs a name.", field="name")
    if in_doubt_policy not in IN_DOUBT_POLICIES:
        raise InvalidInput("What is in doubt is either left or sent again.", field="in_doubt_policy")
    tenant.name, tenant.plan, tenant.is_active, tenant.in_doubt_policy = name.strip(), plan, is_active, in_doubt_policy
    tenant.tracks_single_mail = tracks_single_mail
    tenant.save(update_fields=["name", "plan", "is_active", "in_doubt_policy", "tracks_single_mail"], verbosity=0)
    hosts.forget()
    return tenant


def add_host(*, tenant: Tenant, domain: str, is_primary: bool = False) -> Host:
    """Let a host name lead to the tenant. The primary one stands in its links. Raises InvalidInput or Conflict."""
    domain = _checked_host(domain)
    try:
        with transaction.atomic():
            host: Host = Host.objects.create(tenant=tenant, domain=domain, is_primary=is_primary)
    except IntegrityError as error:
        raise Conflict(f"The host {domain} belongs to a tenant already.", field="domain") from error
    hosts.forget()
    return host


def remove_host(*, host: Host) -> None:
    """Let the name lead nowhere. Raises Refused for the primary one: links in sent mail lead there."""
    if host.is_primary:
        raise Refused(
            f"{host.domain} is the primary host of {host.tenant}: links in mails lead there.",
            hint="Add another host as the primary one first.",
        )
    host.delete()
    hosts.forget()


def revoke_api_key(*, key: ApiKey) -> ApiKey:
    """Let the key open nothing any more, within a minute everywhere. Revoking it again changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    key.refresh_from_db()
    return key
