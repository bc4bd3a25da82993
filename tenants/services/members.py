"""What an owner changes about the people who work at a desk."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from common.errors import InvalidInput, Refused
from tenants.members.models import Role, User

# Who may hand out roles at a desk; the last of them must stay.
_IN_CHARGE = (Role.OWNER, Role.OPERATOR)


def change_member(*, member: User, name: str, role: str, is_active: bool) -> User:
    """Change a member of the entered schema. Raises InvalidInput for a role that is none here, Refused for the last in charge."""
    allowed = [Role.OPERATOR] if member.role == Role.OPERATOR else [r for r in Role if r != Role.OPERATOR]
    if role not in allowed:
        raise InvalidInput(f"There is no role {role!r} here.", field="role", hint=f"Roles: {', '.join(allowed)}.")
    stays_in_charge = is_active and role in _IN_CHARGE
    if member.role in _IN_CHARGE and not stays_in_charge and not _somebody_else_in_charge(member):
        raise Refused(
            f"{member.email} is the only active {Role(member.role).name.lower()}.",
            field="is_active" if not is_active else "role",
            hint="Make somebody else one first.",
        )
    member.name, member.role, member.is_active = name.strip(), role, is_active
    member.save(update_fields=["name", "role", "is_active"])
    return member


def set_member_password(*, member: User, password: str) -> None:
    """Give a member another password; everywhere they are logged in, they must log in again. Raises InvalidInput."""
    try:
        validate_password(password, member)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="password") from error
    member.set_password(password)
    member.save(update_fields=["password"])


def _somebody_else_in_charge(member: User) -> bool:
    return User.objects.filter(is_active=True, role__in=_IN_CHARGE).exclude(pk=member.pk).exists()
