"""As whom a message goes out: sender, domains, tracking base and signers, frozen with the message."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from django.conf import settings

from common.tokens import KeyRing
from deliverability.services.domains import domain_of, signers_of
from outbound.compiler import CompiledMessage, Content, Stamp, compile_message
from outbound.models import Message
from tenants.scope import current_tenant


@dataclass(frozen=True, slots=True)
class Sender:
    """What the writer of a message decides about its head."""

    from_address: str
    from_name: str = ""
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    track_opens: bool = True
    track_clicks: bool = True


@lru_cache(maxsize=2)
def _ring(secret: str) -> KeyRing:
    return KeyRing({1: blake2b(secret.encode(), digest_size=32, person=b"tracking-tokens").digest()}, current=1)


def key_ring() -> KeyRing:
    """The keys that sign tracking tokens in this installation."""
    return _ring(settings.SECRET_KEY)


def make_stamp(sender: Sender) -> dict[str, object]:
    """The head of a message as it is stored with it; domains as they are now."""
    domain = domain_of(sender.from_address)
    own = sender.from_address.rpartition("@")[2].lower()
    return {
        "from_address": sender.from_address,
        "from_name": sender.from_name,
        "reply_to": sender.reply_to,
        "headers": [list(pair) for pair in sender.headers],
        "track_opens": sender.track_opens,
        "track_clicks": sender.track_clicks,
        "message_id_domain": domain.name if domain else own,
        "bounce_domain": (domain.bounce_domain if domain else "") or settings.BOUNCE_DOMAIN or own,
        "tracking_base": (domain.tracking_url if domain else "") or tracking_base(),
    }


def tracking_base() -> str:
    """The tenant's own host as base of tracked links, with scheme and port of the installation's PUBLIC_URL."""
    tenant = current_tenant()
    scheme, _, authority = (settings.PUBLIC_URL or "http://localhost:8000").partition("://")
    port = authority.partition(":")[2]
    host = tenant.get_primary_domain()
    name = str(host.domain) if host else authority.partition(":")[0]
    return f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"


def compile_for(message: Message) -> CompiledMessage:
    """The message compiled for the engine. Raises TemplateFault, which cannot happen to what was checked before."""
    return compile_message(Content(**message.content), stamp_of(message))


def stamp_of(message: Message) -> Stamp:
    """The stored head with what is not stored: ids, token keys and signing keys."""
    given = dict(message.stamp)
    domain = domain_of(given["from_address"])
    tenant = current_tenant()
    return Stamp(
        **{**given, "headers": tuple((name, value) for name, value in given["headers"])},
        tenant_id=tenant.pk,
        message_id=message.pk,
        keys=key_ring(),
        signers=signers_of(domain) if domain else (),
        marketing=message.is_marketing,
        feedback_id=f"{message.pk}:{tenant.slug}:{'campaign' if message.is_marketing else 'single'}:lettershop",
    )
