"""What is decided about a run: which tries come next, what follows besides, when to look again, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.scope import RunScope
from hookstation.core.workflows.values import Entry, RunState, Signal


class Act(StrEnum):
    """What is to be done with a step.

    `BEGIN`: a try that has not begun.  `RESUME`: it waited, and its moment or its signal has come.  `LOOK_UP`: its
    intent is committed, and whoever did that is gone: it may have had its effect.
    """

    BEGIN = "begin"
    RESUME = "resume"
    LOOK_UP = "look_up"


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """Something to be done with one try of one step. Its result is an entry with this path and attempt.

    `entry`: how the try stood before; for `Act.BEGIN` ``None``, or the try before it where the step goes on from that.
    `signal`: what it was waiting for, ``None`` where only its moment has come.
    """

    act: Act
    path: str
    attempt: int
    step: CompiledStep
    scope: RunScope
    entry: Entry | None = None
    signal: Signal | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ends. `output` and `answer`: JSON text as in `Run`, empty where there is none."""

    state: RunState
    error: str = ""
    output: str = ""
    answer: str = ""


@dataclass(slots=True)
class Decision:
    """What comes next.

    `entries` follow from what is stored; they are known to the history already and are written with the next turn.
    `commands` may be done at the same time.  `wake_at`: when there will be something to do without any result or
    signal (microseconds), 0: never.  `state`: how the run stands while there is nothing to do.  `end`: the run is over;
    whatever is still being done is given up.
    """

    entries: list[Entry] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    wake_at: int = 0
    state: RunState = RunState.RUNNING
    end: RunEnd | None = None
