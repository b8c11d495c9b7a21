"""Between rows and runs: the run, its entries, signals and waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from hookstation.adapters.store.postgres.rows import Row, kept, told
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState, Signal, Wait, WaitKind

RUN: Final = (
    "id", "workflow", "version", "state", "trigger", "created_at", "input", "facts", "key", "event_id", "parent",
    "parent_path", "source", "started_at", "ended_at", "due_at", "error", "output", "answer", "hops",
)  # fmt: skip
"""Columns of a run, in the order of its fields."""

RUN_TYPES: Final = (
    "text", "text", "bigint", "text", "text", "bigint", "text", "text", "text", "text", "text",
    "text", "text", "bigint", "bigint", "bigint", "text", "text", "text", "integer",
)  # fmt: skip

ENTRY: Final = (
    "path", "state", "attempt", "number", "started_at", "ended_at", "input", "output", "error", "fault", "due_at",
    "detail",
)  # fmt: skip
"""Columns of an entry, in the order of its fields."""

SIGNAL: Final = ("run_id", "path", "at", "payload", "who")
WAIT: Final = ("run_id", "path", "kind", "digest", "expires_at", "person", "title")
"""Columns of what came for a run, and of what waits for somebody outside."""

RUN_COLUMNS: Final = ", ".join(f"r.{name}" for name in RUN)
LISTED: Final = ", ".join(
    {"input": "'null'", "facts": "'{}'", "output": "''"}.get(name, f"r.{name}") for name in RUN
)
"""A run as lists show it, without what may be large."""

ENTRY_COLUMNS: Final = ", ".join(f"e.{name}" for name in ENTRY)
SIGNAL_COLUMNS: Final = ", ".join(f"s.{name}" for name in SIGNAL)
WAIT_COLUMNS: Final = ", ".join(f"w.{name}" for name in WAIT)


def arrays(types: Iterable[str]) -> str:
    """The source that rows come from, an array a column."""
    return "unnest(" + ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1)) + ")"


def run_row(run: Run) -> Row:
    """A row of `RUN`."""
    return (
        run.id,
        kept(run.workflow),
        run.version,
        run.state.value,
        kept(run.trigger),
        run.created_at,
        kept(run.input),
        kept(run.facts),
        kept(run.key),
        kept(run.event_id),
        kept(run.parent),
        kept(run.parent_path),
        kept(run.source),
        run.started_at,
        run.ended_at,
        run.due_at,
        kept(run.error),
        kept(run.output),
        kept(run.answer),
        run.hops,
    )


def read_run(row: Iterable[object]) -> Run:
    """What `run_row` made."""
    values = [told(one) if isinstance(one, str) else one for one in row]
    values[3] = RunState(cast("str", values[3]))
    return Run(*values)  # type: ignore[arg-type]


def entry_row(run_id: str, entry: Entry, rank: int) -> Row:
    """A row for `PUT_ENTRIES`; `rank`: which of the run's entries it is within the statement, from 1 on."""
    return (
        run_id,
        kept(entry.path),
        entry.attempt,
        rank,
        entry.state.value,
        entry.started_at,
        entry.ended_at,
        kept(entry.input),
        kept(entry.output),
        kept(entry.error),
        kept(entry.fault),
        entry.due_at,
        kept(entry.detail),
    )


def read_entry(row: Iterable[object]) -> Entry:
    """A row of `ENTRY`."""
    values = [told(one) if isinstance(one, str) else one for one in row]
    values[1] = EntryState(cast("str", values[1]))
    return Entry(*values)  # type: ignore[arg-type]


def signal_row(signal: Signal) -> Row:
    """A row of `SIGNAL`."""
    return signal.run_id, kept(signal.path), signal.at, kept(signal.payload), kept(signal.who)


def read_signal(row: Iterable[object]) -> Signal:
    """What `signal_row` made."""
    run_id, path, at, payload, who = cast("tuple[str, str, int, str, str]", tuple(row))
    return Signal(run_id, told(path), at, told(payload), told(who))


def wait_row(wait: Wait) -> Row:
    """A row of `WAIT`."""
    person, title = kept(wait.person), kept(wait.title)
    return wait.run_id, kept(wait.path), wait.kind.value, wait.digest, wait.expires_at, person, title


def read_wait(row: Iterable[object]) -> Wait:
    """What `wait_row` made."""
    run_id, path, kind, digest, expires_at, person, title = cast(
        "tuple[str, str, str, bytes, int, str, str]", tuple(row)
    )
    return Wait(run_id, told(path), WaitKind(kind), digest, expires_at, told(person), told(title))
