"""What the public host answers: the operators' desk."""

from django.urls import include, path
from django.views.generic import RedirectView

from tenants.sites import operator_site

urlpatterns = [
    path("", include("api.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", operator_site.urls),
]
