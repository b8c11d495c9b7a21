"""A station, put together: store, targets, engine, and the callable that serves them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.passwords import Argon2Passwords
from hookstation.adapters.sender import HttpSender
from hookstation.adapters.vault import AesVault
from hookstation.config.settings import StationSettings
from hookstation.config.texts import PersonTexts
from hookstation.connectors.outside import Outside
from hookstation.core.values import JSON
from hookstation.engine.chain.services import Chain
from hookstation.engine.changing import changing_of
from hookstation.engine.counters import Counters
from hookstation.engine.dryrun import DryRun
from hookstation.engine.execute import Executor
from hookstation.engine.ingest import Ingest
from hookstation.engine.keys import Keys
from hookstation.engine.listen import Captures
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.sending import Sending
from hookstation.engine.people import Users
from hookstation.engine.process import Process
from hookstation.engine.prune import Pruner
from hookstation.engine.remedies import remedies
from hookstation.engine.repeats import Repeats
from hookstation.engine.replay import Replay
from hookstation.engine.sign_in import SignIn
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.tallying import CallCounts
from hookstation.engine.targets import Targets
from hookstation.engine.worker import Worker
from hookstation.ports.connector import Connector
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store
from hookstation.web.app import Front
from hookstation.web.hooks import HookLane
from hookstation.web.services import Services
from hookstation.wiring.chaining import Chaining, chaining_of
from hookstation.wiring.opening import backup_of, check_whole, open_store, open_vault
from hookstation.wiring.pieces import (
    configuring_of,
    front_of,
    lifetime_of,
    replays_of,
    retention_of,
    sending_side,
)
from hookstation.wiring.places import KEY_FILE, place_of
from hookstation.wiring.ticking import Ticking, ticking_of
from hookstation.wiring.transferring import transferring_of
from hookstation.wiring.watching import Watch, watch_of
from hookstation.wiring.working import Queue, working_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

DRAIN_SECONDS: Final = 35.0
BEGIN_AGAIN: Final = 5.0
"""Seconds until a task that broke begins again."""

COMMAND: Final = "command"
"""The role of a process that opens the station for one command."""

log = logging.getLogger(__name__)


class Seat(NamedTuple):
    """As what a process is listed among the nodes. `address`: where it listens itself, empty where nothing does."""

    role: str = COMMAND
    address: str = ""


OF_A_COMMAND: Final = Seat()


@dataclass(slots=True)
class Station:
    """Everything that runs in one process."""

    settings: StationSettings
    store: Store
    http: GuardedHttpClient
    services: Services
    executor: Executor
    membership: Membership
    worker: Worker
    pruner: Pruner
    watch: Watch
    replays: Worker
    lookout: Lookout
    queue: Queue
    sending: Sending
    chaining: Chaining
    ticking: Ticking
    app: Front
    lane: HookLane
    _beats: list[asyncio.Task[None]] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def join(self) -> None:
        """Become a node of the database; from now on it beats."""
        await self.membership.join()
        self._beats.append(_begin("beat", self.membership.run))

    async def start(self) -> None:
        """Begin the work that goes on by itself."""
        await self.membership.reap()
        await self.watch.begin()
        self._tasks.append(_begin("tell what was counted", self.watch.tallying.run))
        self._tasks.append(_begin("watch", self.services.board.watch))
        self._tasks.append(_begin("listen", self.services.changing.captures.watch))
        self._tasks.append(_begin("forget sessions", self.services.sign_in.run))
        if self.settings.role != "web":
            await self.watch.watcher.begin()
            self._tasks += [_begin("finish events", self.worker.run), _begin("prune", self.pruner.run)]
            self._tasks.append(_begin("look for what is unusual", self.watch.worker.run))
            self._tasks.append(_begin("index", self.services.remedies.indexer.run))
            self._tasks.append(_begin("replay many", self.replays.run))
            self._tasks.append(_begin("look at lanes", self.lookout.run))
            self._tasks.append(_begin("do what was acknowledged", self.queue.run))
            self._tasks.append(_begin("look at destinations", self.sending.outgoing.destinations.run))
            self._tasks.append(_begin("deliver", self.sending.worker.run))
            self._tasks.append(_begin("go on with runs", self.chaining.work.worker.run))
            self._tasks += [_begin(name, work) for name, work in self.ticking.tasks()]

    @asynccontextmanager
    async def replaying(self) -> AsyncIterator[None]:
        """What a command asked to be replayed is replayed while it waits, where nothing else goes on."""
        tasks = [_begin("replay many", self.replays.run)]
        try:
            yield
        finally:
            await _end(tasks)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Runs begin and go on while a command waits for one, those that waited before too."""
        tasks = [
            _begin("look at lanes", self.lookout.run),
            _begin("go on with runs", self.chaining.work.worker.run),
        ]
        try:
            yield
        finally:
            await _end(tasks)

    def leave(self) -> None:
        """From now on a load balancer is told to send nothing more; what it sends all the same is taken."""
        self.services.ingest.leaving = True

    def stop_accepting(self) -> None:
        """From now on calls get 503; what was accepted goes on."""
        self.services.ingest.stopping = True

    async def stop(self) -> None:
        """Lease nothing more, let what is under way end, and give what is left back to the other nodes."""
        self.stop_accepting()
        self.sending.deliver.stopping = self.chaining.work.shop.stopping = True
        await _end(self._tasks)
        ended = await asyncio.gather(
            self.executor.drain(DRAIN_SECONDS),
            self.worker.drain(DRAIN_SECONDS),
            self.queue.drain(DRAIN_SECONDS),
            self.replays.drain(DRAIN_SECONDS),
            self.sending.worker.drain(DRAIN_SECONDS),
            self.chaining.work.drain(DRAIN_SECONDS),
            self.ticking.drain(DRAIN_SECONDS),
        )
        if any(ended):
            log.warning("%d calls did not end in time; whoever leases them next looks them up", max(ended))
        await self.sending.outgoing.connections.drain(DRAIN_SECONDS)
        await self.watch.stop(DRAIN_SECONDS)
        if self._beats:
            await _end(self._beats)
            await self.membership.leave()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


