"""A query carried out: what was found, and errors as GraphQL tells them, in the words of API v2."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction
from graphql import GraphQLError
from psycopg.errors import QueryCanceled
from rest_framework.request import Request
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.utils.str_converters import to_camel_case

from api.graphql.batches import Batches
from api.graphql.limits import LONGEST_QUERY, TooMuch
from api.graphql.schema import schema
from api.v2.errors import answer_error
from common.database import connection
from common.errors import InvalidInput, Unavailable

SECONDS = 20


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: a document, which of its operations, and the values of its variables."""

    text: str
    operation: str | None
    variables: Mapping[str, Any]


def execute(query: Query, request: Request) -> dict[str, Any]:
    """`data` and `errors`, for the tenant that was entered. Any statement may take 20 seconds.

    An error of the database leaves no data: what would be looked up after it is not known.
    """
    with transaction.atomic(), _time_limit():
        result = _result(query)
        broken = next((one for one in result.errors or () if isinstance(one.original_error, DatabaseError)), None)
        if broken is not None:
            transaction.set_rollback(True)
            result = ExecutionResult(data=None, errors=[broken])
    told: dict[str, Any] = {"data": result.data}
    if result.errors:
        told["errors"] = [_told(error, request) for error in result.errors]
    return told


def _result(query: Query) -> ExecutionResult:
    try:
        return schema.execute_sync(
            query.text,
            variable_values=dict(query.variables),
            context_value=Batches(),
            operation_name=query.operation,
            allowed_operation_types=[OperationType.QUERY],
        )
    except InvalidOperationTypeError:
        return _refused(InvalidInput("This path only reads: there are queries, and nothing else."))
    except CannotGetOperationTypeError:
        return _refused(InvalidInput("There is no operation of this name.", field="operationName"))


def _refused(error: InvalidInput) -> ExecutionResult:
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])


def _told(error: GraphQLError, request: Request) -> dict[str, Any]:
    said = answer_error(_reason(error), {"request": request}).data["error"]
    field, *inside = (said["field"] or "").split(".")
    place = {"field": ".".join([to_camel_case(field), *inside]) if field else None, "hint": said["hint"]}
    told = {
        "message": said["message"],
        "locations": [{"line": one.line, "column": one.column} for one in error.locations or ()],
        "path": error.path,
        "extensions": {"code": said["code"], **place, "request_id": said["request_id"]},
    }
    return {name: value for name, value in told.items() if value}


def _reason(error: GraphQLError) -> Exception:
    """What to tell: the error of ours behind it, or what GraphQL itself says of the query."""
    behind = error.original_error
    if isinstance(behind, GraphQLError):
        return _reason(behind)
    if isinstance(behind, RecursionError) or "nested too deeply" in error.message:
        return TooMuch("This query is nested too deeply.")
    if isinstance(behind, DatabaseError) and isinstance(behind.__cause__, QueryCanceled):
        return Unavailable(f"This takes more than {SECONDS} seconds to look up.", hint="Ask for less at once.")
    if behind is not None:
        return behind
    if "Document contains more than" in error.message:
        return TooMuch(f"This query has more than {LONGEST_QUERY:,} words and signs.")
    return _InvalidQuery(error.message)


class _InvalidQuery(InvalidInput):
    code = "invalid_query"


@contextmanager
def _time_limit() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        [before] = cursor.fetchone()
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
        yield
        # The transaction may be only a part of a longer one; what is rolled back is forgotten anyway.
        if not connection.needs_rollback:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
