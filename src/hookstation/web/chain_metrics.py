"""What Prometheus is told of runs, polls and schedules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from hookstation.core.workflows.values import ENDED
from hookstation.engine.chain.counts import BOUNDS, ChainCounts
from hookstation.ports.runs import RunFigures


def collect(counts: ChainCounts, figures: Sequence[RunFigures]) -> Iterator[Metric]:
    """The metrics of this moment: ends, turns and fires of this process, open runs of the whole station."""
    ended = CounterMetricFamily(
        "hookstation_runs_ended",
        "Runs of workflows that ended in this process.",
        labels=["workflow", "state"],
    )
    for (workflow, state), count in counts.runs.items():
        ended.add_metric([workflow, state], count)
    yield ended
    standing = GaugeMetricFamily(
        "hookstation_runs_open",
        "Runs of workflows of the whole station that have not ended, each counted up to 10,000.",
        labels=["workflow", "state"],
    )
    for one in figures:
        for state, count in one.states.items():
            if state not in ENDED:
                standing.add_metric([one.workflow, state.value], count)
    yield standing
    turns = CounterMetricFamily(
        "hookstation_poll_turns", "Turns of polls by what they brought.", labels=["end"]
    )
    for end, count in counts.turns.items():
        turns.add_metric([end], count)
    yield turns
    if counts.turns:
        items = CounterMetricFamily("hookstation_poll_items", "Items of polls that were new.")
        items.add_metric([], counts.items)
        yield items
    buckets, seconds = counts.lateness
    if any(buckets):
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "hookstation_schedule_late_seconds",
            "How long after their time schedules fired.",
            buckets=list(zip(bounds, accumulate(buckets), strict=True)),
            sum_value=seconds,
        )
