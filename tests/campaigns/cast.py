"""What tests of campaigns share: contacts, a template, a provider, a campaign that could be sent."""

from dataclasses import replace

from campaigns.models import Campaign, Template
from campaigns.services.drafts import Draft, create_campaign
from campaigns.services.templates import TemplateText, create_template
from contacts.models import Contact, Tag
from outbound.models import ProviderAccount
from outbound.services.providers import create_provider

HTML = '<p>Hello {{ first_name | default("you") }}</p><a href="https://acme.example/shop">Shop</a><a href="{{ unsubscribe_url }}">Leave</a>'


def add_contacts(count: int, *, language: str = "", tags: tuple[int, ...] = (), prefix: str = "user") -> list[Contact]:
    return Contact.objects.bulk_create(
        Contact(
            email=f"{prefix}{number}@example.com",
            email_key=f"{prefix}{number}@example.com",
            first_name=f"Name {number}",
            language=language,
            tags=sorted(tags),
        )
        for number in range(count)
    )


def add_tag(slug: str) -> int:
    return Tag.objects.create(slug=slug, name=slug).pk


def add_template(name: str = "News", *, language: str = "", category: str = "", **text: str) -> Template:
    given = {"subject": f"News {language}", "html": HTML, **text}
    return create_template(written=TemplateText(name=name, language=language, category=category, **given))


def add_provider(**options) -> ProviderAccount:
    return create_provider(**{"name": "Relay", "host": "127.0.0.1", "port": 2525, "tls": "none", **options})


def add_campaign(template: Template | None = None, **changes) -> Campaign:
    draft = Draft(name="Spring", template=template or add_template(), sender="Acme <news@acme.example>")
    return create_campaign(draft=replace(draft, **changes))
