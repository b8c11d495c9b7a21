"""Figures: ratios of rounds that took turns, their medians and spreads, held against targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypeVar

from benchmarks.load import Result

Measured = TypeVar("Measured")
PASS: Final = "pass"
MISS: Final = "MISS"


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure should keep: at least `bound`, or at most."""

    bound: float
    at_least: bool = False

    def kept(self, value: float) -> bool:
        """Whether the figure keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {number(self.bound)}"


def at_least(bound: float) -> Target:
    """A bound from below."""
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    """A bound from above."""
    return Target(bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `low` and `high`: the spread over rounds; `unit` is empty for a ratio."""

    what: str
    value: float
    low: float
    high: float
    unit: str = ""
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """Whether it keeps its target, empty where it has none."""
        if self.target is None:
            return ""
        return PASS if self.target.kept(self.value) else MISS

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        return {**asdict(self), "verdict": self.verdict}


def figure(what: str, values: Sequence[float], unit: str = "", target: Target | None = None) -> Figure:
    """The median of several values, with their spread."""
    return Figure(what, statistics.median(values), min(values), max(values), unit, target)


def worst(what: str, values: Sequence[float], unit: str = "", target: Target | None = None) -> Figure:
    """The highest of several values, with their spread."""
    return Figure(what, max(values), min(values), max(values), unit, target)


def ratios(what: str, above: Sequence[float], below: Sequence[float], target: Target | None = None) -> Figure:
    """The ratio of values that were measured side by side, round by round."""
    return figure(what, [one / other for one, other in zip(above, below, strict=True)], "", target)


def take_turns(rounds: int, runs: Sequence[Callable[[], Measured]]) -> list[list[Measured]]:
    """Results of each run, a round at a time and every second round backwards, so that a drifting machine is fair."""
    found: list[list[Measured]] = [[] for _ in runs]
    for turn in range(rounds):
        order = range(len(runs)) if turn % 2 == 0 else reversed(range(len(runs)))
        for place in order:
            found[place].append(runs[place]())
    return found


def rates(results: Sequence[Result]) -> list[float]:
    """Answers a second, round by round."""
    return [one.rate for one in results]


def slowest(results: Sequence[Result]) -> list[float]:
    """The 99th percentile of latency in milliseconds, round by round."""
    return [one.p99 for one in results]


def number(value: float) -> str:
    """A figure with three digits that mean something."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
