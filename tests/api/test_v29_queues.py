"""Queues: each task stands in one, each has its worker, in compose and in the single process tree."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from celery import current_app
from django.db import connection

from config.celery import QUEUES, app
from contacts.validation import validate_contacts_bulk
from embedded.parts import Listening, child_environ, parts
from tests.contacts.validation_cast import make_contacts, world

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


def command_of(service):
    command = service.get("command", [])
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def queues_of(command):
    return command[command.index("--queues") + 1].split(",") if "worker" in command else []


def tasks_of_ours():
    app.loader.import_default_modules()
    return sorted(name for name in app.tasks if not name.startswith("celery."))


def queue_of(task):
    return current_app.amqp.router.route({}, task)["queue"].name


@pytest.mark.parametrize("queue", QUEUES)
def test_v29_each_queue_has_exactly_one_worker_service(services, queue):
    serving = [name for name, service in services.items() if queue in queues_of(command_of(service))]
    assert serving == [f"worker-{queue}"]


def test_v29_no_worker_serves_a_queue_that_nothing_is_put_into(services):
    served = {queue for service in services.values() for queue in queues_of(command_of(service))}
    assert served == set(QUEUES)


def test_v29_beat_and_flower_are_there(services):
    assert "beat" in command_of(services["beat"])
    assert "flower" in command_of(services["flower"])


def test_v29_each_task_stands_in_a_queue_that_is_served():
    routed = {task: queue_of(task) for task in tasks_of_ours()}
    assert set(routed.values()) <= set(QUEUES)
    assert routed["outbound.send_message"] == "campaigns"
    assert routed["campaigns.plan"] == "campaigns"
    assert routed["contacts.validation.run"] == "validation"
    assert routed["contacts.validation.fold_counts"] == "validation"
    assert routed["contacts.run_import"] == "default"
    assert routed["outbound.build_deeds"] == "default"
    assert routed["tenants.tick"] == "default"


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if queue != "default"])
def test_v29_the_first_word_of_a_tasks_name_leads_to_its_queue(queue):
    prefix = "contacts.validation" if queue == "validation" else queue
    assert queue_of(f"{prefix}.anything") == queue


def test_v29_what_has_no_route_is_done_by_the_default_worker():
    assert queue_of("somewhere.anything") == "default"


def test_v29_the_periodic_task_is_routed_to_a_served_queue():
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["queue"] in QUEUES
        assert entry["task"] in tasks_of_ours()


def test_v29_one_process_tree_without_containers_serves_all_queues(tmp_path):
    workers = [child for child in parts(Listening(), data_dir=tmp_path) if child.name.startswith("worker")]
    assert sorted(queue for child in workers for queue in queues_of(list(child.argv))) == sorted(QUEUES)


@pytest.mark.slow
def test_v29_the_worker_of_the_queue_validation_checks_contacts(live_tenant, services, tmp_path):
    make_contacts(["ana@good.example", "bob@null.example"])
    run = validate_contacts_bulk().run
    argv = command_of(services["worker-validation"])
    database = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    with world() as dns_server:
        environ = child_environ(tmp_path) | {"DATABASE_URL": database, "DNS_RESOLVERS": dns_server.address}
        worker = subprocess.Popen([sys.executable, "-m", *argv], env=environ, cwd=COMPOSE.parent)
        try:
            deadline = time.monotonic() + 60
            while run.state != "finished":
                assert time.monotonic() < deadline
                assert worker.poll() is None
                time.sleep(0.1)
                run.refresh_from_db()
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
    assert (run.checked, run.valid, run.invalid) == (2, 1, 1)
