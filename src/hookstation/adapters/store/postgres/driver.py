"""The PostgreSQL driver of the Store port.

A few connections write events, by group commit; a small pool reads and changes the configuration, another one serves
jobs and nodes.  Everything that nodes share is in the database: any number of them may have it open.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import asyncpg

from hookstation.adapters.store.observing import Listener, harmless
from hookstation.adapters.store.postgres import configuration, history, migrations, queries, records, search
from hookstation.adapters.store.postgres.connecting import Access, Connection, connect, let_go, translated
from hookstation.adapters.store.postgres.deliveries import PostgresDeliveries
from hookstation.adapters.store.postgres.flushers import SLOTS
from hookstation.adapters.store.postgres.group_commit import GroupCommit
from hookstation.adapters.store.postgres.matching import keep_indexes
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.partitions import Partitions
from hookstation.adapters.store.postgres.people import PostgresPeople
from hookstation.adapters.store.postgres.retention import (
    STEP,
    SWEEPING,
    drop,
    droppable,
    gaps,
    remove,
    rules,
    sweep,
)
from hookstation.adapters.store.postgres.rows import columns
from hookstation.adapters.store.postgres.runs import PostgresRuns
from hookstation.adapters.store.postgres.sessions import Sessions, open_readers, open_workers
from hookstation.adapters.store.postgres.tallies import PostgresTallies
from hookstation.adapters.store.postgres.versions import PostgresCaptures, PostgresVersions
from hookstation.adapters.store.sweeps import Sweeps
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


async def open_postgres(access: Access | str) -> PostgresStore:
    """Open a database by its URL, migrated as needed; many nodes may do so at once.

    `Access` says how it is reached, where the defaults do not fit.
    Raises `NewerDatabase`; `StoreUnavailable` where it cannot be reached; `StoreError` where it cannot be used.
    """
    chosen = Access(access) if isinstance(access, str) else access
    partitions = Partitions()
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    with translated():
        try:
            connection = await connect(chosen)
            await migrations.migrate(connection)
            await partitions.make_present(connection)
        finally:
            await let_go(connection)
        return PostgresStore(chosen, await open_readers(chosen), await open_workers(chosen), partitions)


class PostgresStore(
    PostgresVersions, PostgresCaptures, PostgresPeople, PostgresTallies, PostgresDeliveries, PostgresRuns
):
    """Implements `ports.store.Store`. Made by `open_postgres`."""

    def __init__(self, access: Access, readers: Sessions, workers: Sessions, partitions: Partitions) -> None:
        super().__init__(access, workers)
        self._sessions = readers
        self._numbering = Numbering()
        self._commits = GroupCommit(access, self._numbering, partitions, self._bulletin.send, self.settle)
        self._slot = secrets.randbelow(SLOTS)
        self._sweeps = Sweeps()
        self._swept = False
        self._closed = False

    # --- journal

    def accept(self, acceptance: Acceptance) -> asyncio.Future[Committed]:
        """Commit one event with whatever else waits."""
        return self._commits.submit(acceptance)

    def note(self, acceptance: Acceptance) -> None:
        """Commit a rejected call with what comes next; nobody waits."""
        self._commits.note(acceptance)

    def observe(self, listener: Listener) -> None:
        """Call `listener` with whatever is committed here."""
        self._commits.heard = harmless(listener)

    @property
    def noted_lost(self) -> int:
        """How many noted calls were dropped."""
        return self._commits.noted_lost

    async def finish(self, finish: Finish) -> Committed:
        """Settle or move an event, with whatever else waits."""
        return await self._commits.submit(finish)

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        """The live mark of this key."""
        return await self._sessions.read(history.find_mark, webhook, key, now)

    async def find_run(self, run_id: str) -> Event | None:
        """The event whose status address this is."""
        return await self._sessions.read(history.find_run, run_id)

    async def owner_of(self, connection: str, entity: str, key: str) -> str:
        """The newest event that wrote this record."""
        return await self._sessions.read(history.owner_of, self._numbering, connection, entity, key)

    # --- history

    async def list_events(self, which: EventFilter, limit: int, after: str = "") -> Page:
        """One page, newest first."""
        return await self._sessions.page(history.list_events, self._numbering, which, limit, after)

    async def get_event(self, event_id: str) -> Event | None:
        """One event."""
        return await self._sessions.read(history.get_event, event_id)

    async def get_payload(self, event_id: str) -> Payload | None:
        """The raw body, where it is kept."""
        return await self._sessions.page(history.get_payload, event_id)

    async def list_attempts(self, event_id: str) -> Sequence[Attempt]:
        """Finished attempts."""
        return await self._sessions.page(history.list_attempts, event_id)

    async def prune(self, retention: Retention, limit: int) -> int:
        """Delete what may go: whole partitions at once, then events in steps.

        At most `limit` go, but for a partition so full that steps would take long.
        """
        gone = 0
        for week in await self._sessions.read(droppable, retention):
            gone += await self._drop(week, retention, max(limit - gone, 0))
        if gone or not self._swept:
            await self._sweep()
        for look in rules(retention, self._sweeps):
            ended = False
            while gone < limit and not ended:
                found = await self._sessions.read(look, limit - gone)
                ended = found.ended
                for start in range(0, len(found.event_ids), STEP):
                    step = found.event_ids[start : start + STEP]
                    work = partial(
                        remove,
                        event_ids=step,
                        now=retention.now,
                        slot=self._slot,
                        only_bodies=found.only_bodies,
                    )
                    gone += await self._sessions.change(work)
        return gone

    async def _sweep(self) -> None:
        """Forget what hung on the events of weeks that are gone; they are as if they were not there meanwhile."""
        for span in await self._sessions.read(gaps):
            for statement in SWEEPING:
                while await self._sessions.change(partial(sweep, statement=statement, span=span)):
                    pass
        self._swept = True

    async def _drop(self, week: int, retention: Retention, limit: int) -> int:
        try:
            return await self._sessions.change(
                partial(drop, week=week, retention=retention, slot=self._slot, limit=limit)
            )
        except StoreUnavailable:
            return 0  # somebody holds it at this moment; its events go in steps, or next time
        except StoreError as error:
            if isinstance(error.__cause__, asyncpg.UndefinedTableError):
                return 0  # another node was quicker
            raise

    # --- search

    async def reached(self) -> tuple[Reached, str]:
        """How far the index of words is filled, and the newest event."""
        return await self._sessions.read(search.reached)

    async def look_for_unsearched(self, after: str, until: str, limit: int) -> Looked:
        """Look at a span of events."""
        return await self._sessions.read(search.look, after, until, limit)

    async def add_words(
        self, words: Sequence[tuple[str, frozenset[str]]], before: Reached, after: Reached
    ) -> bool:
        """Put events into the index of words."""
        return await self._sessions.change(partial(search.add, words=words, before=before, after=after))

    # --- records

    async def list_records(self, entity: str, limit: int, after: str = "") -> Sequence[StoredRecord]:
        """Records in the order of their numbers, in which one node writes them; of several, nearly so."""
        return await self._sessions.page(records.list_records, self._numbering, entity, limit, after)

    async def get_record(self, entity: str, key: str) -> StoredRecord | None:
        """One record."""
        return await self._sessions.read(records.get_record, self._numbering, entity, key)

    async def find_records(
        self, entity: str, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[StoredRecord]:
        """Records that match, the oldest first."""
        return await self._sessions.read(records.find_records, self._numbering, entity, match, limit)

    async def count_records(self, entity: str) -> int:
        """How many records an entity has, by its roll-up."""
        return await self._sessions.read(records.count_records, self._numbering, entity)

    # --- settings

    async def load_configuration(self) -> StoredConfiguration:
        """Everything configured."""
        return await self._sessions.read(configuration.load)

    async def revision(self) -> int:
        """The configuration's revision."""
        return await self._sessions.read(configuration.revision)

    async def save_configuration(self, change: ConfigurationChange, expected_revision: int) -> int:
        """Write a change; raises `Conflict` where somebody else was quicker.

        The indexes that serve matches follow it; where one cannot be made now, the change stands all the same.
        """
        work = partial(configuration.save, change=change, expected=expected_revision)
        revision = await self._sessions.change(work)
        self._bulletin.send([CONFIGURATION_CHANGED])
        try:
            await self._sessions.read(self._keep_indexes, change)
        except StoreError:
            return revision
        return revision

    async def _keep_indexes(self, connection: Connection, change: ConfigurationChange) -> None:
        await self._numbering.learn(connection, change.matches)
        for panel, matches in change.matches.items():
            await keep_indexes(connection, self._numbering.number(panel), matches)

    async def add_key(self, key: ApiKey) -> None:
        """Keep a key; raises `Conflict` where the name is taken."""
        await self._sessions.change(partial(configuration.add_key, key=key))

    async def remove_key(self, name: str) -> bool:
        """Forget a key; whether there was one."""
        return await self._sessions.change(partial(configuration.remove_key, name=name))

    async def keys(self) -> Sequence[ApiKey]:
        """All keys."""
        return await self._sessions.read(configuration.keys)

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        return await self._sessions.read(configuration.get_fact, name)

    async def set_fact(self, name: str, value: str) -> None:
        """Keep a small fact."""
        await self._sessions.change(partial(configuration.set_fact, name=name, value=value))

    async def claim_fact(self, name: str, value: str) -> str:
        """Keep a small fact that is unset; returns the one that stands."""
        return await self._sessions.change(partial(configuration.claim_fact, name=name, value=value))

    # --- its own life

    async def can_commit(self) -> bool:
        """Whether a change reaches the disk now."""
        row = columns([("checks", self._slot, 1)], 3)
        try:
            await self._sessions.change(lambda connection: connection.fetchval(queries.ADD_TOTALS, *row))
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        """Commit what waits, then let go of every connection. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._commits.close()
        await self._bulletin.close()
        await self._sessions.close()
        await self._work.close()
