"""The engine on its twins: a database in memory, a clock that the test moves, targets that follow a script."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.adapters.vault import AesVault
from hookstation.connectors.records import RecordsConnector
from hookstation.core.batches import ITEMS
from hookstation.core.definitions import Connection
from hookstation.core.events import Answer, Event
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.jobs import EVENTS, StoredJob
from hookstation.core.schema import compile_schema
from hookstation.core.values import JSON
from hookstation.engine import queued, replay_many
from hookstation.engine.board import Board
from hookstation.engine.chain.services import Chain
from hookstation.engine.changing import Changing, changing_of
from hookstation.engine.checks import Checks
from hookstation.engine.configure import Configurator
from hookstation.engine.counters import Counters
from hookstation.engine.dashboard import Glance
from hookstation.engine.dryrun import DryRun
from hookstation.engine.execute import Executor
from hookstation.engine.ingest import Ingest
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.listen import Captures
from hookstation.engine.listing import Listing
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.sending import Sending, sending_of
from hookstation.engine.plans import Plan
from hookstation.engine.process import Process
from hookstation.engine.queued import QueuedEvents
from hookstation.engine.recount import Recount
from hookstation.engine.remedies import remedies
from hookstation.engine.repeats import Repeats
from hookstation.engine.replay import Replay
from hookstation.engine.retrying import Retrying
from hookstation.engine.settle import AT_ONCE, LOOK_UP_LEASE, Settler
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.tallying import CallCounts, Tallying
from hookstation.engine.targets import Targets
from hookstation.engine.watch import Watcher
from hookstation.engine.worker import Worker
from hookstation.errors import Invalid, Problem
from hookstation.ports.sender import Dispatch, Receipt, Sender
from hookstation.ports.store import EventFilter
from hookstation.testing.clock import ManualClock, ManualIdentifiers
from hookstation.testing.connector import ScriptedConnector
from hookstation.testing.memory_store import MemoryStore
from hookstation.wiring.chaining import Chaining, chaining_of
from hookstation.wiring.ticking import ticking_of
from hookstation.wiring.transferring import transferring_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CATALOGUE = {
    "scripted": (
        Setting("url", Kind.URL, required=True),
        Setting("password", Kind.SECRET),
    )
}
UNFIT = "http://unfit"
"""The address of a connection whose settings do not fit together."""

PANEL: dict[str, JSON] = {
    "name": "Courses",
    "fields": {"Code": {"type": "string", "length": 5, "required": True}, "Grade": {"type": "string"}},
}


class Journalled:
    """An `EventLog` that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, JSON]] = []

    def write(self, happened: str, **fields: JSON) -> None:
        self.lines.append({"happened": happened, **fields})

    def told(self, happened: str) -> list[dict[str, JSON]]:
        return [line for line in self.lines if line["happened"] == happened]


class HereTrial:
    """A `SchemaTrial` without a child process."""

    async def compile(self, schema: JSON) -> list[Problem]:
        try:
            compile_schema(schema)
        except Invalid as invalid:
            return list(invalid.problems)
        return []

    async def compile_many(self, schemas: Sequence[JSON]) -> list[list[Problem]]:
        return [await self.compile(schema) for schema in schemas]


class NoSender:
    """The way out of a test in which nothing may leave."""

    async def send(self, dispatch: Dispatch) -> Receipt:
        raise AssertionError(f"nothing may leave in this test, {dispatch.url} least of all")

    async def close(self) -> None:
        """Nothing is open."""


class Shared:
    """What the nodes of one station share: the database, the time, names, one log, and what the targets do."""

    def __init__(self, sender: Sender | None = None) -> None:
        self.clock = ManualClock()
        self.identifiers = ManualIdentifiers(self.clock)
        self.store = MemoryStore(self.clock.now)
        self.log = Journalled()
        self.far = ScriptedConnector()
        self.sender: Sender = NoSender() if sender is None else sender
        self.nodes = itertools.count(1)

    def node_id(self) -> str:
        """``node-1``, ``node-2`` ..."""
        return f"node-{next(self.nodes)}"


