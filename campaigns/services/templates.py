"""Templates and their versions in languages and categories."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from campaigns.audiences import pick_version
from campaigns.merge_fields import fields_without_default
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """`check` is None when there are faults. `without_default` are fields that leave a gap where a contact has none."""

    check: Check | None
    faults: tuple[TemplateFault, ...]
    without_default: frozenset[str]


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


def text_of(template: Template, *, subject: str = "") -> TemplateText:
    """What stands in it, to be changed with dataclasses.replace; `subject` goes in place of its own."""
    return TemplateText(
        name=template.name,
        subject=subject or template.subject,
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


def judge_template(written: TemplateText) -> Verdict:
    """What there is to say about content that nobody has saved: the first fault of each part, or what it needs."""
    try:
        checked = check_template(written)
    except TemplateFault as fault:
        return Verdict(None, (fault, *_other_faults(written, fault.part)), frozenset())
    sources = (written.subject, written.preheader, written.html, written.text)
    return Verdict(checked, (), frozenset(fields_without_default(sources)))


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


def _other_faults(written: TemplateText, told: str) -> tuple[TemplateFault, ...]:
    """Each other part by itself: the compiler stops at the first that it cannot use."""
    alone = {
        "subject": TemplateText(name="", subject=written.subject, text="-"),
        "preheader": TemplateText(name="", subject="-", preheader=written.preheader, text="-"),
        "html": TemplateText(name="", subject="-", html=written.html, text="-"),
        "text": TemplateText(name="", subject="-", text=written.text or "-"),
    }
    found = []
    for part, content in alone.items():
        if part != told:
            try:
                check_template(content)
            except TemplateFault as fault:
                found.append(fault)
    return tuple(found)


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
