"""What pages, API and commands may ask of workflows and their runs: the use cases, held together.

=======================  =================================================================================
`workflows.run`          ``(name, input, who, *, wait=0.0) -> Run``
`workflows.dry_run`      ``(name or document, input, samples=None) -> list[Tried(path, type, state, input, output,
                         error, sample)]``; the last one, without a path, is the run's end
`workflows.try_step`     ``(name or document, step, who, scope, *, really=False) -> Tried``; `scope`: what stands at
                         the root of templates: trigger, steps, vars, item, index, run
`workflows.check`        ``(document) -> list[Problem]``
`workflows.versions`     ``(name, limit=100, before=0) -> Sequence[WorkflowVersion]``
`workflows.version`      ``(name, number) -> WorkflowVersion``
`workflows.difference`   ``(name, one, other) -> list[Difference]``
`workflows.roll_back`    ``(name, number, who)``
`runs.again`             ``(id, who, *, whole=True, text=None) -> Run``; `text`: JSON text of another input
`runs.cancel`            ``(id, who) -> Run``
`runs.resolve`           ``(id, path, who, *, happened, output=None)``
`runs.decide`            ``(id, path, who, *, approved, note="", anybody=False)``
`runs.answer_wait`       ``(method, token, body) -> Answer``, for the lane
`runs.show`              ``(id) -> ShownRun(run, workflow, entries, signals, waits, next)``
`runs.steps`             ``(id, after=0, limit=1000, *, under="", every=False) -> Steps(items, next)``
`schedules.preview`      ``(name or Schedule, count=20) -> list[Fire(at, wall, change)]``
`schedules.all`          ``() -> list[ScheduleStanding(schedule, standing, next, last, said; .off)]``; `.one(name)`
`schedules.run_now`      ``(name, who) -> Run | None``, `.enable(name, who)`
`polls.all`              ``() -> list[PollStanding(poll, position, standing, last, due_at, at_work)]``; `.one(name)`
`polls.run`              ``(name, who) -> PollTurn(at, found, accepted, repeated, more, began, error)``
`polls.try_it`           ``(name or Poll) -> list[Tried(item, new, error, record)]``; a `Poll` need not be saved
`polls.repair`           ``(name, since, until, who) -> Repaired(found, accepted)``
`polls.reset`            ``(name, first, who) -> Position``
`transfers.all`          ``() -> list[TransferStanding(transfer, standing, last)]``; `.one(name)`
`transfers.run`          ``(name, who, input=None, *, wait=0.0) -> Run``
`transfers.progress`     ``(run_id) -> TransferProgress(run, read, of, rows, chunks, bytes, path; .state, .ended)``
`transfers.preview`      ``(name or Transfer, count=20, input=None) -> Preview(columns, rows, text, read)``
`transfers.enable`       ``(name, who)``; `.set_state(name, state, who)`
=======================  =================================================================================

Of schedules, polls and transfers `these(names)` is `all` for some of them.

Lists are the store's: `list_runs(RunFilter, limit, after)`, `figures_of_runs(since)`, `list_waits(person, run_id)`.
What each raises stands in its docstring: `NotFound`, `Invalid`, `Conflict` and `MappingFailed`, besides `StoreError`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.chain.counts import ChainCounts
from hookstation.engine.polls.services import Polls
from hookstation.engine.schedules.standing import Schedules
from hookstation.engine.transfers.services import Transfers
from hookstation.engine.workflows.desk import RunDesk
from hookstation.engine.workflows.manage import Workflows


@dataclass(frozen=True, slots=True)
class Chain:
    """Each is a use case of its own; this only holds them together."""

    workflows: Workflows
    runs: RunDesk
    schedules: Schedules
    polls: Polls
    transfers: Transfers
    counts: ChainCounts
