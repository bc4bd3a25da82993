"""`/metrics`: the figures of all processes, and of the servers beneath, as Prometheus reads them (text format 0.0.4)."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.health.figures import domains, due_work, redis_is_up
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

    def collect(self) -> Iterator[GaugeMetricFamily]:
        due, waiting, found = due_work(), queue_depths(), domains.figures()
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
        if found is not None:
            yield _gauge("sending_domains", "Sending domains of all tenants.", found["total"])


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=float(value))
