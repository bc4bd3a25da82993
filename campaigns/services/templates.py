"""Templates and their versions in languages and categories."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from campaigns.audiences import pick_version
from campaigns.models import Template
from common.errors import Conflict, InvalidInput, NotFound
from contacts.services.details import checked_language
from outbound.compiler import Check, Content, TemplateFault, check

_LONGEST = {"name": 120, "category": 60, "subject": 500, "preheader": 300}


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One version of a template as its author writes it. An empty `text` is made from the HTML."""

    name: str
    subject: str
    html: str = ""
    text: str = ""
    preheader: str = ""
    language: str = ""
    category: str = ""


def create_template(*, written: TemplateText) -> Template:
    """Make a version. Raises TemplateFault (line and column) for what cannot be sent, InvalidInput, and Conflict
    when the name has a version for this language and category."""
    return _save(Template(), written)


def update_template(*, template: Template, written: TemplateText) -> Template:
    """Change a version. What is being sent or was sent stays as it was. Raises what `create_template` does."""
    return _save(template, written)


def delete_template(*, template: Template) -> None:
    """Raises Conflict when a campaign uses it."""
    try:
        template.delete()
    except ProtectedError as error:
        raise Conflict(f"The template “{template}” is used by a campaign.", field="template") from error


def text_of(template: Template) -> TemplateText:
    """What stands in it, to be changed with dataclasses.replace."""
    return TemplateText(
        name=template.name,
        subject=template.subject,
        html=template.html,
        text=template.text,
        preheader=template.preheader,
        language=template.language,
        category=template.category,
    )


def check_template(written: TemplateText) -> Check:
    """What the template needs and what is doubtful about it. Raises TemplateFault, whose message tells the place."""
    try:
        return check(Content(written.subject, written.html, written.text, written.preheader))
    except TemplateFault as fault:
        raise TemplateFault(
            f"In the {fault.part}, line {fault.line}, column {fault.column}: {fault.message}",
            part=fault.part,
            line=fault.line,
            column=fault.column,
            excerpt=fault.excerpt,
        ) from fault


def find_template_version(*, name: str, language: str = "", category: str = "") -> Template:
    """The version that fits best: language first (pt-br, then pt, then any), then category.

    Raises NotFound with the versions there are.
    """
    versions = list(Template.objects.filter(name=name))
    found = pick_version(versions, language=checked_language(language), category=category)
    if found is None:
        if not versions:
            raise NotFound(f"There is no template “{name}”.", field="template")
        there = ", ".join(str(version) for version in versions)
        raise NotFound(
            f"The template “{name}” has no version for this language and category.",
            field="template",
            hint=f"There are: {there}.",
        )
    return found


def _save(template: Template, written: TemplateText) -> Template:
    language = checked_language(written.language)
    for field, longest in _LONGEST.items():
        _check_line(field, getattr(written, field), longest)
    if not written.name.strip():
        raise InvalidInput("A template needs a name.", field="name")
    if not written.subject.strip():
        raise InvalidInput("A template needs a subject.", field="subject")
    check_template(written)
    template.name, template.language, template.category = written.name.strip(), language, written.category.strip()
    template.subject, template.preheader = written.subject, written.preheader
    template.html, template.text = written.html, written.text
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        raise Conflict(f"There is a template “{template}” already.", field="name") from error
    return template


def _check_line(field: str, value: str, longest: int) -> None:
    if len(value) > longest:
        raise InvalidInput(f"The {field} has more than {longest} characters.", field=field)
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise InvalidInput(f"The {field} must not hold line breaks or control characters.", field=field)
