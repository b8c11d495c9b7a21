"""What every store decides in the same way about runs: what a turn changes, what lies below a path, how things stand.

All functions are pure; the SQL drivers and the in-memory twin call them, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from hookstation.core import answers
from hookstation.core.answers import OUTCOME
from hookstation.core.events import Settlement, State
from hookstation.core.jobs import POLLS, SCHEDULES
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import (
    Entry,
    EntryState,
    Outcome,
    Run,
    RunChange,
    RunState,
    Signal,
    Standing,
)

WORKFLOWS: Final = "workflows"
"""The kind of thing whose documents are kept as versions."""

QUEUE_OF: Final[Mapping[str, str]] = {"schedules": SCHEDULES, "polls": POLLS}
"""The queue in which each thing of a kind has the job that goes with it; the job's id is the thing's name."""

MOST_COUNTED: Final = 10_000
"""So far runs of a workflow that are in one state are counted."""

PAST: Final = frozenset({EntryState.DONE, EntryState.SKIPPED, EntryState.FAILED, EntryState.CANCELLED})
"""States in which a try is at its end, so that nobody is waited for on its behalf."""

CANCELLED: Final = "cancelled"
"""The reason of a journal's event whose run was cancelled."""


def changed(run: Run, change: RunChange) -> Run:
    """A run after a turn."""
    return structs.replace(
        run,
        state=change.state,
        started_at=change.started_at or run.started_at,
        ended_at=change.ended_at or run.ended_at,
        due_at=change.due_at or run.due_at,
        error=run.error if change.error is None else change.error,
        output=run.output if change.output is None else change.output,
        answer=run.answer if change.answer is None else change.answer,
    )


def is_kind(trigger: str) -> bool:
    """Whether what is asked for is a kind of triggers (``schedule:``), and not one of them (``schedule:nightly``)."""
    return trigger.endswith(":")


def is_begun_by(run: Run, asked: str) -> bool:
    """Whether a run was begun by this trigger, or by one of this kind; empty text stands for every one."""
    return not asked or run.trigger == asked or (is_kind(asked) and run.trigger.startswith(asked))


def cancelled(run: Run, at: int, why: str) -> Run:
    """A run that was ended by somebody."""
    return changed(run, RunChange(RunState.CANCELLED, ended_at=at, error=why))


def left(entry: Entry, at: int) -> Entry | None:
    """How a try stands whose run ended before it did; ``None``: as before. What had begun may have had its effect."""
    match entry:
        case Entry(state=EntryState.WAITING):
            return structs.replace(entry, state=EntryState.CANCELLED, ended_at=at, due_at=0)
        case Entry(state=EntryState.STARTED):
            return structs.replace(entry, state=EntryState.UNKNOWN, ended_at=at, due_at=0)
        case Entry(state=EntryState.FAILED, due_at=due) if due:
            return structs.replace(entry, due_at=0)
    return None


def event_cancelled(why: str) -> Settlement:
    """How the journal's event stands whose run was cancelled."""
    answer = OUTCOME.failed(why)
    return Settlement(State.FAILED, answer.status, answer.body, answers.shorten(why), reason=CANCELLED)


def child_told(
    child: tuple[str, str, str], state: RunState, error: str, at: int, output: JSON = None
) -> Signal:
    """What a waiting step is told of its child's end. `child`: its id, its parent's, and the path that waits."""
    run_id, parent, path = child
    told: JSON = {"run": run_id, "state": state.value, "error": error, "output": output}
    return Signal(parent, path, at, dump_json(told))


def parents_told(children: Iterable[tuple[str, str, str]], at: int, why: str) -> list[Signal]:
    """What those are told that wait for runs which were cancelled together: nothing, where they were themselves.

    `children`: as for `child_told`; an empty path means that nobody waits.
    """
    gone = {child[0]: child for child in children}
    return [
        child_told(child, RunState.CANCELLED, why, at)
        for child in gone.values()
        if child[1] and child[2] and child[1] not in gone
    ]


def listed(run: Run) -> Run:
    """A run as lists show it, without what may be large."""
    return structs.replace(run, input="null", facts="{}", output="")


def is_under(path: str, block: str) -> bool:
    """Whether a path is this one or lies below it: in it as a block, or in one of its turns."""
    return path == block or path.startswith((f"{block}/", f"{block}["))


def latest_tries(entries: Iterable[Entry]) -> list[Entry]:
    """Of each path the try with the greatest `attempt`, in the order of `number`."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.path not in found or found[entry.path].attempt < entry.attempt:
            found[entry.path] = entry
    return sorted(found.values(), key=lambda entry: entry.number)


def moved(standing: Standing, outcome: Outcome) -> Standing:
    """How a thing stands after one more end of what it had begun; whether it is off is for others to say."""
    if not outcome.succeeded:
        return structs.replace(
            standing, failures=standing.failures + 1, failed_at=outcome.at, why=outcome.why
        )
    why = standing.why if standing.off else ""
    return structs.replace(standing, failures=0, succeeded_at=outcome.at, why=why)
