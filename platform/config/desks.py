"""The look of the two desks: titles, menus and start pages (django-unfold's settings)."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from common.environment import ROOT

STATICFILES_DIRS = [ROOT / "static"]
FORMAT_MODULE_PATH = ["config.formats"]

_PRIMARY = {
    "50": "oklch(97% .014 254.6)",
    "100": "oklch(93.2% .032 255.6)",
    "200": "oklch(88.2% .059 254.1)",
    "300": "oklch(80.9% .105 251.8)",
    "400": "oklch(70.7% .165 254.6)",
    "500": "oklch(62.3% .214 259.8)",
    "600": "oklch(54.6% .245 262.9)",
    "700": "oklch(48.8% .243 264.4)",
    "800": "oklch(42.4% .199 265.6)",
    "900": "oklch(37.9% .146 265.5)",
    "950": "oklch(28.2% .091 267.9)",
}


def _may(permission: str) -> Any:
    return lambda request: request.user.has_perm(permission)


def _entry(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url),
        "permission": _may(permission),
        "active": lambda request: _is_open(request, url),
    }


def _is_open(request: HttpRequest, url: str) -> bool:
    """Whether the page shown belongs to this entry: the health page lies below a list and is none of it."""
    path = str(reverse_lazy(url))
    if url in ("admin:index", "admin:health"):
        return request.path == path
    return request.path.startswith(path) and request.path != str(_HEALTH)


_HEALTH = "/admin/tenants/duework/health/"


def _tenant_name(request: HttpRequest) -> str:
    tenant = getattr(request, "tenant", None)
    return str(tenant.name) if tenant else "Lettershop"


def _look(**own: Any) -> dict[str, Any]:
    return {
        "SITE_TITLE": "Lettershop",
        "SITE_URL": None,
        "SITE_SYMBOL": "mail",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("desk/icon.svg")}],
        "SHOW_HISTORY": False,
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_BACK_BUTTON": True,
        "BORDER_RADIUS": "8px",
        "COLORS": {"primary": _PRIMARY},
        "STYLES": [lambda request: static("desk/desk.css")],
        "SCRIPTS": [lambda request: static("desk/desk.js")],
        **own,
    }


UNFOLD = _look(
    SITE_HEADER=_tenant_name,
    SITE_SUBHEADER="Lettershop",
    DASHBOARD_CALLBACK="campaigns.desk.home.home_context",
    SIDEBAR={
        "navigation": [
            {"items": [_entry("Home", "home", "admin:index", "campaigns.view_campaign")]},
            {
                "title": "Mailings",
                "items": [
                    _entry("Campaigns", "campaign", "admin:campaigns_campaign_changelist", "campaigns.view_campaign"),
                    _entry("Templates", "draft", "admin:campaigns_template_changelist", "campaigns.view_template"),
                ],
            },
            {
                "title": "Audience",
                "items": [
                    _entry("Contacts", "group", "admin:contacts_contact_changelist", "contacts.view_contact"),
                    _entry("Imports", "upload_file", "admin:contacts_import_changelist", "contacts.view_import"),
                    _entry("Tags", "sell", "admin:contacts_tag_changelist", "contacts.view_tag"),
                    _entry(
                        "Fields",
                        "data_object",
                        "admin:contacts_contactattribute_changelist",
                        "contacts.view_contactattribute",
                    ),
                    _entry(
                        "Suppression list",
                        "block",
                        "admin:contacts_suppression_changelist",
                        "contacts.view_suppression",
                    ),
                ],
            },
            {
                "title": "Sending",
                "items": [
                    _entry("Messages", "mark_email_read", "admin:outbound_message_changelist", "outbound.view_message"),
                    _entry(
                        "Providers",
                        "dns",
                        "admin:outbound_provideraccount_changelist",
                        "outbound.view_provideraccount",
                    ),
                    _entry(
                        "Sending domains",
                        "verified",
                        "admin:deliverability_sendingdomain_changelist",
                        "deliverability.view_sendingdomain",
                    ),
                    _entry("Webhooks", "webhook", "admin:callbacks_endpoint_changelist", "callbacks.view_endpoint"),
                    _entry("Webhook calls", "outbox", "admin:callbacks_delivery_changelist", "callbacks.view_delivery"),
                ],
            },
            {
                "title": "Team",
                "items": [_entry("Members", "badge", "admin:members_user_changelist", "members.view_user")],
            },
        ]
    },
)

UNFOLD_OPERATOR = _look(
    SITE_HEADER="Lettershop",
    SITE_SUBHEADER="Operators",
    DASHBOARD_CALLBACK="outbound.admin.overview.overview_context",
    SIDEBAR={
        "navigation": [
            {
                "items": [
                    _entry("Overview", "home", "admin:index", "tenants.view_tenant"),
                    _entry("Health", "monitor_heart", "admin:health", "tenants.view_duework"),
                    _entry(
                        "Queue", "stacked_email", "admin:tenants_waitingmail_changelist", "tenants.view_waitingmail"
                    ),
                    _entry("Due work", "pending_actions", "admin:tenants_duework_changelist", "tenants.view_duework"),
                ]
            },
            {
                "title": "Tenants",
                "items": [
                    _entry("Tenants", "domain", "admin:tenants_tenant_changelist", "tenants.view_tenant"),
                    _entry("Hosts", "language", "admin:tenants_host_changelist", "tenants.view_host"),
                    _entry("Plans", "speed", "admin:tenants_plan_changelist", "tenants.view_plan"),
                    _entry("API keys", "key", "admin:tenants_apikey_changelist", "tenants.view_apikey"),
                ],
            },
            {
                "title": "Team",
                "items": [_entry("Operators", "badge", "admin:members_user_changelist", "members.view_user")],
            },
        ]
    },
)
