"""The workspace that a call names by `workspace_id`, in the dialects that know the word."""

from collections.abc import Collection

from rest_framework.request import Request

from api.access import Forbidden
from common.errors import InvalidInput

BODIES = ("POST", "PUT", "PATCH")


def named_workspace(request: Request, *, field: str, bodies: Collection[str] = BODIES) -> str:
    """The `workspace_id` of the query, and of the body for a method of `bodies`; "" where there is none.

    Raises InvalidInput where it is no text or the two differ, Forbidden (about `field`) for what is no name, and what
    reading the body raises.
    """
    body = request.data if request.method in bodies else None
    in_body = body.get("workspace_id") if isinstance(body, dict) else None
    in_query = request.query_params.get("workspace_id", "")
    if in_body is not None and not isinstance(in_body, str):
        raise InvalidInput("This must be text, as in ws-001.", field="workspace_id")
    if in_body and in_query and in_body != in_query:
        raise InvalidInput("The query and the body name different workspaces.", field="workspace_id")
    name = in_body or in_query
    if not _can_be_asked_for(name):
        raise Forbidden("There is no such workspace for this key.", field=field)
    return name


def _can_be_asked_for(name: str) -> bool:
    """The database takes neither zero bytes nor half characters."""
    return "\0" not in name and name.encode(errors="ignore").decode() == name
