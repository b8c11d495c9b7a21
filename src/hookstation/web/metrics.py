"""Prometheus metrics, rendered from the counters of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hookstation.core.tallies import BUCKETS
from hookstation.engine.outgoing.figures import Standing
from hookstation.errors import StoreError
from hookstation.ports.runs import RunFigures
from hookstation.web import chain_metrics, delivery_metrics
from hookstation.web.services import Services

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST


class _Collector:
    def __init__(
        self,
        services: Services,
        held: Mapping[str, int],
        findings: Mapping[str, int],
        standings: Sequence[Standing],
        runs: Sequence[RunFigures],
    ) -> None:
        self._services, self._held, self._findings = services, held, findings
        self._standings, self._runs = standings, runs

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
        yield self._durations()
        waiting = GaugeMetricFamily(
            "hookstation_events_held",
            "Events of the whole station that wait for their target.",
            labels=["webhook"],
        )
        for webhook, count in self._held.items():
            waiting.add_metric([webhook], count)
        yield waiting
        noticed = GaugeMetricFamily(
            "hookstation_findings_open",
            "What is not as usual now, and nobody has dismissed.",
            labels=["kind"],
        )
        for kind, count in self._findings.items():
            noticed.add_metric([kind], count)
        yield noticed
        yield from delivery_metrics.collect(self._services.outgoing.counts, self._standings)
        yield from chain_metrics.collect(self._services.chain.counts, self._runs)

    def _durations(self) -> Metric:
        counts, seconds = self._services.ingest.counts.durations
        bounds = [*(f"{bound / 1e6:g}" for bound in BUCKETS), "+Inf"]
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        return HistogramMetricFamily(
            "hookstation_answer_seconds", "How long answers took.", buckets=buckets, sum_value=seconds
        )


async def render(services: Services) -> bytes:
    """The text of ``/metrics``. What is asked of the database is left out where that does not answer."""
    held: Mapping[str, int] = {}
    findings: Mapping[str, int] = {}
    standings: Sequence[Standing] = ()
    runs: Sequence[RunFigures] = ()
    with suppress(StoreError):
        held, findings = await services.glance.vitals()
        standings = await services.outgoing.figures.all()
        runs = await services.store.figures_of_runs(services.clock.now())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(services, held, findings, standings, runs))
    return generate_latest(registry)
