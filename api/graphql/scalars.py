"""Values that GraphQL has no word for."""

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

Count = NewType("Count", int)
"""How many. GraphQL's own Int ends at 2,147,483,647, which all opens of a tenant together may pass."""

SCALARS: dict[object, ScalarDefinition] = {
    Count: strawberry.scalar(name="Count", description="How many: a whole number that may be larger than an Int.")
}
