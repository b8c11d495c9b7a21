"""A workflow of six steps that leaves traces in our database and elsewhere, and what is to be found of its runs."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.outbox import Database
from tests.support.receiver import Answer, Call
from tests.support.running import insert, step, workflow
from tests.support.station_process import PAUSE

NAME: Final = "six"
ROWS: Final = ("a", "b", "c")
"""What the loop goes through."""

BEFORE: Final = tuple(f"each-{row}" for row in ROWS)
"""The records that every run writes before it calls."""

AFTER: Final = "last"
"""The record that it writes when all is done."""

CALL: Final = "tell"
SLOWEST: Final = 0.2
"""Seconds that the receiver takes for an answer, at most."""

PATIENCE: Final = 600.0
"""Seconds in which all runs have to rest or be over, however many they are."""

OPEN: Final = "SELECT count(*) FROM runs WHERE state IN ('queued', 'running', 'waiting')"
RUNS: Final = "SELECT id, state FROM runs"
TRIES: Final = "SELECT run_id, path, state FROM run_entries"
HELD: Final = "SELECT id FROM jobs WHERE queue = 'runs' AND node = '{node}'"

CALLING: Final = ("started", "unknown", "done")
"""How the entry of a call can stand that was made, or may have been."""


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
        _write("end", AFTER, record),
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


async def all_rest(database: Database) -> None:
    """Wait until every run is over, or waits for a person who says what is not known."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if not (await database.ask(OPEN))[0][0]:
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - a database tells nobody


async def held(database: Database, node_id: str) -> set[str]:
    """The runs that a node has under its leases."""
    return {str(row[0]) for row in await database.ask(HELD.format(node=node_id))}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it; of all lists nothing may be there.

    `begun`: keys that have no run, or two; `states`: runs that neither succeeded nor are unknown; `records`: runs whose
    records are not each there once, the last one only where the run succeeded; `calls`: runs that called twice, or not
    at all and say they did; `unexplained`: unknown runs that no kill had in its hands.  `unknown`: runs whose call may
    have had its effect, `told` how many of them did.
    """

    runs: int
    unknown: int
    told: int
    begun: list[str]
    states: list[str]
    records: list[str]
    calls: list[str]
    unexplained: list[str]

    @property
    def wrong(self) -> tuple[int, ...]:
        """How many there are of everything that must not be."""
        found = (self.begun, self.states, self.records, self.calls, self.unexplained)
        return tuple(len(one) for one in found)


async def judge(
    keys: Iterable[str],
    records: Iterable[Mapping[str, Any]],
    told: Counter[str],
    database: Database,
    killed: Collection[str],
) -> Verdict:
    """Compare what there is with what has to be.

    `keys`: of every call of the webhook that was acknowledged; `records`: all that were written; `told`: how often each
    run called; `killed`: the runs that a node held when it was killed.
    """
    written = Counter((str(one["Run"]), str(one["Step"])) for one in records)
    key_of = {str(one["Run"]): str(one["ID"]) for one in records}
    states = {str(run): str(state) for run, state in await database.ask(RUNS)}
    calls = {str(run): str(state) for run, path, state in await database.ask(TRIES) if path == CALL}
    unknown = {run for run, state in states.items() if state == "unknown"}
    begun = Counter(key_of.get(run, f"no record of {run}") for run in states)
    wanted = Counter(keys)
    return Verdict(
        len(states),
        len(unknown),
        sum(told[run] for run in unknown),
        [one for one in wanted | begun if wanted[one] != begun[one]],
        [run for run, state in states.items() if state not in ("succeeded", "unknown")],
        [run for run in states if not _is_written(run, run in unknown, written)]
        + [f"{run} {what}" for run, what in written if what not in (*BEFORE, AFTER)],
        [
            run
            for run in states
            if not (run in unknown and calls[run] == "unknown" and not told[run]) and told[run] != 1
        ],
        sorted(unknown - set(killed)),
    )


def _is_written(run: str, is_unknown: bool, written: Counter[tuple[str, str]]) -> bool:
    return [1] * len(BEFORE) + [int(not is_unknown)] == [written[run, what] for what in (*BEFORE, AFTER)]
