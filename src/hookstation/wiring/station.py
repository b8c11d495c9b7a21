"""A station, put together: store, targets, engine, and the callable that serves them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.schema_trial import ProcessSchemaTrial
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.adapters.vault import AesVault, key_file, read_key
from hookstation.config.settings import StationSettings
from hookstation.connectors import CATALOGUE, build_connector
from hookstation.connectors.records import RecordsConnector
from hookstation.core.definitions import Connection
from hookstation.core.jobs import EVENTS
from hookstation.engine.board import Board
from hookstation.engine.checks import Checks
from hookstation.engine.configure import Configurator
from hookstation.engine.counters import Counters
from hookstation.engine.dryrun import DryRun
from hookstation.engine.execute import Executor
from hookstation.engine.ingest import Ingest
from hookstation.engine.keys import Keys
from hookstation.engine.membership import Membership
from hookstation.engine.process import Process
from hookstation.engine.prune import Pruner, RetentionRule
from hookstation.engine.repeats import Repeats
from hookstation.engine.replay import Replay
from hookstation.engine.runs import Runs
from hookstation.engine.settle import AT_ONCE, LOOK_UP_LEASE, Settler
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.engine.worker import Worker
from hookstation.errors import SecretError, StoreUnavailable
from hookstation.ports.connector import Connector
from hookstation.ports.log import EventLog
from hookstation.web.api import build_api
from hookstation.web.app import Front
from hookstation.web.hooks import HookLane
from hookstation.web.senders import Senders
from hookstation.web.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

DATABASE: Final = "hookstation.db"
KEY_FILE: Final = "master.key"
FINGERPRINT: Final = "master_key_fingerprint"
DRAIN_SECONDS: Final = 35.0
COMMAND: Final = "command"
"""The role of a process that opens the station for one command."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Station:
    """Everything that runs in one process."""

    settings: StationSettings
    store: SqliteStore
    http: GuardedHttpClient
    services: Services
    executor: Executor
    membership: Membership
    worker: Worker
    pruner: Pruner
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
        self._tasks += [
            _begin("finish events", self.worker.run),
            _begin("prune", self.pruner.run),
            _begin("watch", self.services.board.watch),
        ]

    def stop_accepting(self) -> None:
        """From now on calls get 503; what was accepted goes on."""
        self.services.ingest.stopping = True

    async def stop(self) -> None:
        """Lease nothing more, let what is under way end, and give what is left back to the other nodes."""
        self.stop_accepting()
        await _end(self._tasks)
        ended = await asyncio.gather(self.executor.drain(DRAIN_SECONDS), self.worker.drain(DRAIN_SECONDS))
        if any(ended):
            log.warning("%d calls did not end in time; whoever leases them next looks them up", max(ended))
        if self._beats:
            await _end(self._beats)
            await self.membership.leave()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


