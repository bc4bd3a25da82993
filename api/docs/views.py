"""The document itself, and the two pages that show it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.docs.document import compressed_document, served_document


@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """/openapi.json: what generators of clients and testers read."""
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    content = compressed_document() if is_packed else served_document()
    response = HttpResponse(content, content_type="application/json")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = "public, max-age=300"
    # The document is public, and tools on other pages may read it.
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def try_out(request: HttpRequest) -> HttpResponse:
    """Swagger UI: every operation can be tried out with a key."""
    return render(request, "api/try_out.html")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """ReDoc: the same as one long page to read."""
    return render(request, "api/reference.html")
