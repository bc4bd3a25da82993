"""Templates: made, listed, changed, thrown away, checked and shown."""

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.documentation import errors
from api.v2.lists import cursor_of, limit_of, page_of
from api.v2.templates.examples import CHECKED, FAULTY, HTML, LISTED, PREVIEW, SHOWN
from api.v2.templates.previews import PersonBody, PreviewAnswer, preview_fields
from api.v2.templates.serializers import (
    TemplateAnswer,
    TemplateBody,
    TemplateCheck,
    TemplateErrorAnswer,
    TemplatePage,
    TemplateQuery,
    TemplateWords,
    head_fields,
    template_fields,
)
from api.v2.views import V2View
from campaigns.models import Template
from campaigns.services.previewing import person_to_show, preview_template
from campaigns.services.templates import (
    TemplateText,
    Verdict,
    create_template,
    delete_template,
    judge_template,
    text_of,
    update_template,
)
from common.errors import Conflict, NotFound
from outbound.compiler import TemplateFault

_TAGS = ["Templates"]
_PAGE = [
    OpenApiParameter("limit", int, description="how many at most, up to 500; 50 when left out"),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before"),
]
_EXAMPLE = OpenApiExample(
    "A short mail",
    {"name": "News", "subject": "News of spring", "html": HTML, "language": "fr", "category": "real_estate"},
    request_only=True,
)
_FAULTS = {
    422: OpenApiResponse(
        TemplateErrorAnswer,
        description="Something cannot be used; `details` tells the place when it is in the template.",
    )
}


class TemplateView(V2View):
    """A view of templates. An error about a place in one has `details` with line and column."""

    scopes = {"GET": "read", "POST": "campaigns", "PUT": "campaigns", "DELETE": "campaigns"}

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Conflict) and exc.field == "template":
            exc.field = "template_id"
        response = super().handle_exception(exc)
        if isinstance(exc, TemplateFault):
            response.data["error"]["details"] = _place(exc)
        return response

    def template(self, template_id: int) -> Template:
        """Raises NotFound."""
        found = Template.objects.filter(pk=template_id).first()
        if found is None:
            raise NotFound(f"There is no template {template_id}.", field="template_id")
        return found


class TemplatesView(TemplateView):
    @extend_schema(
        operation_id="templates_create",
        summary="Make a template",
        description=(
            "Or a version of one: templates of one name are its versions in languages and categories. What the "
            "compiler cannot send is refused with the line and column. 409 when there is such a version already."
        ),
        tags=_TAGS,
        request=TemplateBody,
        responses={201: TemplateAnswer, **errors(409, body=True), **_FAULTS},
        examples=[_EXAMPLE, SHOWN],
    )
    def post(self, request: Request) -> Response:
        values = self.checked(TemplateBody)
        values.pop("tenant_id", None)
        template = create_template(written=TemplateText(**values))
        return Response(template_fields(template, self.tenant.pk), status=201)


class TemplateListView(TemplateView):
    @extend_schema(
        operation_id="templates_list",
        summary="List templates",
        description="The newest first, without their HTML and text.",
        tags=_TAGS,
        parameters=[TemplateQuery, *_PAGE],
        responses={200: TemplatePage, **errors()},
        examples=[LISTED],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        asked = self.checked(TemplateQuery, request.query_params)
        limit, before = limit_of(request), cursor_of(request)
        found = Template.objects.defer("html", "text").filter(**asked).order_by("-id")
        if before is not None:
            found = found.filter(pk__lt=before)
        shown, cursor = page_of(list(found[: limit + 1]), limit=limit)
        return Response({"items": [head_fields(one, self.tenant.pk) for one in shown], "next_cursor": cursor})


class TemplateItemView(TemplateView):
    @extend_schema(
        operation_id="templates_get",
        summary="Get a template",
        tags=_TAGS,
        responses={200: TemplateAnswer, **errors()},
        examples=[SHOWN],
    )
    def get(self, request: Request, tenant_id: int, template_id: int) -> Response:
        """With its HTML and text."""
        return Response(template_fields(self.template(template_id), self.tenant.pk))

    @extend_schema(
        operation_id="templates_update",
        summary="Change a template",
        description="What is left out stays as it is. What is being sent or was sent does not change with it.",
        tags=_TAGS,
        request=TemplateBody(partial=True),
        responses={200: TemplateAnswer, **errors(409, body=True), **_FAULTS},
        examples=[OpenApiExample("Another subject", {"subject": "News of summer"}, request_only=True), SHOWN],
    )
    def put(self, request: Request, tenant_id: int, template_id: int) -> Response:
        values = self.checked(TemplateBody, partial=True)
        values.pop("tenant_id", None)
        template = self.template(template_id)
        changed = update_template(template=template, written=replace(text_of(template), **values))
        return Response(template_fields(changed, self.tenant.pk))

    @extend_schema(
        operation_id="templates_delete",
        summary="Delete a template",
        description="409 while a campaign uses it.",
        tags=_TAGS,
        responses={204: OpenApiResponse(description="It is gone."), **errors(409)},
    )
    def delete(self, request: Request, tenant_id: int, template_id: int) -> Response:
        delete_template(template=self.template(template_id))
        return Response(status=204)


class TemplateCheckView(TemplateView):
    @extend_schema(
        operation_id="templates_check",
        summary="Check content that is not saved",
        description=(
            "Tells what is wrong, with line and column, and what it needs: the contacts' fields, the links, what is "
            "doubtful. A fault is an answer here, not an error."
        ),
        tags=_TAGS,
        request=TemplateWords(partial=True),
        responses={200: TemplateCheck, **errors(409, body=True)},
        examples=[
            OpenApiExample("With a fault", {"subject": "Hi", "html": "<p>{{ first_name </p>"}, request_only=True),
            FAULTY,
            CHECKED,
        ],
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        values = self.checked(TemplateWords, partial=True)
        return Response(_verdict(judge_template(TemplateText(**{"name": "", "subject": "", **values}))))


class TemplatePreviewView(TemplateView):
    @extend_schema(
        operation_id="templates_preview",
        summary="See a template as somebody would get it",
        description="This version, for a contact or for `attributes`. Nothing is sent.",
        tags=_TAGS,
        request=PersonBody,
        responses={200: PreviewAnswer, **errors(409, body=True), **_FAULTS},
        examples=[OpenApiExample("For anybody", {"attributes": {"first_name": "Ana"}}, request_only=True), PREVIEW],
    )
    def post(self, request: Request, tenant_id: int, template_id: int) -> Response:
        person = person_to_show(**self.checked(PersonBody))
        return Response(preview_fields(preview_template(template=self.template(template_id), person=person)))


def _place(fault: TemplateFault) -> dict[str, Any]:
    return {"part": fault.part, "line": fault.line, "column": fault.column, "excerpt": fault.excerpt}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    checked = verdict.check
    return {
        "ok": checked is not None,
        "errors": [{**_place(fault), "message": fault.message} for fault in verdict.faults],
        "warnings": list(checked.warnings) if checked else [],
        "fields": [
            {"name": field.name, "kind": field.kind, "needs_default": field.name in verdict.without_default}
            for field in (checked.fields if checked else ())
        ],
        "links": [{"url": link.url, "needs": list(link.needs)} for link in (checked.links if checked else ())],
        "tier": checked.tier.name.lower() if checked else None,
    }