class Engine:
    """Every use case of one node, over twins that it shares. `far` answers for all connections."""

    def __init__(self, shared: Shared | None = None) -> None:
        self.shared = shared = shared or Shared()
        self.store, self.log, self.far = shared.store, shared.log, shared.far
        self.clock, self.identifiers = shared.clock, shared.identifiers
        clock, store = self.clock, self.store
        self.built: list[ScriptedConnector] = []
        self.corrected: list[int] = []
        self.counters = Counters()
        self.targets, self.switchboard = Targets(), Switchboard()
        self.vault = AesVault(bytes(32))
        self.board = self.another_board(self.targets, self.switchboard)
        self.checks = Checks(HereTrial(), self.build, RecordsConnector)
        self.configurator = Configurator(
            store, self.board, self.checks, self.targets, CATALOGUE, self.vault, clock, self.identifiers
        )
        self.membership = self._membership()
        self.counts = CallCounts()
        self.lookout = Lookout(store, clock)
        self.sending = self._sending()
        self.outgoing = self.sending.outgoing
        self.luck = 0.5
        self.retrying = Retrying(self.switchboard, clock, self.log, lambda: self.luck)
        self.executor = Executor(
            store,
            clock,
            self.log,
            self.counts,
            self.outgoing.emitter,
            self.outgoing.connections,
            self.retrying,
        )
        self.chaining = self._chaining()
        self.runs = self.chaining.work.worker
        receiving = self.chaining.work.receiving
        self.process = Process(store, clock, self.identifiers, self.executor, self.membership, receiving)
        self.repeats = Repeats(store, clock)
        self.captures = Captures(store, self.vault, self.targets, clock, self.identifiers)
        self.ingest = self._ingest()
        self.settler = Settler(
            store, self.targets, self.executor, self.membership, clock, self.log, self.retrying
        )
        self.board.on_new_connections(self.settler.hurry)
        self.waiting = self._waiting()
        self.board.on_new_connections(self.waiting.hurry)
        self.queue = LaneWorker(self.waiting, self.lookout, clock, at_once=queued.AT_ONCE)
        self.worker = Worker(
            store,
            self.membership,
            clock,
            EVENTS,
            self.settler,
            at_once=AT_ONCE,
            lease_seconds=LOOK_UP_LEASE,
        )
        self.replay = Replay(store, self.switchboard, self.executor, self.membership, clock, self.identifiers)
        self.remedies = remedies(
            store,
            self.replay,
            self.targets,
            self.executor,
            clock,
            self.log,
            self.switchboard,
            self.ingest,
            self.identifiers,
            self.chaining.work.desk.cancel,
        )
        self.tallying = Tallying(store, self.counts, self.membership, clock)
        self.recount = Recount(store, self.membership, clock)
        self.watcher = Watcher(store, Listing(self.board), self.recount, clock, self.identifiers, self.log)
        self.glance = Glance(store, clock)
        self.replays = self._replays()
        self.dry_run = DryRun(self.switchboard, clock, self.identifiers)
        self.changing = self._changing()
        self.drafts = self.changing.drafts

    def _membership(self) -> Membership:
        return Membership(
            self.store,
            self.clock,
            self.log,
            self.shared.node_id,
            self.corrected.append,
            role="all",
            address="http://node",
            version="1.2.3",
        )

    def _waiting(self) -> QueuedEvents:
        return QueuedEvents(
            self.store,
            self.switchboard,
            self.targets,
            self.executor,
            self.settler,
            self.retrying,
            self.membership,
            self.clock,
            self.log,
        )

    def _sending(self) -> Sending:
        return sending_of(
            self.store,
            self.board,
            self.vault,
            self.membership,
            self.lookout,
            self.shared.sender,
            self.clock,
            self.identifiers,
            self.identifiers,
            lambda: 0.5,
            self.log,
        )

    def chain(self) -> Chain:
        """What pages and the API ask of workflows, schedules and polls."""
        work = self.chaining.work
        ticking = ticking_of(
            self.store,
            self.board,
            self.targets,
            self.switchboard,
            self.membership,
            self.lookout,
            self.outgoing.emitter,
            GuardedHttpClient(),
            self.process,
            work.starting,
            self.clock,
            self.identifiers,
            self.log,
            work.shop.telling.counts,
        )
        transfers = transferring_of(
            self.store,
            self.board,
            self.configurator,
            self.targets,
            work,
            self.vault,
            GuardedHttpClient(),
            HttpSender(),
            self.clock,
            self.log,
        )
        asked = (ticking.schedules, ticking.polls, transfers)
        return Chain(self.chaining.workflows, work.desk, *asked, work.shop.telling.counts)

    def _chaining(self) -> Chaining:
        return chaining_of(
            self.store,
            self.board,
            self.configurator,
            self.targets,
            self.outgoing,
            self.vault,
            GuardedHttpClient(),
            self.membership,
            self.lookout,
            self.clock,
            self.identifiers,
            self.log,
            "https://hooks.example.org",
        )

    def _ingest(self) -> Ingest:
        return Ingest(
            self.switchboard,
            self.store,
            self.process,
            self.repeats,
            self.clock,
            self.identifiers,
            self.counters,
            self.log,
            listening=self.captures,
            counts=self.counts,
        )

    def _changing(self) -> Changing:
        return changing_of(
            self.store,
            self.board,
            self.configurator,
            self.targets,
            self.switchboard,
            self.vault,
            self.captures,
            self.ingest,
            self.clock,
            self.identifiers,
        )

    def _replays(self) -> Worker:
        return Worker(
            self.store,
            self.membership,
            self.clock,
            ITEMS,
            self.remedies.many,
            at_once=replay_many.AT_ONCE,
            lease_seconds=LOOK_UP_LEASE,
        )

    async def another_node(self) -> Engine:
        """A node beside this one, with the same configuration live."""
        made = Engine(self.shared)
        await made.membership.join()
        await made.board.refresh()
        return made

    async def dies(self) -> None:
        """The process ends in the middle of its calls, and what it had leased is given back."""
        await self.executor.drain(0)
        await self.clock.settle()
        await self.store.leave(self.membership.node_id)

    async def is_born(self) -> None:
        """What a process does at its start."""
        await self.membership.join()
        await self.board.refresh()

    def another_board(self, targets: Targets, switchboard: Switchboard) -> Board:
        """A board as another process would have it."""
        return Board(
            self.store, self.vault, CATALOGUE, self.build, RecordsConnector, targets, switchboard, self.clock
        )

    def build(self, connection: Connection) -> ScriptedConnector:
        """One that shares the script of `far`."""
        if connection.settings["url"] == UNFIT:
            raise Invalid([Problem(("password",), "is missing.")])
        made = ScriptedConnector(connection.name, self.far.settle_after)
        for shared in ("outcomes", "found", "executed", "looked_up", "described", "entities", "refusal"):
            setattr(made, shared, getattr(self.far, shared))
        self.built.append(made)
        return made

    async def apply(self, *webhooks: JSON, prune: bool = False, **kinds: JSON) -> Plan:
        """Apply a document with these webhooks, and connections or panels by their kind."""
        document: dict[str, JSON] = {"version": 1, "webhooks": list(webhooks), **kinds}
        return await self.configurator.apply(document, prune=prune)

    async def post(
        self, name: str, payload: JSON | bytes = None, method: str = "POST", query: str = "", **headers: str
    ) -> Answer:
        """Call a webhook; header names with ``_`` for ``-``."""
        line = self.switchboard.named(name)
        assert line is not None
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        spelled = {header.replace("_", "-"): value for header, value in headers.items()}
        admitted = self.ingest.admit(method, line.token, spelled, query, "203.0.113.9")
        return admitted if isinstance(admitted, Answer) else await self.ingest.receive(admitted, body)

    async def events(self) -> list[Event]:
        """The journal, oldest first."""
        return [*(await self.store.list_events(EventFilter(), 1000)).items][::-1]

    async def last(self) -> Event:
        """The newest event."""
        return (await self.events())[-1]

    async def records(self, entity: str = "Activity") -> list[Mapping[str, Any]]:
        """Fields of the built-in records."""
        return [one.fields for one in await self.store.list_records(entity, 1000)]

    async def job(self) -> StoredJob | None:
        """The job of the newest event."""
        return await self.store.find_job(EVENTS, (await self.last()).id)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """What was acknowledged is done by itself, as in a process."""
        tasks = [asyncio.ensure_future(self.lookout.run()), asyncio.ensure_future(self.queue.run())]
        await self.clock.settle()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def settle_after(self, seconds: float) -> None:
        """Let the time pass, then do what is due, until nothing is, and let its calls end."""
        await self.clock.advance(seconds)
        while await self.worker.take():
            await self.clock.settle()
            await self.worker.settle()


