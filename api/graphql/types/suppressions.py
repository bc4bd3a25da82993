"""Who is not mailed."""

from datetime import datetime

import strawberry
import strawberry_django

from contacts import models


@strawberry_django.type(
    models.Suppression, description="An address that is not mailed, for one reason of maybe several."
)
class Suppression:
    id: strawberry.ID
    email: str
    reason: str = strawberry_django.field(description="unsubscribed, hard_bounce, complaint or manual")
    note: str
    origin: str = strawberry_django.field(description="what put it here: a message, an import, the API")
    created_at: datetime
