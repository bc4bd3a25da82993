"""`/metrics`: the figures of all processes, and of the servers beneath, as Prometheus reads them (text format 0.0.4)."""

from collections.abc import Iterator
from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.health.census import Counted, census
from api.health.figures import due_work, redis_is_up
from api.health.machine import cpu_seconds, load, memory
from api.health.probes import queue_depths
from api.health.watchers import is_trusted, refusal
from common.metrics import CONTENT_TYPE, exposition


def metrics(request: HttpRequest) -> HttpResponse:
    """For this machine, or with METRICS_TOKEN: these are figures of all tenants together."""
    if not is_trusted(request):
        return refusal()
    return HttpResponse(exposition(_Servers()), content_type=CONTENT_TYPE)


class _Servers(Collector):
    """Looked at when somebody asks; a figure that cannot be had just now is left out."""

    def collect(self) -> Iterator[Metric]:
        due, waiting, counted = due_work(), queue_depths(), census.counted()
        yield _gauge("database_up", "1 when the database answers.", due is not None)
        yield _gauge("redis_up", "1 when Redis answers.", redis_is_up())
        yield _gauge("broker_up", "1 when the queue can be read.", waiting is not None)
        if due is not None:
            yield _gauge("due_work", "Work that must be looked at again.", due[0])
            yield _gauge("due_work_overdue", "Of it, what is overdue by a minute: nobody starts it.", due[1])
            yield _gauge("due_work_oldest_seconds", "How long the oldest has been due.", due[2])
        if waiting is not None:
            depth = GaugeMetricFamily("queue_waiting_tasks", "Tasks that wait for a worker.", labels=["queue"])
            for name, count in waiting.items():
                depth.add_metric([name], count)
            yield depth
        if counted is not None:
            yield from _counted(counted)
        yield from _machine()


def _counted(counted: Counted) -> Iterator[Metric]:
    domains, today, wait = counted.domains, counted.today, counted.waiting
    yield _gauge("sending_domains", "Sending domains of all tenants.", domains.total)
    yield _gauge("sending_domains_signing", "Of them, those whose mail is signed with DKIM.", domains.signing)
    mail = GaugeMetricFamily(
        "emails_today", "Recipients since midnight (UTC), by what became of them.", labels=["status"]
    )
    for status, count in asdict(today).items():
        mail.add_metric([status], count)
    yield mail
    yield _gauge("emails_queued", "Recipients of single messages that wait and are due.", wait.due)
    yield _gauge("emails_scheduled", "Recipients of single messages whose time has not come.", wait.later)


def _machine() -> Iterator[Metric]:
    """Of the machine: whichever process is asked, the answer is the same."""
    total, available = memory()
    yield _gauge("system_memory_bytes", "Memory of this machine.", total)
    yield _gauge("system_memory_available_bytes", "Of it, what could be had without swapping.", available)
    yield _gauge("system_load1", "Processes that run or want to, over the last minute.", load())
    yield CounterMetricFamily(
        "system_cpu_seconds", "Time that this machine's processors were busy.", value=cpu_seconds()
    )


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=float(value))
