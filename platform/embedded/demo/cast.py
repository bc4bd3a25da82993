"""Who takes part: two tenants with their people, their sending domains, and the catcher as their provider."""

from dataclasses import dataclass

from deliverability.models import SendingDomain
from deliverability.services.domains import create_sending_domain
from embedded.demo.surroundings import HOST, Ports
from outbound.models import ProviderAccount
from outbound.services.providers import create_provider
from tenants.members.models import User
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.creation import create_member, create_operator, create_tenant

OPERATOR = "operator@example.com"
PROVIDER = "Mail catcher"


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant of the demo."""

    slug: str
    name: str

    @property
    def host(self) -> str:
        """Names below localhost lead to this machine (RFC 6761)."""
        return f"{self.slug}.localhost"

    @property
    def domain(self) -> str:
        return f"{self.slug}.example.com"

    @property
    def person(self) -> str:
        return f"marketer@{self.domain}"


ACME = Company("acme", "Acme Seeds")
GLOBEX = Company("globex", "Globex Tools")


def cast_operator(password: str) -> None:
    """Somebody at the operators' desk; of an earlier run, if there was one."""
    if not User.objects.filter(email=OPERATOR).exists():
        create_operator(email=OPERATOR, password=password)


def cast_tenant(company: Company, *, password: str, ports: Ports) -> Tenant:
    """The tenant, made or found, with its addresses on today's ports."""
    if not Tenant.objects.filter(slug=company.slug).exists():
        create_tenant(slug=company.slug, name=company.name, host=company.host, plan="pro")
    tenant: Tenant = Tenant.objects.get(slug=company.slug)
    with tenant_scope(tenant):
        if not User.objects.filter(email=company.person).exists():
            create_member(tenant=tenant, email=company.person, password=password)
        _provider(ports)
        _sending_domain(company, ports)
    return tenant


def _provider(ports: Ports) -> None:
    moved = ProviderAccount.objects.filter(name=PROVIDER).update(port=ports.smtp)
    if not moved:
        create_provider(name=PROVIDER, host=HOST, port=ports.smtp, tls="none", connections=8)


def _sending_domain(company: Company, ports: Ports) -> None:
    tracking_url = f"http://{company.host}:{ports.web}"
    moved = SendingDomain.objects.filter(name=company.domain).update(tracking_url=tracking_url)
    if not moved:
        create_sending_domain(name=company.domain, bounce_domain=f"bounces.{company.domain}", tracking_url=tracking_url)
