"""The part of the PostgreSQL driver that holds runs, and what takes turns."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres import (
    jobs,
    row_hashes,
    run_ends,
    run_lists,
    run_pruning,
    run_starts,
    things,
    turn_rows,
)
from hookstation.adapters.store.postgres.batches import Batch
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.group_commit import GroupCommit
from hookstation.adapters.store.postgres.jobs import Asked, Hinted, Missed, read_leased
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.rows import kept, told
from hookstation.adapters.store.postgres.run_rows import (
    RUN_COLUMNS,
    read_entry,
    read_run,
    read_signal,
    read_wait,
)
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.adapters.store.postgres.sharing import SharedWork
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.run_rules import latest_tries
from hookstation.core.workflows.values import Entry, Kept, Run, RunStart, Signal, Standing, Wait
from hookstation.ports.runs import (
    LeasedRun,
    RunFigures,
    RunFilter,
    RunPage,
    Turn,
    Turned,
    WorkflowVersion,
)
from hookstation.ports.store import Committed, Finish

AT_ONCE: Final = 200
"""Runs that are cancelled, with what they began, in one transaction."""

HASH_STEPS: Final = 400
"""Steps with the hashes of ended runs that are taken at a time."""

_WITH_THEM: Final = f"SELECT l.*, {RUN_COLUMNS} FROM leased l JOIN runs r ON r.id = l.id"

LEASE: Final = f"WITH leased AS ({jobs.LEASE}) {_WITH_THEM}"
"""Lease runs."""

LEASED_BY_CALL: Final = f"WITH leased AS MATERIALIZED ({jobs.LEASED_BY_CALL}) {_WITH_THEM}"
"""What a call leased whose answer was lost."""


class PostgresRuns(SharedWork):
    """Implements `ports.runs`."""

    _sessions: Sessions
    _commits: GroupCommit
    _numbering: Numbering
    _slot: int

    async def start_runs(self, starts: Sequence[RunStart]) -> Sequence[bool]:
        """Begin runs in one transaction."""
        return await self._hinting(partial(run_starts.start, starts=starts), self._sessions) if starts else []

    async def lease_runs(
        self, workflow: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedRun]:
        """Lease what is due of a workflow, with its history."""
        return await self._lease(Asked(RUNS, workflow, node_id, seconds, limit, most), _lease, _leased_by)

    def turn(self, turn: Turn) -> asyncio.Future[Turned]:
        """Write the end of a turn with whatever else waits."""
        return self._commits.submit_turn(turn)

    async def get_run(self, run_id: str) -> Run | None:
        """One run."""
        return await self._sessions.read(run_lists.get_run, run_id)

    async def list_runs(self, which: RunFilter, limit: int, after: str = "") -> RunPage:
        """One page, newest first."""
        return await self._sessions.page(run_lists.list_runs, which, limit, after)

    async def list_entries(
        self, run_id: str, limit: int, after: int = 0, *, under: str = "", every: bool = False
    ) -> Sequence[Entry]:
        """Entries in the order of their numbers."""
        return await self._sessions.read(run_lists.list_entries, run_id, limit, after, under, every)

    async def list_signals(self, run_id: str) -> Sequence[Signal]:
        """Everything that came for a run."""
        rows = await self._sessions.read(_fetch, run_lists.SIGNALS_OF, [kept(run_id)])
        return [read_signal(row) for row in rows]

    async def signal(self, signals: Sequence[Signal]) -> Sequence[bool]:
        """Tell runs what they wait for."""
        return (
            await self._hinting(partial(run_ends.signal, signals=signals), self._sessions) if signals else []
        )

    async def find_wait(self, digest: bytes) -> Wait | None:
        """What waits for the call with this token."""
        rows = await self._sessions.read(_fetch, run_lists.WAIT_FOR, digest)
        return read_wait(rows[0]) if rows else None

    async def list_waits(self, person: str = "", run_id: str = "") -> Sequence[Wait]:
        """What waits for a person, or for anything in one run."""
        if run_id:
            rows = await self._sessions.read(_fetch, run_lists.WAITS_OF, kept(run_id), kept(person))
        else:
            rows = await self._sessions.read(_fetch, run_lists.APPROVALS, kept(person))
        return [read_wait(row) for row in rows]

    async def cancel_runs(self, ids: Sequence[str], at: int, why: str) -> Sequence[str]:
        """End runs, whoever holds them, with what they began."""
        asked, gone = sorted(set(ids)), list[str]()
        for start in range(0, len(asked), AT_ONCE):
            gone += await self._cancel(asked[start : start + AT_ONCE], at, why)
        return gone

    async def _cancel(self, ids: Sequence[str], at: int, why: str) -> list[str]:
        async def work(connection: Connection) -> Hinted[tuple[list[str], list[tuple[Finish, Committed]]]]:
            batch = Batch(connection, self._numbering, self._slot)
            return await run_ends.cancel(connection, ids, at, why, batch)

        while True:
            with contextlib.suppress(Missed):
                gone, heard = await self._hinting(work, self._sessions)
                for finish, committed in heard:
                    self._commits.tell(finish, committed)
                return gone

    async def figures_of_runs(self, since: int) -> Sequence[RunFigures]:
        """Of every workflow that has any."""
        return await self._sessions.page(run_lists.figures, since)

    async def prune_runs(self, before: int, limit: int) -> int:
        """Delete what ended before, in steps; hashes of ended runs are brought to their end with it."""
        for _ in range(HASH_STEPS):
            if not await self._sessions.change(row_hashes.bring_over):
                break
        gone = 0
        while gone < limit:
            step = min(run_pruning.STEP, limit - gone)
            done = await self._sessions.change(partial(run_pruning.prune, before=before, limit=step))
            gone += done
            if done < step:
                break
        return gone

    async def known_hashes(self, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The hashes that count, of these keys."""
        return await self._sessions.read(row_hashes.known, owner, keys)

    async def forget_hashes(self, owner: str, limit: int) -> int:
        """Forget hashes of an owner."""
        return await self._sessions.change(partial(row_hashes.forget, owner=owner, limit=limit))

    async def get_kept(self, kind: str, name: str) -> Mapping[str, str]:
        """What one thing keeps."""
        statement = "SELECT key, value FROM kept WHERE kind = $1 AND name = $2"
        rows = await self._sessions.read(_fetch, statement, kept(kind), kept(name))
        return {told(key): told(value) for key, value in rows}

    async def keep(self, kept: Sequence[Kept]) -> None:
        """Keep values, outside any turn."""
        if kept:
            await self._sessions.change(partial(turn_rows.keep, values=kept))

    async def standings(self, kind: str) -> Mapping[str, Standing]:
        """How the things of a kind stand."""
        rows = await self._sessions.read(_fetch, turn_rows.STANDINGS, kept(kind))
        found = [turn_rows.read_standing(row) for row in rows]
        return {one.name: one for one in found}

    async def save_standing(self, standing: Standing) -> None:
        """Write how one thing stands."""
        await self._sessions.change(partial(turn_rows.put_standings, standings=[standing]))

    async def workflow_version(self, name: str, number: int = 0) -> WorkflowVersion | None:
        """One saved definition."""
        return await self._sessions.read(things.version, name, number)

    async def list_workflow_versions(
        self, name: str, limit: int, before: int = 0
    ) -> Sequence[WorkflowVersion]:
        """The newest first."""
        return await self._sessions.read(things.versions, name, limit, before)


