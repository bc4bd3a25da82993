"""Which contacts: from a query or a body to the filter that the service knows."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from api.v2.contacts.serializers import FilterBody
from contacts.models import ContactStatus
from contacts.services.searching import ContactFilter

_LISTS = ("tag", "tag_any", "exclude_tag")
_SINGLE = ("q", "status", "language", "country", "created_after", "created_before", "updated_after")
_TEXTS = {"type": "array", "items": {"type": "string"}}

FILTERS = [
    OpenApiParameter("q", str, description="beginning of an address, a first or a last name"),
    OpenApiParameter("status", str, enum=ContactStatus.values),
    OpenApiParameter("tag", _TEXTS, description="a tag's slug; may be repeated: all of them", explode=True),
    OpenApiParameter("tag_any", _TEXTS, description="one of these slugs", explode=True),
    OpenApiParameter("exclude_tag", _TEXTS, description="none of these slugs", explode=True),
    OpenApiParameter("language", str, description="fr means fr-ca too"),
    OpenApiParameter("country", str),
    OpenApiParameter("source_id", int),
    OpenApiParameter("created_after", OpenApiTypes.DATETIME),
    OpenApiParameter("created_before", OpenApiTypes.DATETIME),
    OpenApiParameter("updated_after", OpenApiTypes.DATETIME),
    OpenApiParameter(
        "attribute",
        {"type": "object", "additionalProperties": {"type": "string"}},
        style="deepObject",
        explode=True,
        description="`attribute[city]=Paris`, or `attribute.city=Paris`: the attribute is equal, within its type",
    ),
]


def filter_of_query(request: Request) -> ContactFilter:
    """Raises ValidationError that names the parameter."""
    query = request.query_params
    if "attribute" in query:
        raise serializers.ValidationError({"attribute": "Say which one: attribute[city]=Paris."})
    given: dict[str, Any] = {name: query[name] for name in _SINGLE if query.get(name)}
    given |= {name: query.getlist(name) for name in _LISTS if name in query}
    if query.get("source_id"):
        source = query["source_id"]
        given["source_id"] = int(source) if source.isascii() and source.isdecimal() and len(source) < 20 else source
    attributes = {key: query[name] for name in query if (key := _attribute(name))}
    form = FilterBody(data={**given, **({"attribute": attributes} if attributes else {})})
    form.is_valid(raise_exception=True)
    return filter_of(form.validated_data)


def filter_of(values: dict[str, Any]) -> ContactFilter:
    """From the values of a FilterBody."""
    named: dict[str, Any] = {name: values[name] for name in (*_SINGLE, "source_id") if name in values}
    for name, given in (("tags", "tag"), ("tags_any", "tag_any"), ("exclude_tags", "exclude_tag")):
        named[name] = tuple(values.get(given, ()))
    return ContactFilter(**named, attributes=values.get("attribute", {}))


def answer_or_not(request: Request, name: str) -> bool:
    """A yes or no of the query; no when left out. Raises ValidationError."""
    given = request.query_params.get(name, "false").lower()
    if given not in ("true", "false", "1", "0"):
        raise serializers.ValidationError({name: "This must be true or false."})
    return given in ("true", "1")


def _attribute(name: str) -> str:
    if name.startswith("attribute."):
        return name.removeprefix("attribute.")
    return name[len("attribute[") : -1] if name.startswith("attribute[") and name.endswith("]") else ""
