"""Group commit: whatever waits is written together, and each caller hears of it after the commit that holds it.

Inserting runs on the event loop, because there it needs no fight for the interpreter lock; only COMMIT, which waits for
the disk, runs in a thread.  While it does, the next batch gathers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, Protocol, TypeAlias, TypeVar, cast

import apsw

from hookstation.adapters.store.connections import translate, whole_database
from hookstation.adapters.store.disk_thread import DiskThread
from hookstation.errors import StoreUnavailable

LARGEST_BATCH: Final = 500
PATIENCE: Final = 2.0
"""Seconds to wait for another process's lock before the callers are told."""

MOST_NOTED: Final = 2_000
"""Waiting units beyond which a note is dropped: what nobody waits for may not grow without bounds."""

_POLL: Final = 0.01

Unit = TypeVar("Unit")
UnitIn = TypeVar("UnitIn", contravariant=True)
Done = TypeVar("Done")
DoneOut = TypeVar("DoneOut", covariant=True)
Result = TypeVar("Result")
Job: TypeAlias = Callable[[apsw.Connection], object]


class BatchWriter(Protocol[UnitIn, DoneOut]):
    """Writes units inside a transaction that somebody else begins and commits."""

    def write_together(self, units: Sequence[UnitIn]) -> Sequence[DoneOut]:
        """Write all; any exception means that they have to be rolled back and written one by one."""
        ...

    def write_alone(self, unit: UnitIn) -> DoneOut:
        """Write one; its exception is its caller's."""
        ...


class GroupCommit(Generic[Unit, Done]):
    """Owns the writing connection: one task turns waiting units into batches, and jobs into transactions."""

    def __init__(self, connection: apsw.Connection, writer: BatchWriter[Unit, Done]) -> None:
        self._connection = connection
        self._writer = writer
        self._units: deque[tuple[Unit, asyncio.Future[Done]]] = deque()
        self._jobs: deque[tuple[Job, asyncio.Future[object]]] = deque()
        self._thread = DiskThread("hookstation-commit")
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._closing = False
        self.notes_lost = 0
        self._task = self._loop.create_task(self._work(), name="hookstation store writer")

    async def submit(self, unit: Unit) -> Done:
        """Write the unit with whatever else waits; return after the commit that holds it."""
        if self._closing:
            raise StoreUnavailable("The database is closed.")
        future: asyncio.Future[Done] = self._loop.create_future()
        self._units.append((unit, future))
        self._wake.set()
        return await future

    def note(self, unit: Unit) -> None:
        """Write the unit with whatever is written next; nobody waits for it, so it may be dropped and counted."""
        if self._closing or len(self._units) >= MOST_NOTED:
            self.notes_lost += 1
            return
        future: asyncio.Future[Done] = self._loop.create_future()
        future.add_done_callback(self._noted)
        self._units.append((unit, future))
        self._wake.set()

    def _noted(self, future: asyncio.Future[Done]) -> None:
        if future.exception() is not None:
            self.notes_lost += 1

    async def run(self, job: Callable[[apsw.Connection], Result]) -> Result:
        """Run a job in the thread, in a transaction of its own, between two batches."""
        if self._closing:
            raise StoreUnavailable("The database is closed.")
        future: asyncio.Future[object] = self._loop.create_future()
        self._jobs.append((job, future))
        self._wake.set()
        return cast("Result", await future)

    async def close(self) -> None:
        """Commit what waits, then stop. The connection stays open for its owner to close."""
        self._closing = True
        self._wake.set()
        await self._task
        self._thread.stop()

    async def _work(self) -> None:
        while self._units or self._jobs or not self._closing:
            if self._units:
                await self._write_batch()
            if self._jobs:
                await self._run_job()
            if not self._units and not self._jobs and not self._closing:
                self._wake.clear()
                await self._wake.wait()

    async def _write_batch(self) -> None:
        failure: Exception | None = None
        try:
            await self._begin()
        except Exception as error:
            failure = error
        batch = [self._units.popleft() for _ in range(min(len(self._units), LARGEST_BATCH))]
        outcomes: Sequence[Done | Exception] = ()
        if failure is None:
            try:
                outcomes = self._write([unit for unit, _ in batch])
                await self._thread.run(self._commit)
            except Exception as error:
                failure = error
                self._roll_back()
        if failure is None:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _answer(future, outcome)
        else:
            for _, future in batch:
                _answer(future, translate(failure))

    def _write(self, units: Sequence[Unit]) -> Sequence[Done | Exception]:
        try:
            return self._writer.write_together(units)
        except Exception as error:
            if whole_database(error):
                raise
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        return [self._write_alone(unit) for unit in units]

    def _write_alone(self, unit: Unit) -> Done | Exception:
        self._connection.execute("SAVEPOINT alone")
        try:
            done = self._writer.write_alone(unit)
        except Exception as error:
            if whole_database(error) or not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO alone; RELEASE alone")
            return translate(error)
        self._connection.execute("RELEASE alone")
        return done

    async def _run_job(self) -> None:
        job, future = self._jobs.popleft()
        try:
            await self._begin()
            result = await self._thread.run(partial(self._committed, job))
        except Exception as error:
            self._roll_back()
            _answer(future, translate(error))
        else:
            _answer(future, result)

    def _committed(self, job: Job) -> object:
        result = job(self._connection)
        self._commit()
        return result

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    async def _begin(self) -> None:
        """Begin to write; wait for another process's lock without holding up the event loop."""
        deadline = self._loop.time() + PATIENCE
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                if self._loop.time() >= deadline:
                    raise
                await asyncio.sleep(_POLL)
            else:
                return

    def _roll_back(self) -> None:
        """SQLite has rolled back by itself after some errors; a transaction left open would take in the next batch."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _answer(future: asyncio.Future[Done], outcome: Done | Exception) -> None:
    if future.done():
        return  # its caller has gone; what it asked stands
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
