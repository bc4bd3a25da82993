"""Every operation of API v2 tried with another tenant's key, token, host, header and ids: nothing is told or changed.

The operations come from the URL map: tests/api/isolation_cast.py says how each is called, and a new one without a plan
fails here.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from api.docs.document import openapi_document
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.keys import SCOPES
from tests.api.isolation_cast import (
    OPEN,
    PLANS,
    READING_POSTS,
    WITHOUT_TEXT,
    Operation,
    Told,
    call,
    operations,
    plan_of,
)
from tests.api.isolation_objects import Owned, make_everything, picture
from tests.api.v2_cast import V2, caller

OPERATIONS = operations()
PLANNED = [one for one in OPERATIONS if one.method == "GET" or str(one) in PLANS]
KEYED = [one for one in PLANNED if str(one) not in OPEN]
VOLATILE = ("counted_at", "took_ms", "request_id", "timestamp")


@pytest.fixture(autouse=True)
def _limits_are_far_away(settings: LazySettings) -> None:
    for name in ("KEY", "TENANT"):
        setattr(settings, f"API_LIMIT_PER_{name}", 1_000_000)
    settings.API_LIMIT_GLOBAL = 1_000_000


@pytest.fixture
def owned(acme: Tenant, tmp_path: Path, settings: LazySettings) -> Owned:
    settings.DATA_DIR = tmp_path
    return make_everything(acme, tmp_path)


@pytest.fixture
def watched(acme: Tenant, globex: Tenant, owned: Owned) -> "Callable[[Callable[[], Told]], tuple[Told, bool]]":
    """Makes a call, and says whether any row of either tenant was written by it; then nothing of it stays."""

    def watch(make: Callable[[], Told]) -> tuple[Told, bool]:
        with transaction.atomic():
            before = picture(acme.schema_name, globex.schema_name)
            told = make()
            connection.set_tenant(acme)
            changed = picture(acme.schema_name, globex.schema_name) != before
            transaction.set_rollback(True)
        return told, changed

    return watch


@pytest.fixture
def leaks(watched: Any) -> Iterator[Any]:
    """`leaks(operation, statuses, make)` notes what is told, changed, or answered in another way; at the end there is none."""
    found: list[str] = []

    def judge(name: object, statuses: tuple[int, ...], make: Callable[[], Told]) -> None:
        told, changed = watched(make)
        if told.status not in statuses or told.has_mark or changed:
            shown = told.body[:300].decode("utf-8", "replace")
            found.append(f"{name}: {told.status}, mark: {told.has_mark}, changed: {changed}, {shown}")

    yield judge
    assert found == []


def test_every_operation_has_a_plan() -> None:
    missing = [str(one) for one in OPERATIONS if one.method != "GET" and str(one) not in PLANS]
    stale = set(PLANS) - {str(one) for one in OPERATIONS}
    assert (missing, stale) == ([], set())


def test_every_operation_of_the_document_is_tried() -> None:
    documented = {
        (method.upper(), path.removeprefix("/api/v2/"))
        for path, methods in json.loads(openapi_document())["paths"].items()
        for method in methods
        if path.startswith("/api/v2/")
    }
    tried = {(one.method, one.route.replace("<int:", "{").replace(">", "}")) for one in OPERATIONS}
    assert tried == documented


def test_acme_itself_may_do_all_of_it_and_sees_its_mark(acme: Tenant, owned: Owned, watched: Any) -> None:
    """Without this the refusals below would prove nothing."""
    own, faults = caller(acme, scopes=list(SCOPES)), []
    for one in PLANNED:
        told, _ = watched(lambda one=one: call(own, one, acme, owned))
        if told.status not in plan_of(one).answers:
            faults.append(f"{one}: {told.status} {told.body[:300]!r}")
        elif one.method == "GET" and told.has_mark == (str(one) in WITHOUT_TEXT):
            faults.append(f"{one}: mark: {told.has_mark}")
    assert faults == []


def test_a_key_is_refused_on_another_tenant(acme: Tenant, globex: Tenant, owned: Owned, leaks: Any) -> None:
    other = caller(globex, scopes=list(SCOPES))
    for one in KEYED:
        named = {} if one.has_tenant or _names_tenant_in_body(one) else {"x_workspace_id": acme.workspace_id}
        leaks(one, (403,), lambda one=one, named=named: call(other, one, acme, owned, **named))


def test_ids_of_another_tenant_are_not_there(acme: Tenant, globex: Tenant, owned: Owned, leaks: Any) -> None:
    everything = list(SCOPES)
    for api in (caller(globex, scopes=everything), caller(acme, scopes=everything, is_admin=True)):
        for one in KEYED:
            if one.objects or plan_of(one).refers:
                statuses = (404,) if one.objects else (404, 422)
                leaks(one, statuses, lambda one=one, api=api: call(api, one, globex, owned))


def test_a_call_for_oneself_tells_and_changes_nothing_of_others(
    acme: Tenant, globex: Tenant, owned: Owned, watched: Any
) -> None:
    """Lists, figures, searches, and calls that name acme's ids in their bodies where ids that are not there are passed over."""
    other, faults = caller(globex, scopes=list(SCOPES)), []
    for one in KEYED:
        if one.objects or plan_of(one).refers:
            continue
        with transaction.atomic():
            before = picture(acme.schema_name)
            told = call(other, one, globex, owned)
            connection.set_tenant(acme)
            after = picture(acme.schema_name)
            transaction.set_rollback(True)
        mine = {table: after[table] for table in after if table.startswith(f"{acme.schema_name}.")}
        if told.has_mark or told.status >= 500 or mine.items() - before.items():
            faults.append(f"{one}: {told.status}, mark: {told.has_mark} {told.body[:300]!r}")
    assert faults == []


