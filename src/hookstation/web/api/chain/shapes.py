"""What the API shows of runs: the run, a step of it, what it waits for."""

from __future__ import annotations

from hookstation.core.schedules.fires import Fire
from hookstation.core.values import JSON
from hookstation.core.workflows.paths import name_at
from hookstation.core.workflows.values import ENDED, Entry, Run, RunState, Standing, Wait
from hookstation.engine.chain.run_list import AnyRun
from hookstation.engine.runs import moment
from hookstation.engine.waiting_room import Run as EventRun
from hookstation.engine.workflows.plans import KEPT, TRANSFER
from hookstation.engine.workflows.texts import read_text, shown_run
from hookstation.engine.workflows.trying import Tried
from hookstation.ports.runs import WorkflowVersion

OF_EVENTS = ("webhook", "poll")
"""What a trigger begins with where a webhook or a poll began the run."""


def any_run(one: AnyRun) -> dict[str, JSON]:
    """A line of the list."""
    return run(one) if isinstance(one, Run) else event_run(one)


def event_run(one: EventRun) -> dict[str, JSON]:
    """A run of a webhook: its event, worked on after the answer."""
    event = one.event
    return {
        "id": event.run_id,
        "kind": "webhook",
        "event_id": event.id,
        "webhook": event.webhook,
        "workflow": None,
        "status": one.status,
        "state": event.state.value,
        "parked": one.parked,
        "order": one.order or None,
        "behind": one.behind,
        "at_work": one.at_work,
        "attempts": event.attempts,
        "queued_at": moment(event.received_at),
        "started_at": moment(event.started_at),
        "ended_at": moment(event.settled_at),
        "next_try_at": moment(one.due_at),
        "error": event.error,
        "reason": event.reason,
    }


def run(one: Run) -> dict[str, JSON]:
    """A run of a workflow or a transfer; it has the members of a webhook's run too."""
    began, _, name = one.trigger.partition(":")
    is_transfer = one.workflow.startswith(TRANSFER)
    return {
        "id": one.id,
        "kind": "transfer" if is_transfer else "workflow",
        "event_id": one.event_id or None,
        "webhook": name if began in OF_EVENTS else None,
        "workflow": one.workflow,
        "transfer": one.workflow.removeprefix(TRANSFER) if is_transfer else None,
        "version": one.version,
        "trigger": one.trigger,
        "status": one.state.value,
        "state": one.state.value,
        "parked": one.state is RunState.UNKNOWN,
        "order": one.key or None,
        "behind": False,
        "at_work": one.state is RunState.RUNNING,
        "attempts": 1 if one.started_at else 0,
        "queued_at": moment(one.created_at),
        "started_at": moment(one.started_at),
        "ended_at": moment(one.ended_at),
        "next_try_at": None if one.state in ENDED else moment(one.due_at),
        "error": one.error,
        "reason": "",
        "parent": one.parent or None,
        "source": one.source or None,
    }


def full_run(one: Run) -> dict[str, JSON]:
    """A run with what triggered it, what is known besides, what it put out and answered; secrets are masked."""
    shown = shown_run(one)
    return {
        **run(one),
        "input": read_text(shown.input),
        "facts": _facts(shown),
        "output": read_text(shown.output),
        "answer": read_text(shown.answer),
    }


def _facts(one: Run) -> JSON:
    """What is known besides; what a transfer's run keeps of its document is the station's own."""
    facts = read_text(one.facts)
    return {name: value for name, value in facts.items() if name != KEPT} if isinstance(facts, dict) else {}


def entry(one: Entry) -> dict[str, JSON]:
    """One try of one step; its input is capped, and secrets in it are masked."""
    return {
        "number": one.number,
        "path": one.path,
        "step": name_at(one.path),
        "state": one.state.value,
        "attempt": one.attempt,
        "started_at": moment(one.started_at),
        "ended_at": moment(one.ended_at),
        "microseconds": one.ended_at - one.started_at if one.ended_at and one.started_at else None,
        "due_at": moment(one.due_at),
        "input": read_text(one.input),
        "output": read_text(one.output),
        "error": one.error,
        "fault": one.fault or None,
    }


def wait(one: Wait) -> dict[str, JSON]:
    """What a step waits for outside; never the one-time URL, which only the run itself knows."""
    return {
        "run_id": one.run_id,
        "path": one.path,
        "kind": one.kind.value,
        "person": one.person or None,
        "title": one.title,
        "expires_at": moment(one.expires_at),
    }


def tried(one: Tried) -> dict[str, JSON]:
    """One step of a dry run; the last one, without a path, is how the run would end."""
    return {
        "path": one.path,
        "type": one.type,
        "state": one.state,
        "input": one.input,
        "output": one.output,
        "error": one.error,
        "sample": one.sample,
    }


def version(one: WorkflowVersion) -> dict[str, JSON]:
    """A line of the versions of a workflow."""
    return {"version": one.number, "at": moment(one.at), "by": one.by, "note": one.note}


def fire(one: Fire) -> dict[str, JSON]:
    """One time of a schedule: the moment, the time on its clocks, and what a clock change did to it."""
    return {
        "at": moment(one.at),
        "local": one.wall.isoformat(timespec="seconds"),
        "clock_change": one.change.value or None,
    }


def standing(one: Standing) -> dict[str, JSON]:
    """How a thing stands that ends again and again."""
    return {
        "failures": one.failures,
        "off": one.off,
        "succeeded_at": moment(one.succeeded_at),
        "failed_at": moment(one.failed_at),
        "why": one.why,
    }
