"""As whom a campaign goes out when nobody says."""

from dataclasses import dataclass

from campaigns.services.drafts import mailbox
from common.errors import InvalidInput
from deliverability.models import SendingDomain
from tenants.scope import current_tenant
from tenants.services.profile import profile_of


@dataclass(frozen=True, slots=True)
class DefaultSender:
    """`sender` as `Draft.sender` wants it; `reply_to` is empty where answers go to the sender."""

    sender: str
    reply_to: str


def default_sender(*, name: str = "") -> DefaultSender:
    """The tenant's own sender, else news@ its first sending domain in the tenant's name; `name` in place of either.

    Raises InvalidInput where there is neither.
    """
    tenant = current_tenant()
    profile = profile_of(tenant)
    if profile.sender_address:
        return DefaultSender(mailbox(name or profile.sender_name, profile.sender_address), profile.reply_to)
    domain = SendingDomain.objects.order_by("id").first()
    if domain is None:
        raise InvalidInput(
            "This campaign needs a sender: the tenant has none of its own and no sending domain.",
            field="from_email",
            hint="Give from_email, or add a sending domain: without a sender, news@ that domain is taken.",
        )
    return DefaultSender(mailbox(name or tenant.name, f"news@{domain.name}"), profile.reply_to)
