"""Contacts: a list that stays quick at a million, and what is known of one."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminTextInputWidget

from contacts.desk import tagging
from contacts.models import Contact, ContactAttribute, ContactStatus, Suppression, SuppressionReason, Tag
from contacts.services.contacts import create_contact, update_contact
from contacts.services.details import ContactDetails
from contacts.services.suppressing import suppress
from contacts.targeting import language_counts
from tenants.desk.admin import DeskAdmin, View, needs
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site

STATUS_COLOURS = {
    "active": "success",
    "unconfirmed": "info",
    "unsubscribed": "warning",
    "bounced": "danger",
    "complained": "danger",
    "suppressed": "warning",
}
_MOST_HITS = 500
_KNOWN = ("first_name", "last_name", "language", "timezone", "country")
_HELP = {"language": "For instance fr or pt-br.", "timezone": "For instance Europe/Paris."}
_ONE_LINE = {"first_name": UnfoldAdminTextInputWidget, "last_name": UnfoldAdminTextInputWidget}


class ContactForm(ServiceModelForm):
    class Meta:
        model = Contact
        fields = _KNOWN
        widgets = _ONE_LINE
        help_texts = _HELP

    slugs = forms.MultipleChoiceField(label="Tags", required=False, widget=UnfoldAdminSelect2MultipleWidget)
    field_of_refusal = {"tags": "slugs"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tags = list(Tag.objects.values_list("pk", "slug", "name"))
        self.fields["slugs"].choices = [(slug, name) for _, slug, name in tags]  # type: ignore[attr-defined]
        self.initial["slugs"] = [slug for pk, slug, _ in tags if pk in set(self.instance.tags)]

    def details(self) -> ContactDetails:
        data = self.cleaned_data
        return ContactDetails(
            email=data.get("email"), tags=tuple(data["slugs"]), **{name: data[name] for name in _KNOWN}
        )

    def perform(self) -> models.Model:
        return update_contact(contact=Contact.objects.get(pk=self.instance.pk), details=self.details())


class NewContactForm(ContactForm):
    class Meta:
        model = Contact
        fields = ("email", *_KNOWN)
        widgets = _ONE_LINE
        help_texts = _HELP

    def perform(self) -> models.Model:
        return create_contact(details=self.details())


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.label.partition(":")[0]) for status in ContactStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = sorted(language_counts().items(), key=lambda pair: -pair[1])[:30]
        return [(language or "none", language or "not known") for language, _ in known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if not self.value():
            return queryset
        return queryset.filter(language="" if self.value() == "none" else self.value())


class TagFilter(admin.SimpleListFilter):
    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Tag.objects.values_list("slug", "name")[:200])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if not self.value():
            return queryset
        tag = Tag.objects.filter(slug=self.value()).first()
        return queryset.filter(tags__contains=[tag.pk]) if tag else queryset.none()


class TaggedContacts(ChangeList):
    """The page's contacts, each with the names of its tags, by one query for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        names = dict(
            Tag.objects.filter(pk__in={tag for contact in self.result_list for tag in contact.tags}).values_list(
                "pk", "name"
            )
        )
        for contact in self.result_list:
            contact.tag_names = [names[tag] for tag in contact.tags if tag in names]


@admin.register(Contact, site=tenant_site)
class ContactAdmin(DeskAdmin):
    """Whom we write to."""

    list_display = ("email", "full_name", "status_label", "language", "tag_list", "created_at")
    list_filter = (StatusFilter, TagFilter, LanguageFilter)
    search_fields = ("email_key",)
    search_help_text = "Beginning of an address or a name"
    sortable_by = ()
    actions = ("add_tag", "remove_tag")
    change_form_outer_before_template = "desk/contact_facts.html"
    change_form_outer_after_template = "desk/contact_history.html"
    empty_door = ("Import contacts", "admin:contacts_import_add")
    empty_text = (
        "Contacts are the people you write to. Import them from a CSV file: what its columns mean is found out for you."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TaggedContacts

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """By the beginning of the address, or of a name where the word could be one. The first hits are taken once,
        so that counting and ordering them costs nothing more."""
        term = search_term.strip().lower()
        if not term:
            return queryset, False
        found = Q(email_key__startswith=term)
        if term.replace("-", "").replace(" ", "").replace("'", "").isalpha():
            found |= Q(last_name__istartswith=term) | Q(first_name__istartswith=term)
        hits = list(queryset.filter(found).order_by().values_list("pk", flat=True)[:_MOST_HITS])
        if len(hits) == _MOST_HITS:
            messages.info(request, f"These are {_MOST_HITS} of more that match. Type more of the address.")
        return queryset.filter(pk__in=hits), False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ContactForm if change else NewContactForm
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Erasing a contact also scrubs what was recorded of its mail: a page of its own does both."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj and not self.has_change_permission(request, obj):
            return _KNOWN
        return (*_KNOWN, "slugs") if obj else ("email", *_KNOWN, "slugs")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        contact = Contact.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        context = {**(extra_context or {}), **(_facts(contact) if contact else {})}
        return super().change_view(request, object_id, form_url, context)

    def get_custom_urls(self) -> tuple[tuple[str, str, View], ...]:
        return (
            ("tagging/", "contacts_contact_tagging", tagging.apply_tag),
            ("<int:pk>/suppress/", "contacts_contact_suppress", suppress_page),
        )

    @admin.action(description="Add a tag", permissions=["change"])
    def add_tag(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return tagging.choose_tag(request, self, queryset, adding=True)

    @admin.action(description="Remove a tag", permissions=["change"])
    def remove_tag(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return tagging.choose_tag(request, self, queryset, adding=False)

    @display(description="Name")
    def full_name(self, contact: Contact) -> str:
        return f"{contact.first_name} {contact.last_name}".strip()

    @display(description="Status", label=STATUS_COLOURS)
    def status_label(self, contact: Contact) -> tuple[str, str]:
        return contact.status, contact.status

    @display(description="Tags")
    def tag_list(self, contact: Any) -> str:
        shown = contact.tag_names[:4]
        more = len(contact.tag_names) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


@needs("contacts.change_contact", "GET", "POST")
def suppress_page(request: HttpRequest, *, model_admin: ContactAdmin, pk: int) -> HttpResponse:
    """Ask, then never mail this contact a campaign again."""
    contact = get_object_or_404(Contact, pk=pk)
    if request.method == "POST":
        suppress(contact_ids=[contact.pk], reason=SuppressionReason.MANUAL, origin="entered at the desk")
        messages.success(request, f"{contact.email} gets no campaign from now on.")
        return redirect("admin:contacts_contact_change", pk)
    return model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Stop mailing",
        original=contact,
        question=f"Should {contact.email} get no campaign any more?",
        consequences=["The address goes on the suppression list. It can be taken off there."],
        button="Stop mailing",
        danger=True,
        back_url=reverse("admin:contacts_contact_change", args=[pk]),
    )


def _facts(contact: Contact) -> dict[str, Any]:
    """What the page shows above the form."""
    labels = dict(ContactAttribute.objects.filter(key__in=list(contact.attributes)).values_list("key", "label"))
    return {
        "contact": contact,
        "tags": Tag.objects.filter(pk__in=contact.tags),
        "facts": [(labels.get(key, key), readable(value)) for key, value in sorted(contact.attributes.items())],
        "suppressions": Suppression.objects.filter(email_key=contact.email_key),
        "status_text": ContactStatus(contact.status).label,
    }


def readable(value: Any) -> str:
    """An attribute's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(readable(one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {readable(one)}" for key, one in value.items())
    return "–" if value is None else str(value)