def test_answers_are_the_same_whether_another_tenant_has_anything_or_not(
    acme: Tenant, globex: Tenant, tmp_path: Path, settings: LazySettings
) -> None:
    settings.DATA_DIR = tmp_path
    other = caller(globex, scopes=list(SCOPES))
    reading = [one for one in KEYED if one.method == "GET" and not one.objects]
    before = {str(one): _steady(call(other, one, globex, Owned())) for one in reading}
    make_everything(acme, tmp_path)
    after = {str(one): _steady(call(other, one, globex, Owned())) for one in reading}
    assert before == after


def test_without_a_key_nothing_answers(acme: Tenant, owned: Owned, leaks: Any) -> None:
    nobody = V2(acme, "")
    for one in KEYED:
        leaks(one, (401,), lambda one=one: call(nobody, one, acme, owned))


def test_a_key_that_only_reads_changes_nothing(acme: Tenant, owned: Owned, leaks: Any) -> None:
    reader = caller(acme, scopes=["read"])
    for one in KEYED:
        if one.method != "GET" and str(one) not in READING_POSTS:
            leaks(one, (403,), lambda one=one: call(reader, one, acme, owned))


def test_a_key_without_a_scope_that_fits_does_nothing(acme: Tenant, owned: Owned, leaks: Any) -> None:
    sender = caller(acme, scopes=["send"])
    for one in KEYED:
        if str(one) != "POST tokens":
            leaks(one, (403,), lambda one=one: call(sender, one, acme, owned))


def test_an_admin_key_is_refused_when_header_and_path_contradict(
    acme: Tenant, globex: Tenant, owned: Owned, leaks: Any
) -> None:
    admin = caller(globex, is_admin=True)
    for one in KEYED:
        if one.has_tenant or _names_tenant_in_body(one):
            leaks(one, (403,), lambda one=one: call(admin, one, acme, owned, x_workspace_id=globex.workspace_id))


def test_a_key_is_refused_on_another_tenants_host(acme: Tenant, owned: Owned, leaks: Any) -> None:
    own = caller(acme, scopes=list(SCOPES))
    for one in KEYED:
        leaks(one, (403,), lambda one=one: call(own, one, acme, owned, host="globex.testserver"))


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_token_is_refused_on_another_tenant(
    acme: Tenant, globex: Tenant, owned: Owned, leaks: Any, is_admin: bool
) -> None:
    """Also one that an admin key, which may act for all, had made for globex alone."""
    key = caller(globex, scopes=list(SCOPES), is_admin=is_admin)
    token = key.post("tokens", {"tenant_id": globex.pk}).json()["token"]
    holder = V2(globex, "")
    for one in KEYED:
        named = {} if one.has_tenant or _names_tenant_in_body(one) else {"x_workspace_id": acme.workspace_id}
        bearer = {"authorization": f"Bearer {token}", **named}
        leaks(one, (403,), lambda one=one, bearer=bearer: call(holder, one, acme, owned, **bearer))


def _names_tenant_in_body(one: Operation) -> bool:
    return not one.has_tenant and not one.route.startswith("webhooks/")


def _steady(told: Told) -> Any:
    try:
        body = json.loads(told.body)
    except ValueError:
        return told.status, told.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in VOLATILE}
    return told.status, body


def test_the_picture_sees_a_change(acme: Tenant, owned: Owned) -> None:
    before = picture(acme.schema_name)
    with tenant_scope(acme), connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_contact SET first_name = 'x' WHERE id = %s", [owned.ids["contact_id"]])
    assert picture(acme.schema_name) != before
