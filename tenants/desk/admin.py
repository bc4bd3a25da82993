"""The base of every list on a desk, and of the pages that hang below it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, checkbox
from unfold.decorators import display

from common.errors import LettershopError
from tenants.desk.counting import EstimatedPaginator
from tenants.desk.forms import ServiceModelForm

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way to a page, as its head shows it. Without a title it is the row that is shown."""

    title: str
    url: str = ""


class DeskAdmin(ModelAdmin):
    """A list that stays quick however long it is, with forms that call use cases."""

    show_full_result_count = False
    paginator = EstimatedPaginator
    list_per_page = 25
    list_max_show_all = 0
    # Counts beside the filters would read the whole table once for each choice.
    show_facets = ShowFacets.NEVER
    empty_value_display = "–"
    # What the list and one of its rows are called here, where the model's own words would not do.
    heading = ""
    heading_of_one = ""
    counted = ""
    # Rows that have no page of their own: everything there is to say stands in the list.
    has_details = True
    # What stands on an empty list: what it is for.
    empty_text = ""
    # Another way to fill it than adding one row: words on a button, and the name of a URL.
    empty_door: tuple[str, str] | None = None
    add_label = ""

    def get_custom_urls(self) -> Sequence[tuple[str, str, View]]:
        """(path below this list, name, view): views take `request`, `model_admin` and what the path names."""
        return ()

    @display(description=mark_safe(checkbox.render("action_toggle_all", 1)))
    def action_checkbox(self, obj: models.Model) -> SafeString:
        """As the toolkit draws it, but drawn once: a widget for each row is a quarter of a list's time."""
        return mark_safe(_drawn_checkbox().replace(_PLACE, str(int(obj.pk))))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the buttons that open another list in a window of its own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        """Where the form's use case has written already, there is nothing to save."""
        if not isinstance(form, ServiceModelForm):
            super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        context = {"crumbs": [Crumb(self.list_name)], "title": self.list_name, **(extra_context or {})}
        page: TemplateResponse = super().changelist_view(request, context)
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_details:
            return redirect(self.list_crumb.url)
        return super().change_view(request, object_id, form_url, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        title = "" if object_id else f"New {self.name_of_one}"
        context = {
            "crumbs": [self.list_crumb, Crumb(title)],
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def render_page(
        self, request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any
    ) -> TemplateResponse:
        """A page of this list's own, within the desk's frame; `original` is the row it is about."""
        request.current_app = self.admin_site.name
        crumbs = [self.list_crumb, Crumb(title)]
        if original := context.get("original"):
            crumbs.insert(1, Crumb(str(original), self.url_of(original)))
        frame = self.admin_site.each_context(request)
        # Not named `opts`: with it the toolkit takes the page for one of its own forms.
        return TemplateResponse(
            request, template, {**frame, "title": title, "crumbs": crumbs, **context}, status=status
        )

    def url_of(self, row: models.Model) -> str:
        """Where a row's own page is."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    @property
    def list_name(self) -> str:
        return self.heading or capfirst(str(self.opts.verbose_name_plural))

    @property
    def name_of_one(self) -> str:
        return self.heading_of_one or str(self.opts.verbose_name)

    @property
    def name_of_many(self) -> str:
        return self.counted or self.list_name.lower()

    @property
    def new_label(self) -> str:
        return self.add_label or f"New {self.name_of_one}"

    @property
    def list_crumb(self) -> "Crumb":
        return Crumb(self.list_name, reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


class ReadOnlyAdmin(DeskAdmin):
    """A list of what the system writes and people only look at."""

    has_details = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


_PLACE = "the-row"


@cache
def _drawn_checkbox() -> str:
    return str(checkbox.render(ACTION_CHECKBOX_NAME, _PLACE))


def needs(permission: str, *methods: str) -> Callable[[View], View]:
    """Answer 403 to members whose role lacks `permission`, and 405 to methods other than those named (GET if none)."""
    allowed = methods or ("GET",)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            if request.method not in allowed and not (request.method == "HEAD" and "GET" in allowed):
                return HttpResponseNotAllowed(allowed)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def tell_refusal(request: HttpRequest, error: LettershopError) -> None:
    """Say on the next page why something was not done."""
    messages.error(request, str(error))
