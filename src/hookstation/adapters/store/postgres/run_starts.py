"""Runs that begin in a transaction, with their jobs and with what is known of them already."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import Hinted, job_row
from hookstation.adapters.store.postgres.keys import SOON, Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import Row, columns
from hookstation.adapters.store.postgres.run_rows import RUN, RUN_TYPES, arrays, entry_row, run_row
from hookstation.core.workflows.values import Entry, RunStart

PUT_RUNS: Final = (
    f"INSERT INTO runs ({', '.join(RUN)}) SELECT * FROM {arrays(RUN_TYPES)} "
    "ON CONFLICT (id) DO NOTHING RETURNING id"
)
"""Write runs whose ids are free; waits for whoever writes one of them at this moment."""

_ENTRY_TYPES: Final = (
    "text", "text", "integer", "bigint", "text", "bigint", "bigint", "text", "text", "text", "text", "bigint", "text",
)  # fmt: skip

_ENTRY: Final = (
    "run_id, path, attempt, number, state, started_at, ended_at, input, output, error, fault, due_at, detail"
)

PUT_ENTRIES: Final = (
    f"INSERT INTO run_entries ({_ENTRY}) SELECT u.run_id, u.path, u.attempt, u.rank + coalesce((SELECT e.number "
    "FROM run_entries e WHERE e.run_id = u.run_id ORDER BY e.number DESC LIMIT 1), 0), u.state, u.started_at, "
    f"u.ended_at, u.input, u.output, u.error, u.fault, u.due_at, u.detail FROM {arrays(_ENTRY_TYPES)} "
    f"u({_ENTRY.replace('number', 'rank')}) ON CONFLICT (run_id, path, attempt) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}"
        for name in (
            "state",
            "started_at",
            "ended_at",
            "input",
            "output",
            "error",
            "fault",
            "due_at",
            "detail",
        )
    )
)
"""Write entries, each in the place of that with its path and attempt; the others get the next numbers of their runs."""


def keys_of(starts: Iterable[RunStart]) -> set[Key]:
    """The keys of the jobs of runs that may begin."""
    return {(one.job.queue, one.job.key) for one in starts if one.job.key}


async def start(connection: Connection, starts: Sequence[RunStart]) -> Hinted[list[bool]]:
    """Begin runs; false for each whose id was there, or comes a second time."""
    await lock_keys(connection, keys_of(starts))
    return await write(connection, starts)


async def write(connection: Connection, starts: Sequence[RunStart]) -> Hinted[list[bool]]:
    """Begin runs; the locks of their keys are held."""
    first = {start.run.id: start for start in reversed(starts)}
    ordered = sorted(first.values(), key=lambda one: one.run.id)
    rows = columns([run_row(one.run) for one in ordered], len(RUN))
    new = {str(run_id) for (run_id,) in await connection.fetch(PUT_RUNS, *rows)} if ordered else set()
    begun = [one for one in ordered if one.run.id in new]
    hints = set[str]()
    if begun:
        await put_entries(connection, [(one.run.id, entry) for one in begun for entry in one.entries])
        jobs = sorted((one.job for one in begun), key=lambda job: (job.queue, job.id))
        await connection.fetch(queues.ENQUEUE, *columns([job_row(job) for job in jobs], 11))
        hints = {hint_of(job.queue, job.lane) for job in jobs if not job.key and job.delay <= SOON}
        hints |= await promote(connection, keys_of(begun))
    return [one.run.id in new and first[one.run.id] is one for one in starts], hints


async def put_entries(connection: Connection, entries: Sequence[tuple[str, Entry]]) -> None:
    """Write entries of runs; of one path and attempt the last counts."""
    latest: dict[tuple[str, str, int], Entry] = {}
    for run_id, entry in entries:
        latest[run_id, entry.path, entry.attempt] = entry
    ranks: dict[str, int] = {}
    rows: list[Row] = []
    for (run_id, _, _), entry in latest.items():
        ranks[run_id] = ranks.get(run_id, 0) + 1
        rows.append(entry_row(run_id, entry, ranks[run_id]))
    if rows:
        await connection.execute(PUT_ENTRIES, *columns(rows, 0))
