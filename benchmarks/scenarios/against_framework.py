"""The station beside the application that a good developer would write in an afternoon."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measures import Figure, at_least, figure, rates, ratios, slowest
from benchmarks.servers import running
from benchmarks.workload import TOKEN

REFERENCE = ("-m", "benchmarks.reference_app")


def against_framework(bench: Bench) -> list[Figure]:
    """Full work beside FastAPI + SQLAlchemy + jsonschema doing the same on SQLite (WAL, synchronous=FULL)."""
    folder = bench.station("framework-station")
    database = bench.folder / "reference.db"
    environment = {"REFERENCE_DATABASE": str(database), "REFERENCE_TOKEN": TOKEN}
    log = bench.folder / "reference.log"
    with (
        running(REFERENCE, log, bench.cores.server, environment) as reference,
        folder.serve() as station,
    ):
        theirs, ours = bench.compare(reference.calls(["/hooks/bench"]), bench.webhook(folder, station))
    return [
        ratios("requests/s, station ÷ framework", rates(ours), rates(theirs), at_least(25)),
        figure("station", rates(ours), "requests/s"),
        figure("framework", rates(theirs), "requests/s"),
        figure("framework, p99", slowest(theirs), "ms"),
    ]