async def _fetch(connection: Connection, statement: str, *asked: object) -> list[asyncpg.Record]:
    return await connection.fetch(statement, *asked)


async def _lease(connection: Connection, asked: Asked, call: int, durability: str) -> list[LeasedRun]:
    return await _whole(connection, asked, await connection.fetch(LEASE, *asked.bound(call, durability)))


async def _leased_by(connection: Connection, asked: Asked, call: int) -> list[LeasedRun]:
    rows = await connection.fetch(LEASED_BY_CALL, kept(asked.queue), kept(asked.node), call)
    return await _whole(connection, asked, rows)


async def _whole(connection: Connection, asked: Asked, rows: Iterable[Iterable[object]]) -> list[LeasedRun]:
    """Leased runs with their history, which nobody writes to meanwhile."""
    found = [(leased, read_run(more)) for leased, _, more in read_leased(asked, rows)]
    if not found:
        return []
    ids = [run.id for _, run in found]
    entries = run_lists.by_run(await connection.fetch(run_lists.ENTRIES_OF, ids))
    signals = run_lists.by_run(await connection.fetch(run_lists.SIGNALS_OF, ids))
    return [
        LeasedRun(
            leased,
            run,
            tuple(latest_tries(read_entry(row[1:]) for row in entries.get(run.id, ()))),
            tuple(read_signal(row) for row in signals.get(run.id, ())),
        )
        for leased, run in found
    ]
