"""Checking addresses: many in the background, a few at once."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v2.documentation import errors
from api.v2.validation.serializers import (
    AddressCheckAnswer,
    AddressCheckBody,
    QueuedAnswer,
    ValidateBody,
    ValidationAnswer,
    show_checked,
    show_run,
)
from api.v2.views import V2View
from contacts.models import ValidationRun
from contacts.validation import check_addresses, validate_contacts_bulk, validation_counts

_TAG = ["Validation"]


class ValidateView(V2View):
    """Has many contacts checked."""

    scopes = {"POST": "contacts"}

    @extend_schema(
        operation_id="contacts_validate",
        summary="Have contacts checked",
        description=(
            "Checks in the background whether mail can reach the addresses: their syntax, their domains' MX, A and AAAA "
            "records, null MX, and lists of throw-away domains, roles and common misspellings. Where the DNS gives no "
            "answer, the contact stays pending and is asked about again. Validation does not change whether a contact "
            "is mailed: give `tag_invalid` and leave that tag out of campaigns."
        ),
        tags=_TAG,
        request=ValidateBody,
        responses={202: QueuedAnswer, **errors(409, body=True)},
        examples=[
            OpenApiExample("All that are pending", value={}, request_only=True),
            OpenApiExample("The first thousand that are pending", value={"limit": 1000}, request_only=True),
            OpenApiExample("Queued", value={"queued": 1000, "run_id": 1}, response_only=True, status_codes=["202"]),
        ],
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        values = self.checked(ValidateBody)
        queued = validate_contacts_bulk(
            contact_ids=values.get("contact_ids"),
            limit=values.get("limit"),
            tag_invalid=values.get("tag_invalid", ""),
        )
        return Response({"queued": queued.count, "run_id": queued.run.pk if queued.run else None}, status=202)


class ValidationView(V2View):
    """How far it is."""

    scopes = {"GET": "read"}

    @extend_schema(
        operation_id="contacts_validation",
        summary="Contacts by validation state, and the latest run",
        description="The counts are exact at any time. `run` is the run that was asked for last, with its progress.",
        tags=_TAG,
        responses={200: ValidationAnswer, **errors()},
        examples=[
            OpenApiExample(
                "Under way",
                value={
                    "tenant_id": 1,
                    "counts": {"pending": 400, "valid": 560, "risky": 30, "invalid": 10},
                    "run": {
                        "id": 1,
                        "state": "running",
                        "total": 1000,
                        "checked": 600,
                        "valid": 560,
                        "risky": 30,
                        "invalid": 10,
                        "unanswered": 0,
                        "error": "",
                        "started_at": "2026-03-01T09:00:00Z",
                        "again_at": None,
                        "finished_at": None,
                    },
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, tenant_id: int) -> Response:
        run = ValidationRun.objects.defer("contact_ids").order_by("-id").first()
        counts = {state.value: count for state, count in validation_counts().items()}
        answer: dict[str, Any] = {"tenant_id": self.tenant.pk, "counts": counts, "run": show_run(run) if run else None}
        return Response(answer)


class CheckView(V2View):
    """Checks some addresses while the caller waits."""

    scopes = {"POST": "contacts"}
    idempotent = False  # it changes nothing, and a transaction must not wait for the DNS

    @extend_schema(
        operation_id="validation_check",
        summary="Check addresses at once",
        description=(
            "Up to 100 addresses, which need not be contacts; nothing is stored. A domain is given three seconds to "
            "answer; `pending` means that it did not."
        ),
        tags=_TAG,
        request=AddressCheckBody,
        responses={200: AddressCheckAnswer, **errors(body=True)},
        examples=[
            OpenApiExample(
                "Three addresses", value={"emails": ["ana@gmial.com", "info@example.com", "ana@"]}, request_only=True
            ),
            OpenApiExample(
                "Verdicts",
                value={
                    "items": [
                        {
                            "email": "ana@gmial.com",
                            "state": "risky",
                            "reason": "typo",
                            "suggestion": "ana@gmail.com",
                            "has_mx": True,
                            "disposable": False,
                            "role": False,
                        }
                    ]
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, tenant_id: int) -> Response:
        checked = check_addresses(self.checked(AddressCheckBody)["emails"])
        return Response({"items": [show_checked(one) for one in checked]})
