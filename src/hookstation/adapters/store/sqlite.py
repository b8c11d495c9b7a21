"""The SQLite driver of the Store port.

One connection writes, by group commit; one reads on the event loop, for look-ups of a row or two; one reads in a
thread, for whatever may take longer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, cast

import apsw

from hookstation.adapters.clock import SystemClock
from hookstation.adapters.store import (
    backup,
    configuration,
    history,
    migrations,
    queries,
    records,
    run_hashes,
    search,
)
from hookstation.adapters.store.connections import READER_PATIENCE, open_reader, open_writer, translated
from hookstation.adapters.store.folder_lock import FolderLock
from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.hints import Hints
from hookstation.adapters.store.jobs import JobTable, is_any_over
from hookstation.adapters.store.journal_writer import JournalWriter
from hookstation.adapters.store.observing import Listener, harmless
from hookstation.adapters.store.people import SqlitePeople
from hookstation.adapters.store.readers import Readers
from hookstation.adapters.store.retention import STEP, remove, rules
from hookstation.adapters.store.run_store import SqliteRuns
from hookstation.adapters.store.sweeps import Sweeps
from hookstation.adapters.store.tallies import SqliteTallies
from hookstation.adapters.store.versions import SqliteCaptures, SqliteVersions
from hookstation.core.events import Attempt, Event, Mark
from hookstation.core.records import StoredRecord
from hookstation.core.values import Scalar
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.leases import CONFIGURATION_CHANGED
from hookstation.ports.people import ApiKey
from hookstation.ports.search import Looked, Reached
from hookstation.ports.store import (
    Acceptance,
    Committed,
    ConfigurationChange,
    EventFilter,
    Finish,
    Page,
    Payload,
    Retention,
    StoredConfiguration,
)

_SYSTEM: Final = SystemClock()


async def open_sqlite(path: Path, now: Callable[[], int] = _SYSTEM.now) -> SqliteStore:
    """Open the database at `path`, made and migrated as needed, and hold its folder until `close`.

    `now` says the store's time for jobs and nodes, microseconds since the epoch.  What was leased is due again, since
    the folder's lock proves that nobody who held it lives.
    Raises `FolderInUse`, `NewerDatabase`, and `StoreUnavailable` where the folder or the file cannot be written.
    """
    return SqliteStore(path, await asyncio.to_thread(_open, path, now))


@dataclass(frozen=True, slots=True)
class _Handles:
    lock: FolderLock
    jobs: JobTable
    writer: apsw.Connection
    near: apsw.Connection
    far: apsw.Connection

    def close(self) -> None:
        for connection in (self.near, self.far, self.writer):
            connection.close()
        self.lock.release()


def _open(path: Path, now: Callable[[], int]) -> _Handles:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailable(f"The data folder {path.parent} cannot be made: {error.strerror}.") from error
    lock = FolderLock(path.parent).acquire()
    opened: list[apsw.Connection] = []
    try:
        with translated():
            _make_private(path)
            writer = open_writer(path)
            opened.append(writer)
            migrations.migrate(writer)
            jobs = JobTable(writer, now)
            _free_jobs(writer, jobs)
            opened += [open_reader(path, 0), open_reader(path, READER_PATIENCE)]
    except BaseException:
        for connection in opened:
            connection.close()
        lock.release()
        raise
    return _Handles(lock, jobs, *opened)


def _free_jobs(writer: apsw.Connection, jobs: JobTable) -> None:
    if is_any_over(writer, (), jobs.now()):
        with writer:
            jobs.give_back((), living=())


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else can ever read it; its log takes over the rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be opened for writing: give this user the right to write it. ({error.strerror})"
        ) from error


class SqliteStore(SqliteVersions, SqliteCaptures, SqlitePeople, SqliteTallies, SqliteRuns):
    """Implements `ports.store.Store`. Made by `open_sqlite`."""

    def __init__(self, path: Path, handles: _Handles) -> None:
        hints = Hints()
        writer = JournalWriter(handles.writer, handles.jobs, hints)
        commits = GroupCommit(handles.writer, writer)
        super().__init__(handles.jobs, commits, Readers(handles.near, handles.far), hints)
        self.path = path
        self._handles = handles
        self._sweeps = Sweeps()
        self._additions = 0
        self._closed = False
        writer.move_hashes = self.move_hashes
        if self._readers.look_up(run_hashes.left):
            self.move_hashes()

    # --- journal

    def accept(self, acceptance: Acceptance) -> asyncio.Future[Committed]:
        """Commit one event with whatever else waits."""
        return cast("asyncio.Future[Committed]", self._commits.submit(acceptance))

    def note(self, acceptance: Acceptance) -> None:
        """Commit a rejected call with what comes next; nobody waits."""
        self._commits.note(acceptance)

    def observe(self, listener: Listener) -> None:
        """Call `listener` with whatever is committed."""
        self._commits.heard = harmless(listener)

    @property
    def noted_lost(self) -> int:
        """How many noted calls were dropped."""
        return self._commits.noted_lost

    async def finish(self, finish: Finish) -> Committed:
        """Settle or move an event, with whatever else waits."""
        return cast("Committed", await self._commits.submit(finish))

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        """The live mark of this key."""
        return self._readers.look_up(history.find_mark, webhook, key, now)

    async def find_run(self, run_id: str) -> Event | None:
        """The event whose status address this is."""
        return self._readers.look_up(history.find_run, run_id)

    async def owner_of(self, connection: str, entity: str, key: str) -> str:
        """The newest event that wrote this record."""
        return self._readers.look_up(history.owner_of, connection, entity, key)

    # --- history

    async def list_events(self, which: EventFilter, limit: int, after: str = "") -> Page:
        """One page, newest first."""
        return await self._readers.read(history.list_events, which, limit, after)

    async def get_event(self, event_id: str) -> Event | None:
        """One event."""
        return self._readers.look_up(history.get_event, event_id)

    async def get_payload(self, event_id: str) -> Payload | None:
        """The raw body, where it is kept."""
        return await self._readers.read(history.get_payload, event_id)

    async def list_attempts(self, event_id: str) -> Sequence[Attempt]:
        """Finished attempts."""
        return await self._readers.read(history.list_attempts, event_id)

    async def prune(self, retention: Retention, limit: int) -> int:
        """Delete what may go, in steps that let the lane pass."""
        gone = 0
        for look in rules(retention, self._sweeps):
            ended = False
            while gone < limit and not ended:
                found = await self._readers.read(look, limit - gone)
                ended = found.ended
                for start in range(0, len(found.event_ids), STEP):
                    step = found.event_ids[start : start + STEP]
                    work = partial(
                        remove,
                        jobs=self._jobs,
                        event_ids=step,
                        now=retention.now,
                        only_bodies=found.only_bodies,
                    )
                    gone += await self._commits.run(work)
        return gone

    # --- search

    async def reached(self) -> tuple[Reached, str]:
        """How far the index of words is filled, and the newest event."""
        return self._readers.look_up(search.reached)

    async def look_for_unsearched(self, after: str, until: str, limit: int) -> Looked:
        """Look at a span of events."""
        return await self._readers.read(search.look, after, until, limit)

    async def add_words(
        self, words: Sequence[tuple[str, frozenset[str]]], before: Reached, after: Reached
    ) -> bool:
        """Put events into the index of words; now and then a part of it is merged."""
        self._additions += 1
        merging = self._additions % search.MERGE_EVERY == 0
        work = partial(search.add, words=words, before=before, after=after, merging=merging)
        return await self._commits.run(work)

    # --- records

    async def list_records(self, entity: str, limit: int, after: str = "") -> Sequence[StoredRecord]:
        """Records in the order of writing."""
        return await self._readers.read(records.list_records, entity, limit, after)

    async def get_record(self, entity: str, key: str) -> StoredRecord | None:
        """One record."""
        return self._readers.look_up(records.get_record, entity, key)

    async def find_records(
        self, entity: str, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[StoredRecord]:
        """Records with these values."""
        return await self._readers.read(records.find_records, entity, match, limit)

    async def count_records(self, entity: str) -> int:
        """How many records an entity has, by its roll-up."""
        count = self._readers.look_up(records.entity_count, entity)
        return count.records if count else 0

    # --- settings

    async def load_configuration(self) -> StoredConfiguration:
        """Everything configured."""
        return await self._readers.read(configuration.load)

    async def revision(self) -> int:
        """The configuration's revision."""
        return self._readers.look_up(configuration.revision)

    async def save_configuration(self, change: ConfigurationChange, expected_revision: int) -> int:
        """Write a change; raises `Conflict` where somebody else was quicker."""
        revision = await self._commits.run(
            lambda connection: configuration.save(connection, self._jobs, change, expected_revision)
        )
        self._hints.tell(CONFIGURATION_CHANGED)
        return revision

    async def add_key(self, key: ApiKey) -> None:
        """Keep a key; raises `Conflict` where the name is taken."""
        await self._commits.run(lambda connection: configuration.add_key(connection, key))

    async def remove_key(self, name: str) -> bool:
        """Forget a key; whether there was one."""
        return await self._commits.run(lambda connection: configuration.remove_key(connection, name))

    async def keys(self) -> Sequence[ApiKey]:
        """All keys."""
        return self._readers.look_up(configuration.keys)

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        return self._readers.look_up(configuration.get_fact, name)

    async def set_fact(self, name: str, value: str) -> None:
        """Keep a small fact."""
        await self._commits.run(lambda connection: configuration.set_fact(connection, name, value))

    async def claim_fact(self, name: str, value: str) -> str:
        """Keep a small fact that is unset; returns the one that stands."""
        return await self._commits.run(lambda connection: configuration.claim_fact(connection, name, value))

    # --- its own life

    async def can_commit(self) -> bool:
        """Whether a change reaches the disk now."""
        try:
            await self._commits.run(lambda connection: connection.execute(queries.CAN_COMMIT).fetchall())
        except StoreError:
            return False
        return True

    async def backup_to(self, target: Path) -> int:
        """Copy the database as it is at this moment into a new file while work goes on; returns its bytes."""
        return await asyncio.to_thread(backup.back_up, self.path, target)

    async def close(self) -> None:
        """Commit what waits, let go of the file and of its folder. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self.stop_moving()
        await self._commits.close()
        self._readers.close()
        await asyncio.to_thread(self._handles.close)