def _begin(name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    return asyncio.create_task(_guarded(name, work), name=name)


async def _guarded(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """A task that dies says so; its work is taken up at the next start."""
    try:
        await work()
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("the task “%s” died", name)


@asynccontextmanager
async def open_station(
    settings: StationSettings,
    event_log: EventLog,
    base_url: str,
    control_key: str = "",
    role: str = COMMAND,
) -> AsyncIterator[Station]:
    """A station on its database, migrated and with its configuration live; closed at the end. `role`: as a node.

    Raises `FolderInUse`, `NewerDatabase`, `SecretError`, `StoreUnavailable`.
    """
    _make_folder(settings.data)
    store = await open_sqlite(database_path(settings))
    http = GuardedHttpClient()
    station: Station | None = None
    try:
        vault = await _vault(settings, store)
        station = await _assemble(settings, store, vault, http, event_log, base_url, control_key, role)
        await station.join()
        await station.services.board.refresh()
        yield station
    finally:
        if station is not None:
            await station.stop()
            await _close_all(station.services.targets.connectors.values())
        await http.close()
        await store.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as failure:
        raise StoreUnavailable(
            f"The data folder {folder} cannot be made: choose another with --data. ({failure.strerror})"
        ) from failure


def address(settings: StationSettings, port: int) -> str:
    """The station's own address, as a URL without a path."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{port}"


async def _close_all(connectors: Iterable[Connector]) -> None:
    """Close every connector; one that cannot be closed holds up neither the others nor the database."""
    for connector in connectors:
        try:
            await connector.close()
        except Exception:
            log.exception("the connection “%s” could not be closed", connector.name)


def database_path(settings: StationSettings) -> Path:
    """The database file."""
    if settings.database_url:
        return Path(settings.database_url.removeprefix("sqlite:///"))
    return settings.data / DATABASE


def place_of(database: Path) -> str:
    """What tells the folder of a database from its copies, however it is reached."""
    found = database.parent.stat()
    return f"{found.st_dev}:{found.st_ino}:{database.name}"


async def _vault(settings: StationSettings, store: SqliteStore) -> AesVault:
    """The vault under the master key; a database that was sealed under another key is refused."""
    if settings.master_key is not None:
        key = read_key(settings.master_key.reveal())
    else:
        known = await store.get_fact(FINGERPRINT)
        path = settings.data / KEY_FILE
        if known and not path.exists():
            raise SecretError(
                f"The master key is missing: put the file {path} back, or give it as HOOKSTATION_MASTER_KEY. "
                f"Its fingerprint is {known}."
            )
        key = key_file(path)
    vault = AesVault(key)
    known = await store.get_fact(FINGERPRINT)
    if known and known != vault.fingerprint:
        raise SecretError(
            f"This master key (fingerprint {vault.fingerprint}) is not the one that this database was sealed under "
            f"(fingerprint {known}). Give that one."
        )
    if not known:
        await store.set_fact(FINGERPRINT, vault.fingerprint)
    return vault


async def _assemble(
    settings: StationSettings,
    store: SqliteStore,
    vault: AesVault,
    http: GuardedHttpClient,
    event_log: EventLog,
    base_url: str,
    control_key: str,
    role: str,
) -> Station:
    clock, counters = SystemClock(), Counters()
    identifiers = SystemIdentifiers(clock)
    targets, switchboard = Targets(), Switchboard()

    def build(connection: Connection) -> Connector:
        return build_connector(connection, http, clock)

    board = Board(store, vault, CATALOGUE, build, RecordsConnector, targets, switchboard, clock)
    checks = Checks(ProcessSchemaTrial(), build, RecordsConnector)
    configurator = Configurator(store, board, checks, targets, CATALOGUE, vault, clock, identifiers)
    executor = Executor(store, clock, event_log)
    membership = Membership(
        store,
        clock,
        event_log,
        identifiers.event_id,
        clock.correct,
        role=role,
        address=base_url,
        version=version("hookstation"),
    )
    settler = Settler(store, targets, executor, membership, clock, event_log)
    board.on_new_connections(settler.hurry)
    process = Process(store, clock, identifiers, executor, membership)
    ingest = Ingest(
        switchboard,
        store,
        process,
        Repeats(store, clock),
        clock,
        identifiers,
        counters,
        event_log,
        settings.most_in_flight,
        settings.most_body_bytes,
    )
    services = Services(
        clock=clock,
        store=store,
        board=board,
        configurator=configurator,
        dry_run=DryRun(switchboard, clock, identifiers),
        replay=Replay(store, switchboard, executor, membership, clock, identifiers),
        keys=Keys(store, clock),
        targets=targets,
        ingest=ingest,
        counters=counters,
        backup=store.backup_to,
        base_url=base_url,
        control_key=control_key,
        place=place_of(database_path(settings)),
        master_key=None if settings.master_key is not None else settings.data.absolute() / KEY_FILE,
    )
    senders = Senders(settings.trusted_proxies) if settings.trusted_proxies else None
    lane = HookLane(ingest, Runs(store), senders=senders)
    rule = RetentionRule(
        settings.retention_days,
        settings.retention_rejected_days,
        settings.retention_rejected_count,
        settings.retention_bytes,
    )
    return Station(
        settings,
        store,
        http,
        services,
        executor,
        membership,
        Worker(store, membership, clock, EVENTS, settler, at_once=AT_ONCE, lease_seconds=LOOK_UP_LEASE),
        Pruner(store, clock, rule),
        Front(lane, build_api(services), senders),
        lane,
    )