def webhook(name: str = "courses", connection: str = "records", **more: Any) -> JSON:
    """A webhook that inserts an activity of the person `id`; nothing marks it unless `marked`."""
    marker = {"SourceCode": "{{ event_id }}"} if more.pop("marked", False) else {}
    fields = {"ActivityType": "TEST", "ID": "$$id$$", **marker, **more.pop("fields", {})}
    return {
        "name": name,
        "authentication": {"type": "none"},
        "schema": {"type": "object", "properties": {"id": {"type": "string"}, "note": {"type": "string"}}},
        "action": {"type": "insert_activity", "connection": connection, "fields": fields},
        **more,
    }


def upsert(name: str = "panel", **more: Any) -> JSON:
    """A webhook that writes a row of the panel `Courses`."""
    return webhook(
        name,
        action={
            "type": "upsert_panel",
            "connection": "records",
            "panel": "Courses",
            "match": {"ID": "$$id$$"},
            "fields": {"Code": "$$note$$"},
        },
        **more,
    )


def connection(name: str = "far", url: str = "http://target", **more: JSON) -> JSON:
    """A connection to a scripted target."""
    return {"name": name, "type": "scripted", "url": url, **more}


FAR: list[JSON] = [connection()]


@asynccontextmanager
async def engine(*webhooks: JSON, connections: JSON = None, panels: JSON = None) -> AsyncIterator[Engine]:
    """An engine with this configuration live."""
    made = Engine()
    await made.membership.join()
    await made.apply(*webhooks, connections=FAR if connections is None else connections, panels=panels or [])
    yield made
    assert 0 == await made.executor.drain(1)
