"""What an installation makes for itself."""

import pytest
from django.conf import settings

from tenants.models import Tenant


@pytest.mark.usefixtures("db")
def test_customers_are_counted_from_one_for_their_programs_know_them_by_these_numbers() -> None:
    own = Tenant.objects.filter(schema_name__in=["public", settings.TENANT_TEMPLATE_SCHEMA])
    assert sorted(tenant.pk for tenant in own) == [-2, -1]
    assert Tenant.objects.filter(pk__gt=0).order_by("pk").values_list("slug", flat=True).first() == "acme"
    assert Tenant.objects.get(slug="acme").pk == 1
