"""Group commit: whatever waits is written together, and each caller hears of it after the commit that holds it.

Inserting runs on the event loop, because there it needs no fight for the interpreter lock; COMMIT, which waits for the
disk, runs in a thread, and while it does, the next batch gathers.  Only a lone unit on a quick disk is committed on the
loop too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Final, Generic, Protocol, TypeAlias, TypeVar, cast

import apsw

from hookstation.adapters.store.connections import translate, whole_database
from hookstation.adapters.store.disk_thread import DiskThread
from hookstation.errors import StoreError, StoreUnavailable

LARGEST_BATCH: Final = 500
NOTED_IN_A_BATCH: Final = 100
"""Noted units that a batch takes along: a flood of them must not hold up those for whom somebody waits."""

MOST_NOTED: Final = 2_000
"""Noted units that may wait; what comes beyond them is dropped."""

PATIENCE: Final = 2.0
"""Seconds to wait for another process's lock before the callers are told."""

QUICK: Final = 0.001
"""Seconds: a commit that took less may be made on the event loop when nobody else would wait for it."""

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

    def committed(self) -> None:
        """Called on the event loop after each commit, of units and of jobs, once its callers have their answers."""
        ...


class GroupCommit(Generic[Unit, Done]):
    """Owns the writing connection: one task turns waiting units into batches, and jobs into transactions."""

    def __init__(self, connection: apsw.Connection, writer: BatchWriter[Unit, Done]) -> None:
        self._connection = connection
        self._writer = writer
        self._units: deque[tuple[Unit, asyncio.Future[Done]]] = deque()
        self._noted: deque[Unit] = deque()
        self.noted_lost = 0
        self.heard: Callable[[Unit, Done], None] | None = None
        self._jobs: deque[tuple[Job, asyncio.Future[object], bool]] = deque()
        self._thread = DiskThread("hookstation-commit")
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._closing = False
        self._lasted = QUICK
        self._task = self._loop.create_task(self._work(), name="hookstation store writer")

    def submit(self, unit: Unit) -> asyncio.Future[Done]:
        """Write the unit with whatever else waits; the future is done after the commit that holds it."""
        future: asyncio.Future[Done] = self._loop.create_future()
        if self._closing:
            future.set_exception(StoreUnavailable("The database is closed."))
        else:
            self._units.append((unit, future))
            self._wake.set()
        return future

    def note(self, unit: Unit) -> None:
        """Write the unit with the next batches; nobody waits for it, and what cannot be written is only counted."""
        if self._closing or len(self._noted) >= MOST_NOTED:
            self.noted_lost += 1
            return
        self._noted.append(unit)
        self._wake.set()

    async def run(self, job: Callable[[apsw.Connection], Result], *, brief: bool = False) -> Result:
        """Run a job in the thread, in a transaction of its own, between two batches; a brief one on the event loop.

        A brief job is a few statements long: the way to the thread and back would cost more than it does.  One that
        returns a list has written as many rows.
        """
        if self._closing:
            raise StoreUnavailable("The database is closed.")
        future: asyncio.Future[object] = self._loop.create_future()
        self._jobs.append((job, future, brief))
        self._wake.set()
        return cast("Result", await future)

    async def close(self) -> None:
        """Commit what waits, then stop. The connection stays open for its owner to close."""
        self._closing = True
        self._wake.set()
        await self._task
        self._thread.stop()

    async def _work(self) -> None:
        while self._waiting() or not self._closing:
            if self._units or self._noted:
                await self._write_batch()
            if self._jobs:
                await self._run_job()
            if not self._waiting() and not self._closing:
                self._wake.clear()
                await self._wake.wait()

    def _waiting(self) -> bool:
        return bool(self._units or self._noted or self._jobs)

    async def _write_batch(self) -> None:
        failure: Exception | None = None
        try:
            await self._begin()
        except Exception as error:
            failure = error
        asked = [self._units.popleft() for _ in range(min(len(self._units), LARGEST_BATCH))]
        noted = [self._noted.popleft() for _ in range(min(len(self._noted), NOTED_IN_A_BATCH))]
        units = [unit for unit, _ in asked] + noted
        outcomes: Sequence[Done | Exception] = ()
        if failure is None:
            try:
                outcomes = self._write(units)
                await self._commit_soon(len(units))
            except Exception as error:
                failure = error
                self._roll_back()
        if failure is None:
            self._tell(units, outcomes)
        self._answer(asked, len(noted), outcomes, failure)
        if failure is None:
            self._writer.committed()

    def _tell(self, units: Sequence[Unit], outcomes: Sequence[Done | Exception]) -> None:
        if self.heard is not None:
            for unit, outcome in zip(units, outcomes, strict=True):
                if not isinstance(outcome, Exception):
                    self.heard(unit, outcome)

    def _answer(
        self,
        asked: Sequence[tuple[Unit, asyncio.Future[Done]]],
        noted: int,
        outcomes: Sequence[Done | Exception],
        failure: Exception | None,
    ) -> None:
        if failure is not None:
            self.noted_lost += noted
            for _, future in asked:
                _resolve(future, _not_committed(failure))
            return
        for (_, future), outcome in zip(asked, outcomes, strict=False):
            _resolve(future, outcome)
        self.noted_lost += sum(isinstance(outcome, Exception) for outcome in outcomes[len(asked) :])

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
        job, future, brief = self._jobs.popleft()
        try:
            await self._begin()
            if brief:
                result = job(self._connection)
                await self._commit_soon(len(result) if isinstance(result, list) else 1)
            else:
                result = await self._thread.run(partial(self._committed, job))
        except Exception as error:
            self._roll_back()
            _resolve(future, translate(error))
        else:
            _resolve(future, result)
            self._writer.committed()

    def _committed(self, job: Job) -> object:
        result = job(self._connection)
        self._commit()
        return result

    async def _commit_soon(self, written: int) -> None:
        if self._is_alone(written):
            self._commit()
        else:
            await self._thread.run(self._commit)

    def _is_alone(self, written: int) -> bool:
        """Whether to commit on the loop: one unit, nobody behind it, and a disk that was quick a moment ago.

        The way to the thread and back costs a lone caller more than a quick disk does.
        """
        return written == 1 and not self._units and self._lasted < QUICK

    def _commit(self) -> None:
        began = perf_counter()
        self._connection.execute("COMMIT")
        self._lasted = perf_counter() - began

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


def _not_committed(failure: Exception) -> StoreError:
    """Each caller gets an error of its own: one that is raised in several places gathers all their stacks."""
    told = translate(failure)
    return (
        told
        if isinstance(told, StoreError)
        else StoreUnavailable(f"The batch could not be written. ({told})")
    )


def _resolve(future: asyncio.Future[Done], outcome: Done | Exception) -> None:
    if future.done():
        return  # its caller has gone; what it asked stands
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
