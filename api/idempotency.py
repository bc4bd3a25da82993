"""Idempotency-Key: the same call twice has one effect and one answer."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import Caller
from api.ledger.answering import Outside, answered_once, answered_outside
from api.ledger.calls import Answer, Call
from common.errors import InvalidInput

_SANE_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
# The headers of an answer that belong to what was done; all others are those of the call that gets it.
_KEPT_HEADERS = ("Content-Type", "Location", "Retry-After", "Cache-Control")


class IdempotentPosts:
    """For views of Django REST framework: a POST that carries an Idempotency-Key is answered once and remembered.

    The view calls `answer_posts_once` at the end of its `initial`, when the caller is known and the tenant entered.
    The handler then runs in one transaction with the memory of its answer; a view that streams says `idempotent = False`.
    One that waits for others (a mail server, a web server) says how in `outside`: it runs in no transaction, and calls
    `goes_outside` just before what cannot be undone.
    """

    idempotent: ClassVar[bool] = True
    outside: ClassVar[Outside | None] = None
    caller: Caller
    _worked_out: HttpResponse
    is_outside = False

    def answer_posts_once(self, request: Request) -> None:
        """Raises InvalidInput for a key that is none."""
        given, handler = request.headers.get("Idempotency-Key"), getattr(self, "post", None)
        if request.method != "POST" or given is None or handler is None or not self.idempotent:
            return
        if not _SANE_KEY.match(given):
            raise InvalidInput("This must be 1 to 255 printable ASCII characters.", field="Idempotency-Key")
        call = Call(caller=_name(self.caller), key=given, fingerprint=_fingerprint(request, self.caller))
        # On the instance, which lives as long as its request.
        vars(self)["post"] = partial(self._post_once, call, handler)

    def goes_outside(self) -> None:
        """From here on the call is not worked out a second time, whatever becomes of it."""
        self.is_outside = True

    def _post_once(self, call: Call, handler: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        given = partial(handler, request, *args, **kwargs)
        if self.outside is None:
            answer, again = answered_once(call, partial(self._work_out, given, request))
        else:
            answer, again = answered_outside(call, partial(self._work_outside, given, request), outside=self.outside)
        if not again:
            return self._worked_out
        response = HttpResponse(answer.body, status=answer.status)
        del response.headers["Content-Type"]
        for name, value in {**answer.headers, "Idempotency-Replayed": "true"}.items():
            response.headers[name] = value
        return response

    def _work_outside(self, handler: Callable[[], Any], request: Request) -> tuple[Answer, bool]:
        answer = self._answer(handler, request)
        return answer, self.is_outside

    def _work_out(self, handler: Callable[[], Any], request: Request) -> Answer:
        return self._answer(transaction.atomic(handler), request)

    def _answer(self, handler: Callable[[], Any], request: Request) -> Answer:
        try:
            response = handler()
        except Exception as error:  # The view says every error in its own words, as it does without a key.
            response = self.handle_exception(error)  # type: ignore[attr-defined]
        if isinstance(response, Response):
            response.accepted_renderer = request.accepted_renderer
            response.accepted_media_type = request.accepted_media_type
            response.renderer_context = self.get_renderer_context()  # type: ignore[attr-defined]
            response.render()
        self._worked_out = response
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return Answer(response.status_code, headers, response.content.decode())


def _name(caller: Caller) -> str:
    """Users of one key know nothing of each other: what one of them was answered is not another's."""
    if not caller.user:
        return f"key:{caller.key_id}"
    # Fits the ledger's column, however long the user's name is.
    return f"user:{hashlib.blake2b(f'{caller.key_id}:{caller.user}'.encode(), digest_size=13).hexdigest()}"


def _fingerprint(request: Request, caller: Caller) -> bytes:
    """Of what was asked, not how it was written: spaces and the order of JSON fields make no other call.

    The caller's rights belong to it: a token with fewer of them than its key is not given what the key was answered.
    """
    path = request.path_info.rstrip("/")
    rights = ",".join(sorted(caller.scopes)) + ",admin key" * caller.is_admin
    digest = hashlib.blake2b(
        f"{rights}\n{request.method} {path}?{request.META.get('QUERY_STRING', '')}\n".encode(), digest_size=32
    )
    data = request.data
    if not isinstance(data, MultiValueDict):
        digest.update(json.dumps(data, sort_keys=True).encode())
        return digest.digest()
    for name, values in sorted(data.lists()):
        for value in values:
            _add_field(digest, name, value)
    return digest.digest()


def _add_field(digest: Any, name: str, value: Any) -> None:
    """Each part with its length before it, so that no two forms run together into the same bytes."""
    if isinstance(value, UploadedFile):
        digest.update(f"{len(name)} {name} file {value.size} {value.name!r}\n".encode())
        for chunk in value.chunks():
            digest.update(chunk)
        value.seek(0)
    else:
        encoded = str(value).encode(errors="surrogatepass")
        digest.update(f"{len(name)} {name} text {len(encoded)}\n".encode())
        digest.update(encoded)
