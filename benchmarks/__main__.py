"""``python -m benchmarks``: every figure of docs/performance.md, measured here and now.

python -m benchmarks                              all scenarios, as `make bench` does
python -m benchmarks --smoke                      the same with tiny counts: does it run?
python -m benchmarks --only against-echo --seconds 3 --rounds 3
python -m benchmarks profile --out profile.txt    where the time of a call goes
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.bench import SMOKE, Amounts, Bench, tell
from benchmarks.load import LoadFailed, choose_driver
from benchmarks.machine import choose_cores, describe, pin, scratch, sync_time
from benchmarks.profiling import profile
from benchmarks.report import Report, render
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import ServerFailed

COUNTS: Final = (
    "seconds",
    "rounds",
    "connections",
    "events",
    "webhooks",
    "deliveries",
    "waiting",
    "runs",
    "rows",
)
"""Amounts that the command line may say."""


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("command", nargs="?", choices=["run", "profile"], default="run", help="run (the default), or profile")
    add("--smoke", action="store_true", help="tiny counts: only proves that everything runs")
    add(
        "--only",
        action="append",
        choices=sorted(SCENARIOS),
        metavar="NAME",
        help=f"one of {', '.join(SCENARIOS)}",
    )
    add("--seconds", type=float, help="seconds of a round; wrk takes whole ones")
    add("--rounds", type=int, help="rounds that take turns")
    add("--connections", type=int, help="connections of the load generator")
    add("--events", type=int, help="events to load into the journal")
    add("--webhooks", type=int, help="webhooks to define")
    add("--deliveries", type=int, help="deliveries to send in a round")
    add("--waiting", type=int, help="deliveries that wait")
    add("--runs", type=int, help="runs of workflows to do in a round")
    add("--rows", type=int, help="rows that a transfer moves")
    add("--driver", choices=["auto", "wrk", "python"], default="auto", help="the load generator")
    add(
        "--folder",
        type=Path,
        help="where the scratch folder is made; it should lie on the disk that is meant",
    )
    add("--json", action="store_true", help="one JSON document on stdout instead of the table")
    add("--out", type=Path, default=Path("profile.txt"), help="the file that `profile` writes")
    return parser


def amounts(asked: argparse.Namespace) -> Amounts:
    """How much to do: the smoke or the full amounts, with what was asked for on top."""
    given = {name: getattr(asked, name) for name in COUNTS}
    return replace(
        SMOKE if asked.smoke else Amounts(),
        **{name: value for name, value in given.items() if value is not None},
    )


def measure(bench: Bench, names: list[str]) -> Report:
    """Run the scenarios."""
    report = Report(datetime.now(UTC), bench.driver.name, bench.amounts, describe(bench.folder))
    for name in names:
        scenario = SCENARIOS[name]
        tell(f"{name}: {(scenario.__doc__ or '').strip().splitlines()[0]}")
        report.syncs.append(sync_time(bench.folder))
        report.figures[name] = scenario(bench)
    return report


def main() -> None:
    """Measure, and print the table on stdout."""
    asked = options().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and folders go
    cores = choose_cores()
    pin(cores.load)
    try:
        driver = choose_driver(asked.driver, asked.smoke)
        with scratch(asked.folder) as folder:
            bench = Bench(driver, cores, folder, amounts(asked))
            if asked.command == "profile":
                asked.out.write_text(profile(bench))
                tell(f"Written: {asked.out}")
                return
            report = measure(bench, asked.only or list(SCENARIOS))
    except (LoadFailed, ServerFailed) as failure:
        raise SystemExit(f"error: {failure}") from failure
    print(json.dumps(report.as_json(), indent=2) if asked.json else render(report))


if __name__ == "__main__":
    main()
