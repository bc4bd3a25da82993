"""Forgetting a person for good."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from campaigns.services.erasing import erase_person
from contacts.models import Contact
from tenants.desk.admin import needs


@needs("contacts.delete_contact", "GET", "POST")
def erase_page(request: HttpRequest, *, model_admin: Any, pk: int) -> HttpResponse:
    """Ask, then erase."""
    contact = get_object_or_404(Contact, pk=pk)
    if request.method == "POST":
        erase_person(contact=contact)
        messages.success(request, "The contact is erased.")
        return redirect("admin:contacts_contact_changelist")
    page: HttpResponse = model_admin.render_page(
        request,
        "desk/confirm.html",
        title="Erase a contact",
        question=f"Erase {contact.email}?",
        consequences=[
            "Everything known of this person is removed, and cannot be brought back.",
            "Reports keep their counts, without saying who it was.",
            "If the address is on the suppression list, it stays there, so that nobody writes to it again.",
        ],
        button="Erase for good",
        danger=True,
        back_url=reverse("admin:contacts_contact_change", args=[pk]),
    )
    return page
