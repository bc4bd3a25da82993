"""The one path of GraphQL."""

from django.urls import URLPattern, path

from api.graphql.views import GraphQLView

urlpatterns: list[URLPattern] = [path("graphql", GraphQLView.as_view(), name="graphql")]
