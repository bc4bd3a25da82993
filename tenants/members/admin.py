"""Members on a tenant's desk (owners only), operators on the installation's."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from tenants.desk.admin import DeskAdmin
from tenants.desk.forms import ServiceModelForm
from tenants.members.models import Role, User
from tenants.scope import current_tenant
from tenants.services.creation import create_member, create_operator
from tenants.services.members import change_member, set_member_password
from tenants.sites import operator_site, tenant_site


def _password(label: str, help_text: str, *, required: bool) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )


class _UserForm(ServiceModelForm):
    """Shared by members and operators: who it is, and a way in."""

    class Meta:
        model = User
        fields = ("email", "name")

    password = _password("Password", "At least 8 characters, not a common word.", required=True)

    def perform(self) -> models.Model:
        user = self.create()
        if self.cleaned_data["name"]:
            change_member(member=user, name=self.cleaned_data["name"], role=user.role, is_active=True)
        return user

    def create(self) -> User:
        return create_operator(email=self.cleaned_data["email"], password=self.cleaned_data["password"])


class NewMemberForm(_UserForm):
    role = forms.ChoiceField(
        choices=[(role.value, role.label) for role in Role if role != Role.OPERATOR],
        initial=Role.MARKETER,
        widget=UnfoldAdminSelectWidget,
    )

    def create(self) -> User:
        return create_member(
            tenant=current_tenant(),
            email=self.cleaned_data["email"],
            password=self.cleaned_data["password"],
            role=self.cleaned_data["role"],
        )


class ChangeOperatorForm(ServiceModelForm):
    class Meta:
        model = User
        fields = ("name", "is_active")
        labels = {"is_active": "Can log in"}

    password = _password("New password", "Empty: the password stays as it is.", required=False)

    def perform(self) -> models.Model:
        # The form has written what was typed into its instance; the use case compares with what is stored.
        stored = User.objects.get(pk=self.instance.pk)
        data = self.cleaned_data
        changed = change_member(
            member=stored, name=data["name"], role=data.get("role", stored.role), is_active=data["is_active"]
        )
        if data["password"]:
            set_member_password(member=changed, password=data["password"])
        return changed


class ChangeMemberForm(ChangeOperatorForm):
    class Meta:
        model = User
        fields = ("name", "role", "is_active")
        labels = {"is_active": "Can log in"}

    role = NewMemberForm.base_fields["role"]


class UserAdmin(DeskAdmin):
    """People with an account here."""

    list_display = ("email", "name", "role_label", "active", "last_login")
    ordering = ("email",)
    search_fields = ("email", "name")
    form: type[ServiceModelForm] = ChangeOperatorForm
    new_form: type[ServiceModelForm] = _UserForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = self.form if change else self.new_form
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        form = self.form if obj else self.new_form
        return [*form.base_fields]

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Accounts are deactivated, not deleted: what they did stays theirs."""
        return False

    @display(description="Role", ordering="role", label={"owner": "primary", "operator": "primary", "marketer": "info"})
    def role_label(self, user: User) -> tuple[str, str]:
        return user.role, Role(user.role).label.partition(":")[0]

    @display(description="Access", ordering="is_active", label={"active": "success", "deactivated": "danger"})
    def active(self, user: User) -> str:
        return "active" if user.is_active else "deactivated"


@admin.register(User, site=operator_site)
class OperatorAdmin(UserAdmin):
    """Operators of the installation."""

    heading = "Operators"
    heading_of_one = "operator"


@admin.register(User, site=tenant_site)
class MemberAdmin(UserAdmin):
    """Members of a tenant."""

    heading = "Members"
    heading_of_one = "member"
    form = ChangeMemberForm
    new_form = NewMemberForm
