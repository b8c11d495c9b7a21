"""What Prometheus is told of deliveries and destinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from hookstation.engine.outgoing.counts import BOUNDS, DeliveryCounts
from hookstation.engine.outgoing.figures import Standing

WORDS: Final = ("active", "paused", "disabled", "slowed", "open", "gone", "given_up")


def collect(counts: DeliveryCounts, standings: Sequence[Standing]) -> Iterator[Metric]:
    """The metrics of this moment: attempts of this process, destinations of the whole station."""
    attempts = CounterMetricFamily(
        "hookstation_delivery_attempts",
        "Attempts of deliveries by how they ended.",
        labels=["end", "destination"],
    )
    for (destination, end), count in counts.ends.items():
        attempts.add_metric([end, destination], count)
    yield attempts
    if counts.ends:
        buckets, seconds = counts.durations
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "hookstation_delivery_seconds",
            "How long attempts took.",
            buckets=list(zip(bounds, accumulate(buckets), strict=True)),
            sum_value=seconds,
        )
    waiting = GaugeMetricFamily(
        "hookstation_deliveries_waiting",
        "Deliveries of the whole station on their way, counted up to 10,000 a destination.",
        labels=["destination"],
    )
    stands = GaugeMetricFamily(
        "hookstation_destination_state",
        "How destinations stand: 1 for the state that is.",
        labels=["destination", "state"],
    )
    for one in standings:
        waiting.add_metric([one.destination.name], one.waiting)
        for word in WORDS:
            stands.add_metric([one.destination.name, word], int(word == one.word))
    yield waiting
    yield stands
