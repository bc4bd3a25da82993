"""The Celery app: queues, routes and the periodic tasks.

PostgreSQL is the truth and Redis may lose everything, so no task is needed for correctness: `tick` finds
what is due in the database every few seconds and starts it again.
"""

import os

from celery.signals import setup_logging, task_prerun
from django.db import close_old_connections
from tenant_schemas_celery.app import CeleryApp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUEUES = ("default", "campaigns", "validation", "mailwizz", "warmup")

app = CeleryApp("lettershop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_default_queue="default",
    task_routes={
        "outbound.build_deeds": {"queue": "default"},  # reading, which must not keep campaigns waiting
        "outbound.*": {"queue": "campaigns"},
        "campaigns.*": {"queue": "campaigns"},
        "contacts.validation.*": {"queue": "validation"},
        "mailwizz.*": {"queue": "mailwizz"},
        "warmup.*": {"queue": "warmup"},
    },
    task_ignore_result=True,
    task_acks_late=False,
    task_tenant_cache_seconds=30,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    beat_schedule={
        "tick": {"task": "tenants.tick", "schedule": 2.0, "options": {"queue": "default", "expires": 10}},
        "news": {"task": "callbacks.look", "schedule": 1.0, "options": {"queue": "default", "expires": 3}},
    },
)
# Celery closes the database connection around every task unless told otherwise: half the speed.
app.conf.CELERY_DB_REUSE_MAX = 1000
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Django's LOGGING already set handlers up; Celery must not replace them."""


@task_prerun.connect
def _replace_dead_connections(**_: object) -> None:
    """A thread's connection that was lost with the database would be of no use to any later task."""
    close_old_connections()
