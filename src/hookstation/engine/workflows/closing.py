"""The ends of a run's turns: it goes on, it is let go until something comes for it, or it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import structs

from hookstation.core.jobs import Job
from hookstation.core.workflows.decisions import Decision, RunEnd
from hookstation.core.workflows.values import Entry, Run, RunChange, RunState
from hookstation.engine.workflows import endings
from hookstation.engine.workflows.parts import Parts
from hookstation.ports.runs import TurnEnd

if TYPE_CHECKING:
    from hookstation.engine.workflows.telling import Telling

NEVER: Final = 20 * 365 * 86_400 * 1_000_000
"""Microseconds until the job of a run is due that waits for a signal alone."""

UNKNOWN: Final = "A step may have had its effect; say whether it did."


def over(
    run: Run, end: RunEnd, parts: Parts, change: RunChange | None, telling: Telling, now: int
) -> TurnEnd:
    """The last turn: the run, what it finishes, and who waits for it."""
    event = endings.event_end(run, end, now)
    ended = RunChange(
        end.state,
        0 if change is None else change.started_at,
        now,
        error=end.error,
        output=end.output or None,
        answer=end.answer or None,
    )
    return TurnEnd(
        once(parts.entries),
        ended,
        event=event,
        starts=tuple(parts.starts),
        signals=endings.parent_signal(run, end, now),
        waits=tuple(parts.waits),
        emissions=(*parts.emissions, *telling.of_end(run, end, event)),
        hashes=parts.hashes,
        outcomes=endings.outcomes(run, end, now),
    )


def rests(decision: Decision, job: Job, change: RunChange | None, now: int) -> tuple[RunChange, Job]:
    """The run is let go: how it stands, and when its job is due again."""
    started = 0 if change is None else change.started_at
    error = UNKNOWN if decision.state is RunState.UNKNOWN else None
    delay = max(decision.wake_at - now, 0) if decision.wake_at else NEVER
    return (
        RunChange(decision.state, started, due_at=decision.wake_at, error=error),
        structs.replace(job, delay=delay, tries=0),
    )


def goes_on(
    run: Run,
    parts: Parts,
    change: RunChange | None,
    telling: Telling,
    *,
    again: Job | None,
    keep: float,
    seen: int,
    now: int,
) -> TurnEnd:
    """A turn after which the run is not over. An event whose run waits for a person's word is unknown meanwhile."""
    unknown = change is not None and change.state is RunState.UNKNOWN
    return TurnEnd(
        once(parts.entries),
        change,
        again,
        0.0 if again is not None else keep,
        seen,
        endings.event_end(run, RunEnd(RunState.UNKNOWN, UNKNOWN), now) if unknown else None,
        tuple(parts.starts),
        (),
        tuple(parts.waits),
        (*parts.emissions, *telling.of_unknown(run, change)),
        hashes=parts.hashes,
    )


def once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Of each try what was said of it last."""
    if len(entries) < 2:
        return tuple(entries)
    return tuple({(entry.path, entry.attempt): entry for entry in entries}.values())
