"""Between values and rows of runs and what takes turns."""

from __future__ import annotations

from typing import cast

from hookstation.adapters.store.rows import Row
from hookstation.core.workflows.values import (
    Entry,
    EntryState,
    Outcome,
    Run,
    RunChange,
    RunState,
    Signal,
    Standing,
    Wait,
    WaitKind,
)
from hookstation.ports.runs import WorkflowVersion


def run_row(run: Run) -> Row:
    """A row for `INSERT_RUN`."""
    return (
        run.id,
        run.workflow,
        run.version,
        run.state.value,
        run.trigger,
        run.created_at,
        run.key,
        run.event_id,
        run.parent,
        run.parent_path,
        run.source,
        run.started_at,
        run.ended_at,
        run.due_at,
        run.error,
        run.hops,
    )


def texts_row(run: Run) -> Row:
    """A row for `INSERT_TEXTS`."""
    return run.id, run.answer, run.facts, run.output, run.input


def entry_row(run_id: str, entry: Entry) -> Row:
    """A row for `PUT_ENTRY`."""
    return (
        run_id,
        entry.path,
        entry.attempt,
        entry.state.value,
        entry.started_at,
        entry.ended_at,
        entry.due_at,
        entry.fault,
        entry.error,
        entry.detail,
        entry.input,
        entry.output,
    )


def change_row(run_id: str, change: RunChange) -> Row:
    """A row for `CHANGE_RUN`."""
    moments = change.started_at, change.ended_at, change.due_at
    return change.state.value, *moments, change.error, run_id


def signal_row(signal: Signal) -> Row:
    """A row for `INSERT_SIGNAL`."""
    return signal.run_id, signal.path, signal.at, signal.payload, signal.who


def wait_row(wait: Wait) -> Row:
    """A row for `PUT_WAIT`."""
    told = wait.digest, wait.expires_at, wait.person, wait.title
    return wait.run_id, wait.path, wait.kind.value, *told


def standing_row(standing: Standing) -> Row:
    """A row for `PUT_STANDING`."""
    moments = standing.succeeded_at, standing.failed_at
    return standing.kind, standing.name, standing.failures, *moments, int(standing.off), standing.why


def outcome_row(outcome: Outcome) -> Row:
    """A row for `ADD_SUCCESS`, or for `ADD_FAILURE`."""
    if outcome.succeeded:
        return outcome.kind, outcome.name, outcome.at
    return outcome.kind, outcome.name, outcome.at, outcome.why


def read_run(row: Row) -> Run:
    """A row of `GET_RUN`."""
    values: list[object] = list(row)
    values[3] = RunState(cast("str", row[3]))
    return Run(*values)  # type: ignore[arg-type]


def read_entry(row: Row) -> Entry:
    """A row of `ENTRY_COLUMNS`."""
    return Entry(cast("str", row[0]), EntryState(cast("str", row[1])), *row[2:])  # type: ignore[arg-type]


def read_signal(row: Row) -> Signal:
    """A row of `LIST_SIGNALS`."""
    return Signal(*cast("tuple[str, str, int, str, str]", row))


def read_wait(row: Row) -> Wait:
    """A row of `WAIT_COLUMNS`."""
    values: list[object] = list(row)
    values[2] = WaitKind(cast("str", row[2]))
    return Wait(*values)  # type: ignore[arg-type]


def read_standing(row: Row) -> Standing:
    """A row of `STANDINGS`."""
    kind, name, failures, succeeded_at, failed_at, off, why = cast(
        "tuple[str, str, int, int, int, int, str]", row
    )
    return Standing(kind, name, failures, succeeded_at, failed_at, bool(off), why)


def read_version(row: Row) -> WorkflowVersion:
    """A row of `GET_VERSION` or of `LIST_VERSIONS`."""
    return WorkflowVersion(*cast("tuple[str, int, int, str, str]", row))
