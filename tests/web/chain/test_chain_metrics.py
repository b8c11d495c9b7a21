"""Prometheus metrics of runs, polls and schedules."""

from __future__ import annotations

from typing import Final

from prometheus_client.core import Metric

from hookstation.core.workflows.values import RunState
from hookstation.engine.chain.counts import ChainCounts
from hookstation.ports.runs import RunFigures
from hookstation.web import chain_metrics

SECOND: Final = 1_000_000


def samples(counts: ChainCounts, *figures: RunFigures) -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    found: list[Metric] = [*chain_metrics.collect(counts, figures)]
    return {(one.name, *one.labels.values()): one.value for metric in found for one in metric.samples}


def test_nothing_is_told_of_what_never_happened() -> None:
    assert {} == samples(ChainCounts())


def test_runs_are_told_by_workflow_and_state_open_ones_of_the_whole_station() -> None:
    counts = ChainCounts()
    for state in (RunState.SUCCEEDED, RunState.SUCCEEDED, RunState.FAILED):
        counts.ended("courses", state)
    figures = RunFigures("courses", {RunState.WAITING: 7, RunState.SUCCEEDED: 2})
    expected = {
        ("hookstation_runs_ended_total", "courses", "succeeded"): 2,
        ("hookstation_runs_ended_total", "courses", "failed"): 1,
        ("hookstation_runs_open", "courses", "waiting"): 7,
    }
    assert expected == samples(counts, figures)


def test_turns_of_polls_are_told_by_what_they_brought() -> None:
    counts = ChainCounts()
    for accepted, error in ((3, ""), (4, ""), (0, ""), (0, "offline")):
        counts.looked(accepted, error)
    expected = {
        ("hookstation_poll_turns_total", "new"): 2,
        ("hookstation_poll_turns_total", "nothing"): 1,
        ("hookstation_poll_turns_total", "failed"): 1,
        ("hookstation_poll_items_total",): 7,
    }
    assert expected == samples(counts)


def test_the_lateness_of_schedules_is_a_histogram_that_knows_no_earliness() -> None:
    counts = ChainCounts()
    for late in (-SECOND, SECOND // 10, 90 * SECOND):
        counts.fired(late)
    found = samples(counts)
    name = "hookstation_schedule_late_seconds"
    assert [1, 2, 2, 3] == [found[f"{name}_bucket", bound] for bound in ("0.01", "0.1", "60", "+Inf")]
    assert (3, 90.1) == (found[f"{name}_count",], found[f"{name}_sum",])
