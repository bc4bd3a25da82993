"""The paths of contacts."""

from django.urls import URLPattern, path

from api.v2.contacts.bulk import BulkView, TaggingView, UntaggingView
from api.v2.contacts.export import ExportView
from api.v2.contacts.views import ContactListView, ContactsView, ContactView

urlpatterns: list[URLPattern] = [
    path("contacts", ContactsView.as_view()),
    path("contacts/<int:tenant_id>", ContactListView.as_view()),
    path("contacts/<int:tenant_id>/bulk", BulkView.as_view()),
    path("contacts/<int:tenant_id>/tag", TaggingView.as_view()),
    path("contacts/<int:tenant_id>/untag", UntaggingView.as_view()),
    path("contacts/<int:tenant_id>/export", ExportView.as_view()),
    path("contacts/<int:tenant_id>/<int:contact_id>", ContactView.as_view()),
]
