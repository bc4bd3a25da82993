"""What a tenant's host answers: its desk."""

from django.urls import include, path
from django.views.generic import RedirectView

from tenants.sites import tenant_site

urlpatterns = [
    path("", include("api.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", tenant_site.urls),
]
