"""Tags and fields: the words an audience is described with."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.views import ChangeList

from contacts.models import ContactAttribute, Tag
from contacts.services.attributes import create_attribute, rename_attribute
from contacts.services.tagging import create_tag, delete_tag, update_tag
from contacts.targeting import tag_counts
from tenants.desk.admin import DeskAdmin
from tenants.desk.forms import ServiceModelForm
from tenants.sites import tenant_site


class NewTagForm(ServiceModelForm):
    class Meta:
        model = Tag
        fields = ("name", "description")

    def perform(self) -> models.Model:
        return create_tag(name=self.cleaned_data["name"], description=self.cleaned_data["description"])


class ChangeTagForm(ServiceModelForm):
    class Meta:
        model = Tag
        fields = ("name", "description")

    def perform(self) -> models.Model:
        stored = Tag.objects.get(pk=self.instance.pk)
        return update_tag(tag=stored, name=self.cleaned_data["name"], description=self.cleaned_data["description"])


class CountedTags(ChangeList):
    """The page's tags, each knowing how many contacts have it."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = tag_counts()
        self.result_list: list[Any] = list(self.result_list)
        for tag in self.result_list:
            tag.contact_count = counts.get(tag.pk, 0)


@admin.register(Tag, site=tenant_site)
class TagAdmin(DeskAdmin):
    """Words on contacts."""

    list_display = ("name", "slug", "contacts", "description")
    search_fields = ("slug", "name")
    fields = ("name", "description")
    actions = None
    empty_text = (
        "A tag is a word on contacts, such as customer or newsletter. Imports put tags on everybody in a file, and a "
        "campaign is aimed by tags."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedTags

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeTagForm if change else NewTagForm
        return super().get_form(request, obj, change, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        delete_tag(tag=obj)

    @display(description="Contacts")
    def contacts(self, tag: Any) -> str:
        url = reverse("admin:contacts_contact_changelist", query={"tag": tag.slug})
        return format_html('<a class="desk-link" href="{}">{}</a>', url, f"{tag.contact_count:,}")


class NewAttributeForm(ServiceModelForm):
    class Meta:
        model = ContactAttribute
        fields = ("label", "key", "type")
        help_texts = {"key": "How mails name it. Empty: made from the label.", "type": "Cannot be changed later."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].required = False

    def perform(self) -> models.Model:
        return create_attribute(**self.cleaned_data)


class ChangeAttributeForm(ServiceModelForm):
    class Meta:
        model = ContactAttribute
        fields = ("label",)

    def perform(self) -> models.Model:
        return rename_attribute(ContactAttribute.objects.get(pk=self.instance.pk), label=self.cleaned_data["label"])


@admin.register(ContactAttribute, site=tenant_site)
class AttributeAdmin(DeskAdmin):
    """The tenant's own fields."""

    heading = "Fields"
    heading_of_one = "field"
    list_display = ("label", "in_mails", "type")
    search_fields = ("key", "label")
    actions = None
    empty_text = (
        "Fields hold what you know of a contact beside name and language: a city, a customer number, an order. "
        "Imports make them from columns; mails name them in double braces."
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeAttributeForm if change else NewAttributeForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("label", "key", "type")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "type") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Values and mails rely on it."""
        return False

    @display(description="In mails")
    def in_mails(self, attribute: ContactAttribute) -> str:
        return format_html("<code>{{{{ {} }}}}</code>", attribute.key)
