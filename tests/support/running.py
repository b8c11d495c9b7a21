"""A bench for runs of workflows: a store, what is configured, and one worker whose time a test moves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.adapters.vault import AesVault
from hookstation.connectors.records import RecordsConnector
from hookstation.core.definitions import Panel
from hookstation.core.documents import decode_panel
from hookstation.core.documents.workflow import decode_workflow
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledWorkflow
from hookstation.core.workflows.definitions import Workflow
from hookstation.core.workflows.values import Entry, Run
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.live import Live as Subscribers
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.at_work import AtWork, at_work
from hookstation.engine.workflows.start import Origin
from hookstation.ports.clock import Clock
from hookstation.ports.connector import Connector
from hookstation.ports.http import HttpClient
from hookstation.ports.store import Store
from hookstation.testing.clock import ManualClock, ManualIdentifiers
from hookstation.testing.memory_store import MemoryStore

PANEL: Final[JSON] = {
    "name": "Courses",
    "fields": {
        "Course": {"type": "string", "length": 40},
        "Note": {"type": "string", "length": 200},
    },
}
BASE: Final = "https://station.example"
PATIENCE: Final = 5.0
MANUAL: Final = Origin("manual:test")


class Lines:
    """An event log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, JSON]]] = []

    def write(self, happened: str, **fields: JSON) -> None:
        """One line."""
        self.lines.append((happened, fields))


@dataclass
class Configured:
    """Workflows that are live, each in its first version."""

    workflows: dict[str, Workflow] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    destinations: Mapping[str, Any] = field(default_factory=dict)
    subscriptions: Mapping[str, Any] = field(default_factory=dict)

    def put(self, document: dict[str, Any]) -> None:
        """Set up a workflow."""
        workflow, problems = decode_workflow(document)
        assert workflow is not None, [str(problem) for problem in problems]
        self.workflows = {**self.workflows, workflow.name: workflow}
        self.versions[workflow.name] = self.versions.get(workflow.name, 0) + 1

    def workflow_version(self, name: str) -> int:
        """The number of the newest version."""
        return self.versions.get(name, 0)


@dataclass
class Bench:
    """A node that works on runs."""

    store: Store
    clock: ManualClock
    live: Configured
    targets: Targets
    lookout: Lookout
    work: AtWork
    log: Lines
    node_id: str = ""

    async def another(self, connectors: Mapping[str, Connector]) -> Bench:
        """A node beside this one, with the same workflows."""
        made = await node(self.store, self.clock, self.work.tools.http, connectors)
        made.live.workflows, made.live.versions = self.live.workflows, self.live.versions
        return made

    async def start(self, name: str, input_: JSON = None, origin: Origin = MANUAL) -> str:
        """Begin a run and return its id."""
        start = self.work.starting.begin(name, input_, origin)
        assert [True] == list(await self.store.start_runs([start]))
        return start.run.id

    async def work_off(self) -> int:
        """Do what is due until nothing is; how many turns of runs that took."""
        took = 0
        while True:
            await self.lookout.look()
            begun = await self.work.worker.take()
            if not begun:
                return took
            took += begun
            assert 0 == await self.work.worker.drain(PATIENCE)

    async def run(self, name: str, input_: JSON = None) -> Run:
        """Begin a run, and go on with it as far as it goes now."""
        run_id = await self.start(name, input_)
        await self.work_off()
        return await self.get(run_id)

    async def after(self, seconds: float) -> None:
        """Let time pass, then do what is due."""
        await self.clock.advance(seconds)
        await self.work_off()

    async def get(self, run_id: str) -> Run:
        """A run that is there."""
        found = await self.store.get_run(run_id)
        assert found is not None
        return found

    async def plan(self, name: str) -> CompiledWorkflow:
        """A workflow that is live, compiled."""
        start = self.work.starting.begin(name, None, MANUAL)
        return (await self.work.plans.get(start.run)).compiled

    async def entries(self, run_id: str, *, every: bool = False) -> dict[str, Entry]:
        """The history of a run by path; with `every`, by path and number of the try."""
        found = await self.store.list_entries(run_id, 10_000, every=every)
        return {f"{one.path}#{one.attempt}" if every else one.path: one for one in found}

    async def records(self, entity: str = "Courses") -> list[dict[str, Any]]:
        """What stands in the records database."""
        return [dict(one.fields) for one in await self.store.list_records(entity, 1_000)]


def workflow(*steps: dict[str, Any], name: str = "w", **more: Any) -> dict[str, Any]:
    """The document of a workflow."""
    return {"name": name, "steps": list(steps), **more}


def step(name: str, type_: str, **settings: Any) -> dict[str, Any]:
    """The document of a step; settings of every type have a line before their name."""
    common = {key[1:]: settings.pop(key) for key in list(settings) if key.startswith("_")}
    return {"name": name, "type": type_, **common, **({"with": settings} if settings else {})}


def insert(name: str = "insert", **more: Any) -> dict[str, Any]:
    """A step that inserts a course into the built-in records."""
    fields = {"ID": "$$trigger.id$$", "Course": "$$vars.course$$"}
    return step(name, "insert_panel", connection="records", panel="Courses", fields=fields, **more)


def output(entry: Entry) -> JSON:
    """What a step put out."""
    value: JSON = json.loads(entry.output) if entry.output else None
    return value


@asynccontextmanager
async def bench(
    *documents: dict[str, Any],
    file: Path | None = None,
    connectors: Mapping[str, Connector] | None = None,
    store: Store | None = None,
) -> AsyncIterator[Bench]:
    """A node on the twin, on SQLite in `file`, or on `store`."""
    clock = ManualClock()
    opened: Store = store or (MemoryStore(clock.now) if file is None else await open_sqlite(file, clock.now))
    http = GuardedHttpClient()
    try:
        made = await node(opened, clock, http, connectors or {})
        for document in documents:
            made.live.put(document)
        yield made
    finally:
        await http.close()
        if store is None:
            await opened.close()


async def node(
    store: Store, clock: ManualClock, http: HttpClient, connectors: Mapping[str, Connector]
) -> Bench:
    """One more node on a store."""
    panel, problems = decode_panel(PANEL)
    assert isinstance(panel, Panel), problems
    targets, live, log = Targets(), Configured(), Lines()
    targets.replace({"records": RecordsConnector({"Courses": panel}), **connectors}, {})
    identifiers = ManualIdentifiers(clock)
    corrected: list[int] = []
    membership = Membership(
        store, clock, log, identifiers.event_id, corrected.append, role="all", address="", version="test"
    )
    await membership.join()
    emitter = Emitter(Subscribers(live), clock, identifiers, identifiers)
    lookout = Lookout(store, clock)
    given: tuple[Clock, ManualIdentifiers, Lines] = clock, identifiers, log
    work = at_work(
        store,
        live,
        targets,
        emitter,
        None,
        AesVault(b"k" * 32),
        http,
        membership,
        lookout,
        *given,
        BASE,
        lambda: 0.5,
    )
    return Bench(store, clock, live, targets, lookout, work, log, membership.node_id)
