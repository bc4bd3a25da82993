"""Putting a tag on contacts that were picked in the list, or taking it off them."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from common.errors import LettershopError
from contacts.models import Contact, Tag
from contacts.services.tagging import create_tag, tag_contacts, untag_contacts
from tenants.desk.admin import needs, tell_refusal

MOST_AT_ONCE = 10_000


def choose_tag(request: HttpRequest, model_admin: Any, queryset: QuerySet[Contact], *, adding: bool) -> HttpResponse:
    """Ask which tag, for the contacts that were picked."""
    ids = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        messages.error(
            request,
            f"At most {MOST_AT_ONCE:,} contacts are tagged at once. Narrow the list, or import them with a tag.",
        )
        return redirect("admin:contacts_contact_changelist")
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/choose_tag.html",
        title="Add a tag" if adding else "Remove a tag",
        adding=adding,
        count=len(ids),
        ids=",".join(map(str, ids)),
        tags=Tag.objects.all(),
    )
    return page


@needs("contacts.change_contact", "POST")
def apply_tag(request: HttpRequest, *, model_admin: Any) -> HttpResponse:
    """Do it: with a tag that exists, or one that is made by its name."""
    ids = [int(word) for word in request.POST.get("ids", "").split(",") if word.isdecimal()][:MOST_AT_ONCE]
    try:
        tag = _wanted_tag(request)
        if request.POST.get("adding"):
            changed = tag_contacts(tag=tag, contact_ids=ids)
            messages.success(request, f"{changed:,} contacts got the tag “{tag.name}”.")
        else:
            changed = untag_contacts(tag=tag, contact_ids=ids)
            messages.success(request, f"{changed:,} contacts lost the tag “{tag.name}”.")
    except LettershopError as error:
        tell_refusal(request, error)
    return redirect("admin:contacts_contact_changelist")


def _wanted_tag(request: HttpRequest) -> Tag:
    name = request.POST.get("new_tag", "").strip()
    if name and request.POST.get("adding"):
        return Tag.objects.filter(name=name).first() or create_tag(name=name)
    pk = request.POST.get("tag", "")
    return get_object_or_404(Tag, pk=pk if pk.isdecimal() else 0)
