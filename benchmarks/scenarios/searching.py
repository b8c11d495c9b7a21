"""The index of words beside none: the same webhook with search switched on and off, in turns."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.machine import processor_time
from benchmarks.measures import Figure, figure, rates, ratios, slowest


def searching(bench: Bench) -> list[Figure]:
    """Calls to a webhook whose payloads can be searched, beside the same one whose payloads cannot."""
    found, unfound = bench.station("searched-station"), bench.station("unsearched-station")
    unfound.define(["bench"], search=False)
    with found.serve() as one, unfound.serve() as other:
        used = [processor_time(one.process), processor_time(other.process)]
        on, off = bench.compare(bench.webhook(found, one), bench.webhook(unfound, other))
        used = [processor_time(one.process) - used[0], processor_time(other.process) - used[1]]
    calls = [sum(result.requests for result in results) for results in (on, off)]
    return [
        ratios("requests/s, search on ÷ off", rates(on), rates(off)),
        ratios("p99, search on ÷ off", slowest(on), slowest(off)),
        figure("processor time a call, on", [used[0] * 1e6 / max(calls[0], 1)], "µs"),
        figure("processor time a call, off", [used[1] * 1e6 / max(calls[1], 1)], "µs"),
        figure("requests/s, search on", rates(on), "requests/s"),
    ]
