"""Writing a template: the form, what is wrong with it, and how it looks, side by side."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from campaigns.desk.mail_frames import mail_page, note_page
from campaigns.models import Template
from campaigns.services.previewing import Person, Preview, person_of, person_to_show, preview_template
from campaigns.services.templates import TemplateText, check_template, create_template, text_of, update_template
from common.errors import LettershopError
from contacts.models import Contact, ContactAttribute
from outbound.compiler import TemplateFault
from tenants.desk.admin import needs
from tenants.desk.forms import ServiceForm

_BUILT_IN = ("first_name", "last_name", "email", "language", "country", "unsubscribe_url")
_MOST_FIELDS = 60
_STARTER = Path(__file__).with_name("starter.html").read_text()


def _line(label: str, help_text: str = "", *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        strip=False,
        widget=forms.TextInput(attrs={"class": "desk-input"}),
    )


class TemplateForm(ServiceForm):
    """The fields of TemplateText. Whether it can be sent is for the service to say, not for the form."""

    name = _line("Name", "Only you see it. Versions in other languages have the same name.", required=True)
    subject = _line("Subject", required=True)
    preheader = _line("Preheader", "The line that inboxes show after the subject.")
    language = _line("Language", "For instance fr or pt-br. Empty: for everybody.")
    category = _line("Category", "Empty: any.")
    html = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "desk-input desk-code", "spellcheck": "false", "rows": 26}),
    )
    text = forms.CharField(
        required=False, strip=False, widget=forms.Textarea(attrs={"class": "desk-input desk-code desk-text", "rows": 8})
    )

    def written(self) -> TemplateText:
        return TemplateText(**self.cleaned_data)


def editor_page(request: HttpRequest, *, model_admin: Any, template: Template | None) -> HttpResponse:
    """Show the editor, and save what comes back. The caller has checked what the member may do."""
    initial = _first_words(request) if template is None else _words(text_of(template))
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            if template is None:
                saved = create_template(written=form.written())
            else:
                saved = update_template(template=template, written=form.written())
        except LettershopError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"“{saved}” is saved.")
            return redirect("admin:campaigns_template_change", saved.pk)
    name = template.name if template else str(initial.get("name", ""))
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/template_editor.html",
        title=str(template) if template else "New template",
        form=form,
        template_row=template,
        versions=Template.objects.filter(name=name).defer("html", "text") if name else (),
        fields=[*_BUILT_IN, *ContactAttribute.objects.values_list("key", flat=True)[:_MOST_FIELDS]],
        may_save=request.user.has_perm("campaigns.change_template"),
    )
    return page


@needs("campaigns.view_template", "POST")
def check_fragment(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """What is wrong or doubtful about what stands in the editor now."""
    form = TemplateForm(request.POST)
    form.is_valid()
    written = TemplateText(**{"name": "", "subject": "", **form.cleaned_data})
    context: dict[str, Any] = {}
    try:
        context["check"] = check_template(written)
        context["rendered"] = _rendered(written, request.POST)
    except TemplateFault as fault:
        context["fault"] = fault
    except LettershopError as error:
        context["error"] = error
    return TemplateResponse(request, "desk/template_check.html", context)


@needs("campaigns.view_template", "POST")
def draft_preview(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """How what stands in the editor looks, unsaved as it is."""
    form = TemplateForm(request.POST)
    form.is_valid()
    return _shown(TemplateText(**{"name": "", "subject": "", **form.cleaned_data}), request.POST)


@needs("campaigns.view_template")
def saved_preview(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """How a saved version looks for a contact."""
    return _shown(text_of(get_object_or_404(Template, pk=pk)), request.GET)


def _shown(written: TemplateText, asked: QueryDict) -> HttpResponse:
    try:
        rendered = _rendered(written, asked)
    except LettershopError as error:
        return note_page(error.message)
    return mail_page(rendered, as_text=asked.get("part") == "text")


def _rendered(written: TemplateText, asked: QueryDict) -> Preview:
    return preview_template(template=Template(**asdict(written)), person=_whom_to_show(asked.get("contact", "")))


def _whom_to_show(address: str) -> Person:
    """The contact of an address; without one, the newest there is, or nobody. Raises InvalidInput."""
    if address.strip():
        return person_to_show(email=address)
    newest = Contact.objects.order_by("-id").first()
    return person_of(newest) if newest else Person()


def _words(written: TemplateText) -> dict[str, str]:
    return {name: getattr(written, name) for name in TemplateForm.base_fields}


def _first_words(request: HttpRequest) -> dict[str, str]:
    """A new template begins as a copy when a version is made of another, else as a mail that can be sent."""
    source = request.GET.get("from", "")
    copied = Template.objects.filter(pk=source).first() if source.isdigit() else None
    return _words(text_of(copied)) if copied else {"html": _STARTER}
