"""A workflow of six steps that leaves traces in our database and elsewhere, and what is to be found of its runs."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.outbox import Database
from tests.support.receiver import Answer, Call
from tests.support.running import insert, step, workflow
from tests.support.station_process import PAUSE, StationProcess

NAME: Final = "six"
ROWS: Final = ("a", "b", "c")
"""What the loop goes through."""

RECORDS: Final = (*(f"each-{row}" for row in ROWS), "last")
"""The records that every run writes: the last one when all else is done."""

CALL: Final = "tell"
SLOWEST: Final = 0.2
"""Seconds that the receiver takes for an answer, at most."""

PATIENCE: Final = 600.0
"""Seconds in which all runs have to rest or be over, however many they are."""

RESTING: Final = frozenset({"succeeded", "failed", "cancelled", "unknown"})
"""States in which a run does nothing more by itself."""

RUNS: Final = "SELECT id, state FROM runs"
HELD: Final = "SELECT id FROM jobs WHERE queue = 'runs' AND node = '{node}'"


def document(url: str) -> dict[str, Any]:
    """The workflow, and a webhook ``keys`` that starts it and answers before it is done. `url`: who is told."""
    schema = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}}
    record = {"ID": "$$trigger.key$$", "Run": "$$run.id$$"}
    steps = (
        step("check", "validate", schema=schema),
        step("keep", "set", values={"rows": list(ROWS)}),
        step("each", "for_each", items="$$vars.rows$$", _steps=[_write("write", "each-$$item$$", record)]),
        step(CALL, "http_request", connection="far", method="POST", path="tell", body=record),
        step("rest", "wait", **{"for": "1s"}),
        _write("end", RECORDS[-1], record),
    )
    fields = {"Run": {"type": "string", "length": 40}, "Step": {"type": "string", "length": 40}}
    return {
        "version": 1,
        "panels": [{"name": "Courses", "fields": fields}],
        "connections": [{"name": "far", "type": "http", "url": url, "networks": ["127.0.0.0/8"]}],
        "workflows": [workflow(*steps, name=NAME, trigger={"type": "webhook"})],
        "webhooks": [
            {
                "name": "keys",
                "authentication": {"type": "none"},
                "duplicates": {"key": "header:webhook-id", "window": "7d"},
                "schema": True,
                "answer": "queued",
                "workflow": NAME,
            }
        ],
    }


def _write(name: str, told: str, record: Mapping[str, str]) -> dict[str, Any]:
    return {
        **insert(name),
        "with": {"connection": "records", "panel": "Courses", "fields": {**record, "Step": told}},
    }


@dataclass(slots=True)
class Told:
    """The other system: every run tells it once, and it takes its time."""

    runs: Counter[str] = field(default_factory=Counter)

    def answer(self, call: Call) -> Answer:
        """Write a call down."""
        self.runs[json.loads(call.body)["Run"]] += 1
        return Answer(body=b"{}", pause=random.uniform(0, SLOWEST))


async def all_rest(database: Database, *but: str) -> None:
    """Wait until every run is over, or is unknown, so that it waits for a person; and none is in a state of `but`."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if {str(state) for _, state in await database.ask(RUNS)} <= RESTING - set(but):
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - a database tells nobody


async def held(database: Database, node_id: str) -> set[str]:
    """The runs that a node has under its leases."""
    return {str(row[0]) for row in await database.ask(HELD.format(node=node_id))}


async def say_what_happened(station: StationProcess, database: Database, told: Counter[str]) -> set[str]:
    """Do as a person does: of every run whose call is unknown, look up whether it came, and say so; their ids."""
    found = {str(run) for run, state in await database.ask(RUNS) if state == "unknown"}
    for run in sorted(found):
        said = {"path": CALL, "happened": told[run] > 0, "output": {}}
        status, answer = await station.api("POST", f"/runs/{run}/resolve", said)
        assert 200 == status, answer
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it; nothing may be in any of the lists.

    `begun`: keys that have no run, or two; `states`: runs that have not succeeded; `records`: runs whose records are
    not each there once; `calls`: runs that have not called once.
    """

    runs: int
    begun: list[str]
    states: list[str]
    records: list[str]
    calls: list[str]

    @property
    def wrong(self) -> tuple[int, ...]:
        """How many there are of everything that must not be."""
        return tuple(len(one) for one in (self.begun, self.states, self.records, self.calls))


async def judge(
    keys: Iterable[str], records: Iterable[Mapping[str, Any]], told: Counter[str], database: Database
) -> Verdict:
    """Compare what there is with what has to be.

    `keys`: of every call of the webhook that was acknowledged; `records`: all that were written; `told`: how often each
    run called.
    """
    written = Counter((str(one["Run"]), str(one["Step"])) for one in records)
    key_of = {str(one["Run"]): str(one["ID"]) for one in records}
    states = {str(run): str(state) for run, state in await database.ask(RUNS)}
    begun = Counter(key_of.get(run, f"no record of {run}") for run in states)
    wanted = Counter(keys)
    expected = {(run, what): 1 for run in states for what in RECORDS}
    return Verdict(
        len(states),
        [one for one in wanted | begun if wanted[one] != begun[one]],
        [run for run, state in states.items() if state != "succeeded"],
        [
            f"{run} {what}"
            for run, what in written | expected
            if written[run, what] != expected.get((run, what), 0)
        ],
        [run for run in states | told if told[run] != (run in states)],
    )
