"""The schema. docs/graphql.schema is the same in GraphQL's own language."""

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry_django.optimizer import DjangoOptimizerExtension

from api.graphql.limits import Limits
from api.graphql.queries import Query
from api.graphql.scalars import SCALARS


class _Schema(strawberry.Schema):
    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Whoever executes tells them, and notes what nobody foresaw."""


schema = _Schema(
    query=Query,
    extensions=[Limits, DjangoOptimizerExtension],
    config=StrawberryConfig(scalar_map=SCALARS),
)
