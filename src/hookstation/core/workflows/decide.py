"""The decision about a run: from the workflow and what is stored to what comes next.

It is total: whatever entries follow from its own commands, a run comes to an end.  It is deterministic: the same stored
entries and signals lead to the same commands, whoever asks.
"""

from __future__ import annotations

from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.workflows.compiled import CompiledWorkflow
from hookstation.core.workflows.decisions import Act, Decision, RunEnd
from hookstation.core.workflows.history import Halt, History, Open
from hookstation.core.workflows.run_rules import left
from hookstation.core.workflows.values import Entry, EntryState, RunState
from hookstation.core.workflows.walking import SECOND, Walk

GIVEN_UP: Final = "It was under way when the run came to its end; what it asked for was not waited for."


def decide(workflow: CompiledWorkflow, history: History, now: int) -> Decision:
    """What comes next, at `now` (microseconds since the epoch).

    Each command is given once for one `History`: whoever asks again gets only what has come up since.  `workflow` is
    the one that the history was made for.
    """
    decision = Decision()
    if history.halt is None:
        history.wake(now)
        Walk(history, now, decision).go()
    deadline = _deadline(workflow, history)
    if history.halt is not None:
        _drain(history, decision, now)
    elif not history.open:
        decision.end = _ended(history)
    if decision.end is None and deadline and now >= deadline:
        for command in decision.commands:
            history.leave(command.path)
        decision.commands.clear()
        _halted(history, Halt(_late(workflow.workflow.time), line=history.root), decision, now)
    decision.wake_at = min(filter(None, (history.next_moment, deadline)), default=0)
    decision.state = _state(history)
    return decision


def _deadline(workflow: CompiledWorkflow, history: History) -> int:
    seconds, begun = workflow.workflow.time, history.run.started_at or history.run.created_at
    return begun + int(seconds * SECOND) if seconds > 0 else 0


def _late(seconds: float) -> str:
    return f"The run took longer than the {seconds:g} s that its workflow gives it."


def _drain(history: History, decision: Decision, now: int) -> None:
    """Nothing more begins; what may have an effect just now comes to its end first, and then the run."""
    for command in decision.commands:
        if command.act is not Act.LOOK_UP:
            history.leave(command.path)
    decision.commands = [one for one in decision.commands if one.act is Act.LOOK_UP]
    if history.busy == 0 and history.halt is not None:
        _halted(history, history.halt, decision, now)


def _halted(history: History, halt: Halt, decision: Decision, now: int) -> None:
    """The run ends as it is: what waits is cancelled, and what has begun may have had its effect."""
    decision.entries += filter(None, (_left(path, place, now) for path, place in history.open.items()))
    output, answer = halt.said()
    if halt.error is None and halt.message is not None:
        output = dump_json(halt.message)
    state = RunState.SUCCEEDED if halt.error is None else RunState.FAILED
    decision.end = RunEnd(state, halt.error or "", output, answer)


def _left(path: str, place: Open, now: int) -> Entry | None:
    """How a step stands at which the run ends; a try whose intent nobody had to store has changed nothing."""
    stored = place.entry
    if place.trying and (stored is None or stored.attempt < place.trying):
        cancelled = EntryState.CANCELLED
        return Entry(path, cancelled, place.trying, started_at=place.since, ended_at=now, error=GIVEN_UP)
    return None if stored is None else left(stored, now)


def _ended(history: History) -> RunEnd:
    line = history.root
    if line.error is not None:
        return RunEnd(RunState.FAILED, line.error, line.frame.last, line.frame.answer)
    return RunEnd(RunState.SUCCEEDED, output=line.frame.last, answer=line.frame.answer)


def _state(history: History) -> RunState:
    if history.busy:
        return RunState.RUNNING
    return RunState.UNKNOWN if history.unknown else RunState.WAITING
