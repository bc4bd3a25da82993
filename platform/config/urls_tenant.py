"""What a tenant's host answers: its desk."""

from django.urls import path
from django.views.generic import RedirectView

from tenants.sites import tenant_site

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", tenant_site.urls),
]
