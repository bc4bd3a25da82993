"""A tenant as it goes over the wire, field by field."""

from typing import Any

from rest_framework import serializers

from api.v2.fields import Text
from tenants.models import Tenant


class ProfileBody(serializers.Serializer):
    """What a tenant decides of itself. What is left out stays; empty takes it away."""

    brand_domain = Text(max_length=253, allow_blank=True, required=False, help_text="in ASCII form: acme.com")
    sender_name = Text(max_length=120, allow_blank=True, required=False, help_text="stands beside sender_email")
    sender_email = Text(
        max_length=254, allow_blank=True, required=False, help_text="empty: news@ the first sending domain, in its name"
    )
    reply_to = Text(max_length=254, allow_blank=True, required=False, help_text="empty: answers go to the sender")


class TenantShown(serializers.Serializer):
    """A tenant. Its sender is that of campaigns which name none."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    workspace_id = serializers.CharField(help_text="as X-Workspace-ID has it")
    plan = serializers.CharField(allow_null=True)
    brand_domain = serializers.CharField()
    sender_name = serializers.CharField()
    sender_email = serializers.CharField()
    reply_to = serializers.CharField()
    hosts = serializers.ListField(child=serializers.CharField(), help_text="the first stands in links of mails")
    created_at = serializers.DateTimeField()


def shown(tenant: Tenant) -> dict[str, Any]:
    """The tenant as TenantShown has it; plan and hosts have been fetched with it."""
    hosts = sorted(tenant.domains.all(), key=lambda host: (not host.is_primary, host.domain))
    return {
        "id": tenant.pk,
        "slug": tenant.slug,
        "name": tenant.name,
        "workspace_id": tenant.workspace_id,
        "plan": tenant.plan.slug if tenant.plan else None,
        "brand_domain": tenant.brand_domain,
        "sender_name": tenant.sender_name,
        "sender_email": tenant.sender_address,
        "reply_to": tenant.reply_to,
        "hosts": [host.domain for host in hosts],
        "created_at": tenant.created_at,
    }
