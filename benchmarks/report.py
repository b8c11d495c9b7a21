"""The report: a table for people, a document for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime

from benchmarks.bench import Amounts
from benchmarks.measures import MISS, Figure, number

HEADINGS = ("scenario", "what", "median", "spread", "target", "")


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, when, with what, on what. `syncs`: microseconds of ``fdatasync`` before each scenario."""

    began: datetime
    driver: str
    amounts: Amounts
    machine: dict[str, str | int]
    syncs: list[float] = field(default_factory=list)
    figures: dict[str, list[Figure]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "began": self.began.isoformat(timespec="seconds"),
            "driver": self.driver,
            "amounts": asdict(self.amounts),
            "machine": self.machine,
            "fdatasync_us": self.syncs,
            "figures": {name: [one.as_json() for one in found] for name, found in self.figures.items()},
        }


def render(report: Report) -> str:
    """The table, with what it was measured on above it and the misses counted below."""
    rows = [HEADINGS, *(_row(name, one) for name, found in report.figures.items() for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join([*_head(report), "", *(f"| {line} |" for line in lines), "", _tally(report)])


def _row(scenario: str, one: Figure) -> tuple[str, ...]:
    unit = f" {one.unit}" if one.unit else ""
    spread = "" if one.low == one.high else f"{number(one.low)}-{number(one.high)}"
    target = f"{one.target}{unit}" if one.target else ""
    return (scenario, one.what, f"{number(one.value)}{unit}", spread, target, one.verdict)


def _head(report: Report) -> list[str]:
    machine, amounts = report.machine, report.amounts
    return [
        f"{report.began:%Y-%m-%d %H:%M} UTC, {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}",
        f"{machine['file_system']}, fdatasync {number(min(report.syncs))}-{number(max(report.syncs))} µs; "
        f"{report.driver}, {amounts.connections} connections, {amounts.rounds} rounds of {amounts.seconds:g} s each",
    ]


def _tally(report: Report) -> str:
    verdicts = [one.verdict for found in report.figures.values() for one in found if one.verdict]
    return f"{len(verdicts) - verdicts.count(MISS)} of {len(verdicts)} targets kept."
