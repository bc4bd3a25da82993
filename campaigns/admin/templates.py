"""Templates: the list of them; the editor is in campaigns/desk."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from unfold.decorators import display

from campaigns.desk import template_editor
from campaigns.models import Template
from campaigns.services.templates import delete_template
from common.errors import LettershopError
from tenants.desk.admin import DeskAdmin, View, needs, tell_refusal
from tenants.sites import tenant_site


@admin.register(Template, site=tenant_site)
class TemplateAdmin(DeskAdmin):
    """Mails to be filled in."""

    list_display = ("name", "subject", "language_word", "category", "updated_at")
    search_fields = ("name", "subject")
    actions = None
    empty_text = (
        "A template is a mail with places that are filled in for each contact, such as the first name. It may have "
        "versions in several languages; every contact gets the one that fits."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        found: QuerySet[Template] = super().get_queryset(request)
        return found.defer("html", "text")

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("check/", "campaigns_template_check", template_editor.check_fragment),
            ("preview/", "campaigns_template_draft_preview", template_editor.draft_preview),
            ("<int:pk>/preview/", "campaigns_template_preview", template_editor.saved_preview),
            ("<int:pk>/remove/", "campaigns_template_remove", remove_page),
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return template_editor.editor_page(request, model_admin=self, template=None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        template = get_object_or_404(Template, pk=object_id) if object_id.isdigit() else None
        if template is None:
            return redirect("admin:campaigns_template_changelist")
        permitted = self.has_change_permission if request.method == "POST" else self.has_view_permission
        if not permitted(request, template):
            raise PermissionDenied
        return template_editor.editor_page(request, model_admin=self, template=template)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A page of its own asks, and says when a campaign needs it."""
        return False

    @display(description="Language")
    def language_word(self, template: Template) -> str:
        return template.language or "any"


@needs("campaigns.delete_template", "GET", "POST")
def remove_page(request: HttpRequest, *, model_admin: TemplateAdmin, pk: int) -> HttpResponse:
    """Ask, then delete one version."""
    template = get_object_or_404(Template, pk=pk)
    if request.method == "POST":
        try:
            delete_template(template=template)
        except LettershopError as error:
            tell_refusal(request, error)
            return redirect("admin:campaigns_template_change", pk)
        messages.success(request, f"“{template}” is deleted.")
        return redirect("admin:campaigns_template_changelist")
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Delete",
        original=template,
        question=f"Delete the template “{template}”?",
        consequences=["Mails that were sent with it stay as they are."],
        button="Delete",
        danger=True,
        back_url=model_admin.url_of(template),
    )
