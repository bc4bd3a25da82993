"""POST /graphql: the call is API v2's in all but its body and its answer."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.graphql.executing import Query, execute
from api.v2.documentation import errors
from api.v2.fields import Id, Text
from api.v2.views import V2View

_LARGEST_BODY = 256 * 1024
_LONGEST_QUERY = 50_000
_QUERY = """query Newest($first: Int!) {
  campaigns(first: $first) {
    edges { node { id name status counts { sent opened clicked } template { name } } }
    pageInfo { endCursor hasNextPage }
  }
}"""
_NODE = {
    "id": "7",
    "name": "Spring",
    "status": "sent",
    "counts": {"sent": 1000, "opened": 412, "clicked": 90},
    "template": {"name": "News"},
}
_ANSWER = {
    "data": {"campaigns": {"edges": [{"node": _NODE}], "pageInfo": {"endCursor": "Nw==", "hasNextPage": True}}},
}
_FAULT = {
    "message": "A page has 1 to 100 rows.",
    "locations": [{"line": 1, "column": 3}],
    "path": ["campaigns"],
    "extensions": {"code": "invalid_input", "field": "first", "hint": None, "request_id": "9b0c"},
}


class QueryBody(serializers.Serializer):
    """A query as GraphQL over HTTP has it."""

    tenant_id = Id(required=False, help_text="left out: the key's tenant")
    query = Text(max_length=_LONGEST_QUERY, trim_whitespace=False, help_text="at most 1,000 words and signs")
    operationName = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    variables = serializers.DictField(required=False, allow_null=True)


class QueryAnswer(serializers.Serializer):
    """What was found, and what was not and why."""

    data = serializers.DictField(allow_null=True)
    errors = serializers.ListField(child=serializers.DictField(), required=False)


class GraphQLView(V2View):
    """One query."""

    scopes: ClassVar[dict[str, str]] = {"POST": "read"}
    largest_body: ClassVar[int | None] = _LARGEST_BODY

    @extend_schema(
        operation_id="graphql",
        summary="Ask for several things at once",
        description=(
            "GraphQL, to read only. A query that cannot be understood or carried out is answered 200 with `errors`, "
            "each with `extensions.code` and `extensions.request_id`; all other errors are those of every path. "
            "The schema: docs/graphql.schema, or introspection."
        ),
        tags=["GraphQL"],
        request=QueryBody,
        responses={200: QueryAnswer, **errors(body=True)},
        examples=[
            OpenApiExample("The newest campaigns", {"query": _QUERY, "variables": {"first": 1}}, request_only=True),
            OpenApiExample("One page", _ANSWER, response_only=True, status_codes=["200"]),
            OpenApiExample("A fault", {"data": None, "errors": [_FAULT]}, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        asked: dict[str, Any] = self.checked(QueryBody)
        query = Query(
            text=asked["query"],
            operation=asked.get("operationName") or None,
            variables=asked.get("variables") or {},
        )
        return Response(execute(query, request))
