"""A small world of domains, and contacts in it."""

from collections.abc import Iterable

from contacts.models import Contact
from tests.dns_server import DnsServer

ZONE = {
    "good.example": {"MX": ["10 mail.good.example."]},
    "host.example": {"A": ["192.0.2.7"]},
    "six.example": {"AAAA": ["2001:db8::7"]},
    "null.example": {"MX": ["0 ."]},
    "empty.example": {"TXT": ['"no mail here"']},
    "gmail.com": {"MX": ["5 gmail-smtp-in.l.google.com."]},
    "gmial.com": {"MX": ["5 trap.gmial.com."]},
    "gnmail.com": {"A": ["192.0.2.9"]},
    "mailinator.com": {"MX": ["10 mail.mailinator.com."]},
    "xn--bcher-kva.example": {"MX": ["10 mail.xn--bcher-kva.example."]},
}


def world() -> DnsServer:
    return DnsServer(ZONE, failing=["broken.example"], silent=["silent.example"])


def make_contacts(emails: Iterable[str]) -> dict[str, int]:
    """Ids by address."""
    made = Contact.objects.bulk_create([Contact(email=email, email_key=email.lower()) for email in emails])
    return {contact.email: contact.pk for contact in made}


def verdicts() -> dict[str, tuple[str, str]]:
    rows = Contact.objects.values_list("email", "validation_state", "validation_reason")
    return {email: (state, reason) for email, state, reason in rows}
