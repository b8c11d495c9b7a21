"""Prometheus metrics, rendered from the counters of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hookstation.web.services import Services

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST


class _Collector:
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        calls = CounterMetricFamily(
            "hookstation_calls", "Calls of inbound webhooks by how they ended.", labels=["end", "webhook"]
        )
        for (name, webhook), count in self._services.counters.snapshot().items():
            calls.add_metric([name, webhook], count)
        yield calls
        in_flight = GaugeMetricFamily("hookstation_calls_in_flight", "Calls at work now.")
        in_flight.add_metric([], self._services.ingest.in_flight)
        yield in_flight
        lost = CounterMetricFamily(
            "hookstation_rejections_not_journalled", "Rejected calls that the journal could not take."
        )
        lost.add_metric([], self._services.store.noted_lost)
        yield lost


def render(services: Services) -> bytes:
    """The text of ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(services))
    return generate_latest(registry)
