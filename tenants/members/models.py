"""People who log in. The table exists in every schema: operators in public, members in their tenant's."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class Role(models.TextChoices):
    """What a member may do on the desk."""

    OWNER = "owner", "Owner: everything, members included"
    MARKETER = "marketer", "Marketer: contacts, templates, campaigns, reports"
    VIEWER = "viewer", "Viewer: reads only"
    OPERATOR = "operator", "Operator: runs the installation (public host only)"


class UserManager(BaseUserManager["User"]):
    """Creates users who log in by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"role": Role.OWNER, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person with a role in one schema."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MARKETER)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    objects = UserManager()

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_staff(self) -> bool:
        """Everybody who has an account works at a desk."""
        return self.is_active

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Roles decide; there are no permissions to hand out one by one."""
        if not self.is_active:
            return False
        if self.role in (Role.OWNER, Role.OPERATOR):
            return True
        app, _, action = perm.partition(".")
        if app == "members":
            return False
        return self.role == Role.MARKETER or action.startswith("view_")

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (app_label != "members" or self.role in (Role.OWNER, Role.OPERATOR))