def _begin(name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(guarded(name, work), name=name)


async def guarded(
    name: str,
    work: Callable[[], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """What goes on by itself goes on: a task that breaks says so, and begins again after a pause."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the task “%s” broke; it begins again in %g s", name, BEGIN_AGAIN)
        else:
            return
        await sleep(BEGIN_AGAIN)


class _Unheard:
    """The log of what nobody wants to hear: that a command came and went as a node."""

    def write(self, happened: str, **fields: JSON) -> None:
        """Nothing."""


@asynccontextmanager
async def open_station(
    settings: StationSettings,
    event_log: EventLog,
    base_url: str,
    control_key: str = "",
    seat: Seat = OF_A_COMMAND,
) -> AsyncIterator[Station]:
    """A station on its database, migrated and with its configuration live; closed at the end.

    `seat`: as what it joins the nodes.

    Raises `FolderInUse`, `NewerDatabase`, `SecretError`, `StoreUnavailable`.
    """
    store = await open_store(settings)
    http = GuardedHttpClient()
    station: Station | None = None
    try:
        await check_whole(store)
        vault = await open_vault(settings, store)
        station = await _assemble(settings, store, vault, http, event_log, base_url, control_key, seat)
        await station.join()
        await check_whole(store)  # a copy that began meanwhile has not seen this node
        await station.services.board.refresh()
        yield station
    finally:
        if station is not None:
            await station.stop()
            await _close_all(station.services.targets.connectors.values())
            await station.sending.sender.close()
        await http.close()
        await store.close()


def address(settings: StationSettings, port: int) -> str:
    """The station's own address, as a URL without a path."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{port}"


def listens_at(settings: StationSettings, port: int) -> str:
    """What people know this node from the others by, which share the public URL: the address that it listens on itself.

    For every address of the machine the machine's name stands.
    """
    everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 - looked for, not bound
    return address(replace(settings, host=socket.gethostname()) if everywhere else settings, port)


async def _close_all(connectors: Iterable[Connector]) -> None:
    """Close every connector; one that cannot be closed holds up neither the others nor the database."""
    for connector in connectors:
        try:
            await connector.close()
        except Exception:
            log.exception("the connection “%s” could not be closed", connector.name)


async def _assemble(
    settings: StationSettings,
    store: Store,
    vault: AesVault,
    http: GuardedHttpClient,
    event_log: EventLog,
    base_url: str,
    control_key: str,
    seat: Seat,
) -> Station:
    clock, counters, counts, passwords = SystemClock(), Counters(), CallCounts(), Argon2Passwords()
    identifiers, targets = SystemIdentifiers(clock), Targets()
    switchboard, sender = Switchboard(), HttpSender()
    outside = Outside(http, clock, sender, settings.folders, settings.data)
    board, configurator = configuring_of(store, vault, outside, targets, switchboard, clock, identifiers)
    membership, lookout = _member(store, clock, identifiers, event_log, seat), Lookout(store, clock)
    way_out = (settings, store, board, vault, membership, lookout, sender, clock, identifiers)
    outgoing = (sending := sending_side(*way_out, event_log)).outgoing
    given = (store, board, targets, switchboard, membership, lookout, counts, outgoing, clock, event_log)
    executor, worker, queue = working_of(*given)
    captures = Captures(store, vault, targets, clock, identifiers)
    needed = (store, board, configurator, targets, outgoing, vault, http, membership, lookout, clock)
    chaining = chaining_of(*needed, identifiers, event_log, base_url)
    work = chaining.work
    receiving, desk, counted = work.receiving, work.desk, work.shop.telling.counts
    process = Process(store, clock, identifiers, executor, membership, receiving)
    beside = (store, board, targets, switchboard, membership, lookout, outgoing.emitter, http, process)
    ticking = ticking_of(*beside, work.starting, clock, identifiers, event_log, counted)
    rows = (store, board, configurator, targets, work, vault, http, sender, clock, event_log)
    transfers = transferring_of(*rows)
    most, repeats = (settings.most_in_flight, settings.most_body_bytes), Repeats(store, clock)
    accepting = (switchboard, store, process, repeats, clock, identifiers, counters, event_log, *most)
    ingest = Ingest(*accepting, captures, counts=counts)
    replay = Replay(store, switchboard, executor, membership, clock, identifiers)
    helped = (store, replay, targets, executor, clock, event_log, switchboard, ingest, identifiers)
    touched = (store, board, configurator, targets, switchboard, vault, captures, ingest, clock)
    services = Services(
        clock=clock,
        store=store,
        board=board,
        configurator=configurator,
        dry_run=DryRun(switchboard, clock, identifiers),
        replay=replay,
        remedies=remedies(*helped, desk.cancel),
        keys=Keys(store, clock),
        users=Users(store, passwords, clock, event_log),
        sign_in=SignIn(store, passwords, clock, event_log, lifetime_of(settings)),
        targets=targets,
        ingest=ingest,
        changing=changing_of(*touched, identifiers),
        counters=counters,
        outgoing=outgoing,
        chain=Chain(chaining.workflows, desk, ticking.schedules, ticking.polls, transfers, counted),
        texts=PersonTexts(),
        backup=backup_of(settings, store),
        base_url=base_url,
        control_key=control_key,
        place=place_of(settings),
        takes_calls=seat.role != "worker",
        settings=settings.shown,
        master_key=None if settings.master_key is not None else settings.data.absolute() / KEY_FILE,
    )
    return Station(
        settings,
        store,
        http,
        services,
        executor,
        membership,
        worker,
        Pruner(store, clock, retention_of(settings)),
        watch_of(services, membership, identifiers, event_log),
        replays_of(store, membership, clock, services.remedies.many),
        lookout,
        queue,
        sending,
        chaining,
        ticking,
        *front_of(settings, services, desk),
    )


def _member(
    store: Store,
    clock: SystemClock,
    identifiers: SystemIdentifiers,
    event_log: EventLog,
    seat: Seat,
) -> Membership:
    """This process as a node; of a command nobody hears that it comes and goes."""
    return Membership(
        store,
        clock,
        _Unheard() if seat.role == COMMAND else event_log,
        identifiers.event_id,
        clock.correct,
        role=seat.role,
        address=seat.address,
        version=version("hookstation"),
    )
