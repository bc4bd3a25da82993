"""PostgreSQL ends underneath a serving installation and is started again: everything goes on by itself.

One `manage.py serve` for all tests here. Nothing looks into its processes: what is asked is asked at the public doors,
of the mail server, of the customer's endpoint, and of PostgreSQL itself.
"""

import http.client
import json
import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from embedded.postgres import Postgres
from embedded.services import DATABASE
from tests.embedded.installation import Installation, MailServer, until
from tests.embedded.test_single_mail import Customer, Receiver

_ERRANDS = 8  # threads of worker-default
_LONG = 60.0
_ENDS = {"killed": signal.SIGKILL, "told to stop": signal.SIGINT}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
how_it_ends = pytest.mark.parametrize("how", _ENDS)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    hooks = Receiver()
    limits = {f"API_LIMIT_{name}": "0" for name in ("PER_KEY", "PER_TENANT", "PER_USER", "GLOBAL", "AEGIS")}
    environ = {"OUTGOING_ALLOW_PRIVATE": "1", "ENGINE_RETRY_SECONDS": "1", "LOG_LEVEL": "WARNING", **limits}
    with MailServer() as mail, Installation(tmp_path_factory.mktemp("site"), environ) as site:
        host = ("--host", "127.0.0.1", "--port", str(mail.port), "--tls", "none", "--connections", "4")
        site.manage("create_tenant", "acme", "--name", "Acme", "--host", "acme.localhost", "--plan", "pro")
        commands = [
            ("create_provider", "--tenant", "acme", "--name", "Relay", *host),
            ("create_sending_domain", "acme.example", "--tenant", "acme"),
            ("create_api_key", "--tenant", "acme", "--name", "shop"),
            ("create_api_key", "--tenant", "acme", "--name", "operator", "--admin"),
        ]
        with ThreadPoolExecutor(4) as together:
            *_, key, admin = together.map(lambda command: site.manage(*command), commands)
        yield Customer(site, mail, hooks, key["key"], admin["key"])
    hooks.shutdown()
    hooks.server_close()


@how_it_ends
def test_single_mail_that_is_under_way_reaches_everybody_once_and_nobody_is_left_in_doubt(
    acme: Customer, how: str
) -> None:
    """The sender lives and remembers every reply, so there is nothing that it would not know."""
    people = [f"{how.replace(' ', '-')}{number}@there.example" for number in range(150)]
    acme.mail.pause = 1.0
    with ThreadPoolExecutor(8) as together:
        names = list(together.map(lambda person: acme.sent("relay", person), people))
    until(lambda: len(_arrived(acme, people)) > 20)
    end_postgres(acme.site, how)
    assert len(_arrived(acme, people)) < len(people), "it ended in the middle"
    acme.mail.pause = 0.0
    until(lambda: len(_arrived(acme, people)) == len(people), seconds=_LONG)
    until(lambda: acme.site.manage("queue", "status")["batches"] == [], seconds=_LONG)
    assert set(_arrived(acme, people).values()) == {1}
    with ThreadPoolExecutor(4) as together:
        words = Counter(together.map(acme.words, names))
    assert words == {("sent", "sent", "sent"): len(people)}
    assert acme.site.manage("queue", "status")["waiting"] == []


@how_it_ends
def test_what_is_taken_while_the_database_goes_away_is_kept(acme: Customer, how: str) -> None:
    """Whoever is not told 202 is told to come again, and whoever is told 202 gets the mail."""
    people = [f"kept-{how.replace(' ', '-')}{number}@there.example" for number in range(200)]
    with ThreadPoolExecutor(9) as together:
        ending = None
        posted = []
        for number, person in enumerate(people):
            posted.append((person, together.submit(acme.send, "relay", person)))
            if number == 100:
                ending = together.submit(end_postgres, acme.site, how)
        assert ending is not None
        ending.result()
        answers = {person: answer.result() for person, answer in posted}
    promised = {person for person, answer in answers.items() if answer.status == 202}
    others = [answer for answer in answers.values() if answer.status != 202]
    assert {answer.status for answer in others} <= {503}, [answer.body for answer in others if answer.status != 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in others)
    until(lambda: promised <= set(_arrived(acme, people)), seconds=_LONG)
    assert set(_arrived(acme, people).values()) == {1}


def test_every_thread_of_the_errands_worker_has_a_living_connection_again(acme: Customer) -> None:
    with all_errands_at_work(acme.site) as before:
        assert len(before) == _ERRANDS
        end_postgres(acme.site, "killed")
    with all_errands_at_work(acme.site) as after:
        assert len(after) == _ERRANDS
    until(lambda: acme.site.manage("doctor")["healthy"], seconds=_LONG)


