"""The paths of API v2, each written once, without a trailing slash (api.middleware makes it optional)."""

from django.urls import URLPattern, URLResolver

from api.v2.campaigns.urls import urlpatterns as campaigns
from api.v2.contacts.urls import urlpatterns as contacts
from api.v2.data_sources.urls import urlpatterns as data_sources
from api.v2.endpoints.urls import urlpatterns as endpoints
from api.v2.imports.urls import urlpatterns as imports
from api.v2.keys.urls import urlpatterns as keys
from api.v2.segments.urls import urlpatterns as segments
from api.v2.stats.urls import urlpatterns as stats
from api.v2.suppressions.urls import urlpatterns as suppressions
from api.v2.tags.urls import urlpatterns as tags
from api.v2.templates.urls import urlpatterns as templates
from api.v2.tenants.urls import urlpatterns as tenants
from api.v2.tokens.urls import urlpatterns as tokens
from api.v2.validation.urls import urlpatterns as validation
from api.v2.variants.urls import urlpatterns as variants
from api.v2.webhooks.urls import urlpatterns as webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    *campaigns,
    *contacts,
    *data_sources,
    *endpoints,
    *imports,
    *keys,
    *segments,
    *stats,
    *suppressions,
    *tags,
    *templates,
    *tenants,
    *tokens,
    *validation,
    *variants,
    *webhooks,
]
