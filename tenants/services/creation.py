"""Making tenants, and the people who work in them."""

import re
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django_tenants.utils import schema_exists

from common.database import connection
from common.errors import Conflict, InvalidInput
from tenants.members.models import Role, User
from tenants.models import SLUG, Host, Plan, Tenant
from tenants.scope import hosts, tenant_scope
from tenants.services.environment_keys import make_environment_keys

_HOST = re.compile(r"^(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_RESERVED = {"public", "tenant_template", "information_schema", "pg_catalog", "postgres"}


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What `create_tenant` made."""

    id: int
    slug: str
    host: str
    workspace_id: str


def create_tenant(
    *, slug: str, name: str, host: str, workspace_id: str = "", plan: str = "free", tracks_single_mail: bool = False
) -> NewTenant:
    """Make a tenant: its row, its host and its schema, all or nothing.

    Raises InvalidInput for a bad slug, host or plan, Conflict when one of them is taken.
    """
    _check_slug(slug)
    host = _checked_host(host)
    chosen = Plan.objects.filter(slug=plan).first()
    if chosen is None:
        known = ", ".join(Plan.objects.values_list("slug", flat=True))
        raise InvalidInput(f"There is no plan {plan!r}.", field="plan", hint=f"Plans: {known}.")
    if not name.strip():
        raise InvalidInput("A tenant needs a name.", field="name")
    connection.set_schema_to_public()
    _check_free(slug, host, workspace_id)
    try:
        with transaction.atomic():
            tenant = Tenant(
                schema_name=slug,
                slug=slug,
                name=name.strip(),
                plan=chosen,
                workspace_id=workspace_id or _next_workspace(),
                tracks_single_mail=tracks_single_mail,
            )
            tenant.save(verbosity=0)
            Host.objects.create(domain=host, tenant=tenant, is_primary=True)
    except IntegrityError as error:
        raise Conflict(f"The slug, host or workspace of {slug!r} was taken a moment ago.", field="slug") from error
    hosts.forget()
    make_environment_keys()
    return NewTenant(id=tenant.pk, slug=slug, host=host, workspace_id=tenant.workspace_id)


def create_member(*, tenant: Tenant, email: str, password: str, role: str = Role.OWNER) -> User:
    """Make somebody who can log in at the tenant's desk. Raises InvalidInput or Conflict."""
    if role not in Role.values or role == Role.OPERATOR:
        allowed = ", ".join(value for value in Role.values if value != Role.OPERATOR)
        raise InvalidInput(f"There is no role {role!r}.", field="role", hint=f"Roles: {allowed}.")
    with tenant_scope(tenant):
        return _create_user(email, password, role)


def create_operator(*, email: str, password: str) -> User:
    """Make somebody who can log in at the operators' desk. Raises InvalidInput or Conflict."""
    connection.set_schema_to_public()
    return _create_user(email, password, Role.OPERATOR)


def _create_user(email: str, password: str, role: str) -> User:
    try:
        validate_email(email)
        validate_password(password, User(email=email))
    except ValidationError as error:
        field = "email" if "@" not in email or "mail" in str(error) else "password"
        raise InvalidInput(" ".join(error.messages), field=field) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, role=role)
    except IntegrityError as error:
        raise Conflict(f"{email} has an account already.", field="email") from error


def _check_slug(slug: str) -> None:
    try:
        SLUG(slug)
    except ValidationError as error:
        raise InvalidInput(f"{slug!r} cannot be a slug. {error.messages[0]}", field="slug") from error
    if slug in _RESERVED or slug.startswith("pg_"):
        raise InvalidInput(f"The slug {slug!r} is reserved.", field="slug")


def _checked_host(host: str) -> str:
    host = host.strip().lower().rstrip(".")
    if not _HOST.match(host):
        raise InvalidInput(
            f"{host!r} is not a host name.",
            field="host",
            hint="Give a name like acme.example.com, without scheme or port.",
        )
    return host


def _check_free(slug: str, host: str, workspace_id: str) -> None:
    if Tenant.objects.filter(slug=slug).exists() or schema_exists(slug):
        raise Conflict(f"There is a tenant {slug!r} already.", field="slug")
    if Host.objects.filter(domain=host).exists():
        raise Conflict(f"The host {host} belongs to a tenant already.", field="host")
    if workspace_id and Tenant.objects.filter(workspace_id=workspace_id).exists():
        raise Conflict(f"The workspace {workspace_id} belongs to a tenant already.", field="workspace")


def _next_workspace() -> str:
    taken = set(Tenant.objects.values_list("workspace_id", flat=True))
    number = 1
    while f"ws-{number:03}" in taken:
        number += 1
    return f"ws-{number:03}"