@how_it_ends
def test_afterwards_imports_run_campaigns_go_out_and_endpoints_are_told(acme: Customer, how: str) -> None:
    """Each goes through a Celery worker; the endpoint was made, and told, before."""
    tag = how.replace(" ", "_")
    if how == "killed":
        made = acme.site.call("POST", "/api/v2/endpoints", key=acme.key, body={"url": _url_of(acme.hooks)})
        assert made.status == 201, made.body
    _is_told(acme, f"before-{tag}@there.example")

    end_postgres(acme.site, how)

    people = {f"{tag}-{number}@there.example" for number in range(20)}
    tenant = _import(acme, people, tag)
    campaign = _send_campaign(acme, tag)
    until(lambda: people <= {one.recipient for one in acme.mail.taken}, seconds=_LONG)
    path = f"/api/v2/campaigns/{tenant}/{campaign}"
    until(lambda: acme.site.call("GET", path, key=acme.key).json()["status"] == "sent", seconds=_LONG)
    assert set(_arrived(acme, people).values()) == {1}
    _is_told(acme, f"after-{tag}@there.example")


def test_nothing_is_in_hand_at_the_end_and_it_drains(acme: Customer) -> None:
    until(lambda: acme.site.manage("queue", "status")["waiting"] == [], seconds=_LONG)
    outcomes = acme.site.manage("queue", "logs", "1000")["outcomes"]
    assert {line["state"] for line in outcomes} == {"sent"}
    assert acme.site.manage("doctor")["healthy"] is True
    assert acme.site.stop() == 0


def end_postgres(site: Installation, how: str) -> None:
    """And wait until the supervisor has started it again."""
    ended = _postmaster(site)
    os.kill(ended, _ENDS[how])
    until(lambda: _postmaster(site) not in (0, ended) and _answers(site), seconds=_LONG)


@contextmanager
def all_errands_at_work(site: Installation) -> Iterator[set[int]]:
    """Hold a table that the tick and the look for news need, until each thread stands in its own connection and waits.

    Gives the processes of those connections.
    """
    url = Postgres(site.data).url(DATABASE)
    with closing(psycopg.connect(url)) as held, psycopg.connect(url, autocommit=True) as watching:
        held.execute("LOCK TABLE public.tenants_duework IN ACCESS EXCLUSIVE MODE")
        waiting = until(lambda: _who_waits(watching, at_least=_ERRANDS), seconds=_LONG)
        yield waiting


def _who_waits(watching: psycopg.Connection[Any], *, at_least: int) -> set[int]:
    rows = watching.execute(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        " AND query LIKE '%tenants_duework%'"
    ).fetchall()
    found = {pid for (pid,) in rows}
    return found if len(found) >= at_least else set()


def _postmaster(site: Installation) -> int:
    """0 while there is none."""
    try:
        return int((site.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0] or 0)
    except FileNotFoundError:
        return 0


def _answers(site: Installation) -> bool:
    try:
        with psycopg.connect(Postgres(site.data).url(DATABASE)):
            return True
    except psycopg.OperationalError:
        return False


def _arrived(acme: Customer, people: Any) -> Counter[str]:
    wanted = set(people)
    return Counter(one.recipient for one in acme.mail.taken if one.recipient in wanted)


def _is_told(acme: Customer, person: str) -> None:
    name = acme.sent("aegis", person)
    until(lambda: acme.mail.of(person), seconds=_LONG)
    (notice,) = until(lambda: acme.hooks.of(name, "message.sent"), seconds=_LONG)
    assert notice["data"]["recipient"] == person


def _import(acme: Customer, people: set[str], tag: str) -> int:
    """Upload them with a tag, and have them imported. Returns the tenant's id."""
    content = "email,first_name\n" + "".join(f"{person},Ann\n" for person in sorted(people))
    run = _upload(acme, content.encode(), tags=json.dumps([tag]))
    path = f"/api/v2/imports/{run['tenant_id']}/{run['id']}"
    begun = acme.site.call("POST", f"{path}/run", key=acme.key, body={})
    assert begun.status in (200, 202), begun.body
    until(lambda: acme.site.call("GET", path, key=acme.key).json()["state"] == "finished", seconds=_LONG)
    return int(run["tenant_id"])


def _upload(acme: Customer, content: bytes, **fields: str) -> dict[str, Any]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
    connection = http.client.HTTPConnection("127.0.0.1", acme.site.port, timeout=30)
    try:
        kind = f"multipart/form-data; boundary={boundary}"
        headers = {"Host": "localhost", "X-API-Key": acme.key, "Content-Type": kind}
        connection.request("POST", "/api/v2/imports", body, headers)
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    assert answer.status == 201, told
    found: dict[str, Any] = json.loads(told)
    return found


def _send_campaign(acme: Customer, tag: str) -> int:
    html = '<p>Hello {{ first_name }}</p><a href="{{ unsubscribe_url }}">Leave</a>'
    template = {"name": f"News {tag}", "subject": "News", "html": html}
    made = acme.site.call("POST", "/api/v2/templates", key=acme.key, body=template)
    assert made.status == 201, made.body
    order = {"name": tag, "template_id": made.json()["id"], "tags_all": [tag], "from": "Acme <news@acme.example>"}
    campaign = acme.site.call("POST", "/api/v2/campaigns", key=acme.key, body=order)
    assert campaign.status == 201, campaign.body
    told = campaign.json()
    sent = acme.site.call("POST", f"/api/v2/campaigns/{told['tenant_id']}/{told['id']}/send", key=acme.key, body={})
    assert sent.status in (200, 202), sent.body
    return int(told["id"])


def _url_of(hooks: Receiver) -> str:
    return f"http://127.0.0.1:{hooks.server_address[1]}/mail"
