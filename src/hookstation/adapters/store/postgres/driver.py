"""The PostgreSQL driver of the Store port.

A few connections write, by group commit; a small pool reads and changes the configuration.  Everything that nodes
share is in the database: any number of them may have it open.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar

import asyncpg

from hookstation.adapters.store.postgres import configuration, history, migrations, queries, records
from hookstation.adapters.store.postgres.commits import OutcomeUnknown, commit, find_out
from hookstation.adapters.store.postgres.connecting import (
    Access,
    Connection,
    Pool,
    connect,
    let_go,
    make_pool,
    may_repeat,
    translated,
)
from hookstation.adapters.store.postgres.group_commit import SLOTS, GroupCommit
from hookstation.adapters.store.postgres.matching import keep_indexes
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.partitions import Partitions
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
from hookstation.adapters.store.sweeps import Sweeps
from hookstation.core.events import Attempt, DueWork, Event, Mark
from hookstation.core.records import StoredRecord
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.store import (
    Acceptance,
    ApiKey,
    Committed,
    ConfigurationChange,
    EventFilter,
    Finish,
    Page,
    Payload,
    Retention,
    StoredConfiguration,
)

REPLICA_REST: Final = 10.0
"""Seconds for which a replica that did not answer is not asked again."""

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


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
        replica = await make_pool(replace(chosen, url=chosen.replica_url)) if chosen.replica_url else None
        return PostgresStore(chosen, await make_pool(chosen), partitions, replica)


class PostgresStore:
    """Implements `ports.store.Store`. Made by `open_postgres`."""

    def __init__(
        self, access: Access, pool: Pool, partitions: Partitions, replica: Pool | None = None
    ) -> None:
        self._access, self._pool, self._replica = access, pool, replica
        self._replica_rests = 0.0
        self._numbering = Numbering()
        self._commits = GroupCommit(access, self._numbering, partitions)
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

    @property
    def noted_lost(self) -> int:
        """How many noted calls were dropped."""
        return self._commits.noted_lost

    async def finish(self, finish: Finish) -> Committed:
        """Settle or move an event, with whatever else waits."""
        return await self._commits.submit(finish)

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        """The live mark of this key."""
        return await self._read(history.find_mark, webhook, key, now)

    async def find_run(self, run_id: str) -> Event | None:
        """The event whose status address this is."""
        return await self._read(history.find_run, run_id)

    async def due(self, now: int, limit: int) -> Sequence[DueWork]:
        """Work whose time has come."""
        return await self._read(history.list_due, now, limit)

    async def due_of(self, event_id: str) -> DueWork | None:
        """The due work of one event."""
        return await self._read(history.due_of, event_id)

    async def orphan(self, now: int) -> int:
        """What was under way when its process died becomes unknown, and due.

        It cannot tell a dead node's events from a living one's: to be called only while no other node runs.
        """
        return await self._change(partial(history.orphan, now=now))

    async def owner_of(self, connection: str, entity: str, key: str) -> str:
        """The newest event that wrote this record."""
        return await self._read(history.owner_of, self._numbering, connection, entity, key)

    # --- history

    async def list_events(self, which: EventFilter, limit: int, after: str = "") -> Page:
        """One page, newest first, from the replica where there is one that answers."""
        loop = asyncio.get_running_loop()
        if self._replica is not None and loop.time() >= self._replica_rests:
            try:
                with translated():
                    async with self._replica.acquire(timeout=self._access.pool_timeout) as connection:
                        return await history.list_events(connection, which, limit, after)
            except StoreUnavailable:
                self._replica_rests = loop.time() + REPLICA_REST
        return await self._read(history.list_events, which, limit, after)

    async def get_event(self, event_id: str) -> Event | None:
        """One event."""
        return await self._read(history.get_event, event_id)

    async def get_payload(self, event_id: str) -> Payload | None:
        """The raw body, where it is kept."""
        return await self._read(history.get_payload, event_id)

    async def list_attempts(self, event_id: str) -> Sequence[Attempt]:
        """Finished attempts."""
        return await self._read(history.list_attempts, event_id)

    async def prune(self, retention: Retention, limit: int) -> int:
        """Delete what may go: whole partitions at once, then events in steps.

        At most `limit` go, but for a partition so full that steps would take long.
        """
        gone = 0
        for week in await self._read(droppable, retention):
            gone += await self._drop(week, retention, max(limit - gone, 0))
        if gone or not self._swept:
            await self._sweep()
        for look in rules(retention, self._sweeps):
            ended = False
            while gone < limit and not ended:
                found = await self._read(look, limit - gone)
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
                    gone += await self._change(work)
        return gone

    async def _sweep(self) -> None:
        """Forget what hung on the events of weeks that are gone; they are as if they were not there meanwhile."""
        for span in await self._read(gaps):
            for statement in SWEEPING:
                while await self._change(partial(sweep, statement=statement, span=span)):
                    pass
        self._swept = True

    async def _drop(self, week: int, retention: Retention, limit: int) -> int:
        try:
            return await self._change(
                partial(drop, week=week, retention=retention, slot=self._slot, limit=limit)
            )
        except StoreUnavailable:
            return 0  # somebody holds it at this moment; its events go in steps, or next time
        except StoreError as error:
            if isinstance(error.__cause__, asyncpg.UndefinedTableError):
                return 0  # another node was quicker
            raise

    # --- records

    async def list_records(self, entity: str, limit: int, after: str = "") -> Sequence[StoredRecord]:
        """Records in the order of their numbers, in which one node writes them; of several, nearly so."""
        return await self._read(records.list_records, self._numbering, entity, limit, after)

    async def get_record(self, entity: str, key: str) -> StoredRecord | None:
        """One record."""
        return await self._read(records.get_record, self._numbering, entity, key)

    async def count_records(self, entity: str) -> int:
        """How many records an entity has, by its roll-up."""
        return await self._read(records.count_records, self._numbering, entity)

    # --- settings

    async def load_configuration(self) -> StoredConfiguration:
        """Everything configured."""
        return await self._read(configuration.load)

    async def revision(self) -> int:
        """The configuration's revision."""
        return await self._read(configuration.revision)

    async def save_configuration(self, change: ConfigurationChange, expected_revision: int) -> int:
        """Write a change; raises `Conflict` where somebody else was quicker.

        The indexes that serve matches follow it; where one cannot be made now, the change stands all the same.
        """
        revision = await self._change(partial(configuration.save, change=change, expected=expected_revision))
        try:
            await self._read(self._keep_indexes, change)
        except StoreError:
            return revision
        return revision

    async def _keep_indexes(self, connection: Connection, change: ConfigurationChange) -> None:
        await self._numbering.learn(connection, change.matches)
        for panel, matches in change.matches.items():
            await keep_indexes(connection, self._numbering.number(panel), matches)

    async def add_key(self, key: ApiKey) -> None:
        """Keep a key; raises `Conflict` where the name is taken."""
        await self._change(partial(configuration.add_key, key=key))

    async def keys(self) -> Sequence[ApiKey]:
        """All keys."""
        return await self._read(configuration.keys)

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        return await self._read(configuration.get_fact, name)

    async def set_fact(self, name: str, value: str) -> None:
        """Keep a small fact."""
        await self._change(partial(configuration.set_fact, name=name, value=value))

    async def claim_fact(self, name: str, value: str) -> str:
        """Keep a small fact that is unset; returns the one that stands."""
        return await self._change(partial(configuration.claim_fact, name=name, value=value))

    # --- its own life

    async def can_commit(self) -> bool:
        """Whether a change reaches the disk now."""
        row = columns([("checks", self._slot, 1)], 3)
        try:
            await self._change(lambda connection: connection.fetchval(queries.ADD_TOTALS, *row))
        except StoreError:
            return False
        return True

    async def close(self) -> None:
        """Commit what waits, then let go of every connection. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._commits.close()
        for pool in filter(None, (self._pool, self._replica)):
            try:
                await asyncio.wait_for(pool.close(), self._access.statement_timeout)
            except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                pool.terminate()

    async def _read(
        self,
        read: Callable[Concatenate[Connection, Asked], Awaitable[Result]],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Result:
        """Read on a connection of the pool; one that turns out to be dead is replaced once."""
        if self._closed:
            raise StoreUnavailable("The database is closed.")
        with translated():
            try:
                return await self._read_once(read, *asked, **named)
            except Exception as error:
                if not may_repeat(error):
                    raise
            return await self._read_once(read, *asked, **named)

    async def _read_once(
        self,
        read: Callable[Concatenate[Connection, Asked], Awaitable[Result]],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Result:
        async with self._pool.acquire(timeout=self._access.pool_timeout) as connection:
            return await read(connection, *asked, **named)

    async def _change(self, job: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a job in a transaction of its own, and hear for certain how it ended."""
        if self._closed:
            raise StoreUnavailable("The database is closed.")
        transaction = ""
        with translated():
            try:
                async with self._pool.acquire(timeout=self._access.pool_timeout) as connection:
                    try:
                        await connection.execute(self._access.begin)
                        result = await job(connection)
                        transaction = str(await connection.fetchval("SELECT pg_current_xact_id()::text"))
                        await commit(connection, self._access.commit_timeout)
                    except BaseException:
                        await _give_up(connection)
                        raise
                    return result
            except OutcomeUnknown:
                if await find_out(self._access, transaction, ""):
                    return result
        raise StoreUnavailable("The connection was lost before the commit: ask again.")


async def _give_up(connection: Connection) -> None:
    """End a transaction that failed; a connection that cannot is thrown away, if the pool has not done so already."""
    try:
        await connection.execute("ROLLBACK")
    except Exception:
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()
