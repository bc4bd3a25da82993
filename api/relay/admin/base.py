"""A view for operators only."""

from typing import Any

from rest_framework.request import Request

from api.access import Forbidden
from api.relay.base import RelayView


class OperatorView(RelayView):
    """It concerns the installation and all its workspaces: the key must be an admin key, or a token of one."""

    scopes = {"GET": "admin", "PUT": "admin", "POST": "admin"}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and not self.caller.is_admin:
            raise Forbidden("Only an operator may do that.", hint="Use an admin key, or a token of one for operators.")
