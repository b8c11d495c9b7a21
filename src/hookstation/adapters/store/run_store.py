"""Runs of the SQLite driver, and all that takes turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

import apsw

from hookstation.adapters.store import run_hashes, run_lists, running
from hookstation.adapters.store.delivering import SqliteDeliveries
from hookstation.adapters.store.journal_writer import Batch
from hookstation.adapters.store.sharing import BRIEF
from hookstation.core.events import OPEN_STATES
from hookstation.core.jobs import RUNS, Leased
from hookstation.core.workflows.run_rules import event_cancelled
from hookstation.core.workflows.values import Entry, Kept, Run, RunStart, Signal, Standing, Wait
from hookstation.errors import StoreError
from hookstation.ports.runs import LeasedRun, RunFigures, RunFilter, RunPage, Turn, Turned, WorkflowVersion
from hookstation.ports.store import Committed, Finish, Holder

log = logging.getLogger(__name__)

STEP: Final = 50
"""Runs that go in one transaction: some milliseconds, in which the lane waits."""

MOST_ENTRIES: Final = 200
"""Entries that are read on the event loop with the runs that are leased; where there may be more, a thread does."""


class SqliteRuns(SqliteDeliveries):
    """Implements `ports.runs.Runs`, beside the journal of the same file."""

    _mover: asyncio.Task[None] | None = None

    # --- runs

    async def start_runs(self, starts: Sequence[RunStart]) -> Sequence[bool]:
        """Begin runs."""
        return await self._commits.run(
            partial(running.write_starts, jobs=self._jobs, starts=starts), brief=len(starts) <= BRIEF
        )

    async def lease_runs(
        self, workflow: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedRun]:
        """Lease runs that are due."""
        if node_id not in self._nodes or await self.next_due(RUNS, workflow) != 0:
            return []
        holder = Holder(node_id, seconds)
        leased: list[Leased] = []

        def work(connection: apsw.Connection) -> list[LeasedRun]:
            leased[:] = self._jobs.lease(RUNS, workflow, holder, limit, most)
            return run_lists.leased_runs(connection, leased, MOST_ENTRIES)

        found = await self._commits.run(work, brief=limit <= BRIEF)
        if leased and not found:
            found = await self._readers.read(run_lists.leased_runs, leased)
        return found

    def turn(self, turn: Turn) -> asyncio.Future[Turned]:
        """Write the end of a turn with whatever else waits."""
        return cast("asyncio.Future[Turned]", self._commits.submit(turn))

    async def get_run(self, run_id: str) -> Run | None:
        """One run."""
        return self._readers.look_up(run_lists.get_run, run_id)

    async def list_runs(self, which: RunFilter, limit: int, after: str = "") -> RunPage:
        """Runs, newest first."""
        return await self._readers.read(run_lists.list_runs, which, limit, after)

    async def list_entries(
        self, run_id: str, limit: int, after: int = 0, *, under: str = "", every: bool = False
    ) -> Sequence[Entry]:
        """Entries in their order."""
        return await self._readers.read(run_lists.list_entries, run_id, limit, after, under, every)

    async def figures_of_runs(self, since: int) -> Sequence[RunFigures]:
        """How many runs there are, by workflow and state."""
        return await self._readers.read(run_lists.figures, since)

    async def cancel_runs(self, ids: Sequence[str], at: int, why: str) -> Sequence[str]:
        """End runs, whoever holds them, with all that they began."""
        heard: list[tuple[Finish, Committed]] = []
        left: list[bool] = []

        def work(connection: apsw.Connection) -> list[str]:
            found = running.open_families(connection, ids)
            left.append(running.cancel(connection, self._jobs, found, at, why))
            batch = Batch(connection, self._jobs)
            heard[:] = [
                (end := _failed(one.event_id, at, why), batch.finish(end)) for one in found if one.event_id
            ]
            batch.flush()
            return [one.id for one in found]

        gone = await self._commits.run(work)
        if self._commits.heard is not None:
            for finish, committed in heard:
                self._commits.heard(finish, committed)
        if any(left):
            self.move_hashes()
        return gone

    async def prune_runs(self, before: int, limit: int) -> int:
        """Delete what is old, in steps that let the lane pass."""
        ids = await self._readers.read(run_lists.old_runs, before, limit)
        gone = 0
        for start in range(0, len(ids), STEP):
            step = ids[start : start + STEP]
            while await self._commits.run(partial(running.remove_entries, ids=step, before=before)):
                pass
            gone += await self._commits.run(partial(running.remove, ids=step, before=before))
        if gone:
            await self._commits.run(running.remove_versions)
        return gone

    # --- signals and waits

    async def list_signals(self, run_id: str) -> Sequence[Signal]:
        """What came for a run, the oldest first."""
        return self._readers.look_up(run_lists.list_signals, run_id)

    async def signal(self, signals: Sequence[Signal]) -> Sequence[bool]:
        """Tell runs what they wait for."""
        return await self._commits.run(
            partial(running.tell, jobs=self._jobs, signals=signals), brief=len(signals) <= BRIEF
        )

    async def find_wait(self, digest: bytes) -> Wait | None:
        """What waits for a call."""
        return self._readers.look_up(run_lists.find_wait, digest)

    async def list_waits(self, person: str = "", run_id: str = "") -> Sequence[Wait]:
        """What waits for a decision, or for anything in a run."""
        return await self._readers.read(run_lists.list_waits, person, run_id)

    # --- what work keeps

    async def known_hashes(self, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The hashes that count."""
        return await self._readers.read(run_hashes.known, owner, keys)

    def move_hashes(self) -> None:
        """Move what runs that ended saw, piece by piece behind everything else, unless that is under way."""
        if self._mover is None or self._mover.done():
            self._mover = asyncio.get_running_loop().create_task(self._move(), name="hookstation row hashes")

    async def stop_moving(self) -> None:
        """Leave the rest for the next time."""
        if self._mover is not None:
            self._mover.cancel()
            await asyncio.wait([self._mover])

    async def _move(self) -> None:
        try:
            while left := self._readers.look_up(run_hashes.left):
                run_id, state = left[0]
                await self._commits.run(partial(run_hashes.move, run_id=run_id, state=state))
        except StoreError as failure:
            log.warning("hashes of rows are moved later: %s", failure.message)

    async def forget_hashes(self, owner: str, limit: int) -> int:
        """Delete hashes of an owner, once those that lie aside are moved."""
        if self._mover is not None:
            await asyncio.wait([self._mover])
        return await self._commits.run(partial(run_hashes.forget, owner=owner, limit=limit))

    async def get_kept(self, kind: str, name: str) -> Mapping[str, str]:
        """Everything that one thing keeps."""
        return self._readers.look_up(run_lists.get_kept, kind, name)

    async def keep(self, kept: Sequence[Kept]) -> None:
        """Keep small values."""
        await self._commits.run(partial(running.write_kept, kept=kept), brief=len(kept) <= BRIEF)

    async def standings(self, kind: str) -> Mapping[str, Standing]:
        """How things stand."""
        return self._readers.look_up(run_lists.standings, kind)

    async def save_standing(self, standing: Standing) -> None:
        """Say how a thing stands."""
        await self._commits.run(partial(running.put_standing, standing=standing), brief=True)

    # --- versions

    async def workflow_version(self, name: str, number: int = 0) -> WorkflowVersion | None:
        """One version."""
        return await self._readers.read(run_lists.get_version, name, number)

    async def list_workflow_versions(
        self, name: str, limit: int, before: int = 0
    ) -> Sequence[WorkflowVersion]:
        """Versions, the newest first."""
        return await self._readers.read(run_lists.list_versions, name, limit, before)


def _failed(event_id: str, at: int, why: str) -> Finish:
    """The end of an event whose run was ended."""
    settlement = event_cancelled(why)
    return Finish(event_id, OPEN_STATES, lambda _: settlement, at)
