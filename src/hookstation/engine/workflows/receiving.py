"""What a webhook received begins runs: one that finishes the event, or, of change notifications, one for each."""

from __future__ import annotations

from typing import Final

from hookstation.core import answers
from hookstation.core.condition import Condition, compile_condition
from hookstation.core.events import Settlement, State
from hookstation.core.masking import mask_headers, mask_query
from hookstation.core.template import Scope
from hookstation.core.template.scope import instant_text
from hookstation.core.values import JSON
from hookstation.core.workflows.changes import Change, changes_of, is_wanted, run_id_of
from hookstation.core.workflows.definitions import TriggerKind, Workflow
from hookstation.core.workflows.values import ENDED, RunStart
from hookstation.engine.stages import POLLED, MappedEvent, Outcome, RawRequest
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.endings import settlement_of, told_of
from hookstation.engine.workflows.start import Origin, Starting
from hookstation.ports.clock import Clock

WORKING: Final = Settlement(State.WORKING)
REDELIVERED: Final = 3 * 86_400 * 1_000_000
SKEW: Final = 300 * 1_000_000
"""Microseconds: Event Grid delivers an event again for a day at most, and its clock may be ahead of ours by so much.

One with another time begins a run each time that it comes.
"""

MOST_CONDITIONS: Final = 1_000


class Receiving:
    """Begins runs of events, and waits for their ends where the sender does."""

    def __init__(self, starting: Starting, ended: Ended, clock: Clock) -> None:
        self._starting, self._ended, self._clock = starting, ended, clock
        self._conditions: dict[str, Condition] = {}

    def is_of_changes(self, event: MappedEvent) -> bool:
        """Whether the event is a batch of change notifications, which is done when its runs have begun."""
        return self._trigger(event) is TriggerKind.CHANGE

    def start(self, event: MappedEvent, run_id: str) -> RunStart:
        """The run that finishes the event. Raises `NotFound`, `Conflict`, `Invalid`, `MappingFailed`."""
        raw = event.raw
        kind = "poll" if raw.sender == POLLED else "webhook"
        origin = Origin(f"{kind}:{raw.hook.name}", facts_of(raw), raw.event_id, run_id, raw.hops)
        return self._starting.begin(
            raw.hook.workflow, event.payload, origin, event.body.decode(), key=event.order
        )

    def starts(self, event: MappedEvent) -> tuple[RunStart, ...]:
        """A run for each change that the workflow wants; one that began already does not begin again."""
        raw = event.raw
        workflow = self._starting.active(raw.hook.workflow)
        facts = facts_of(raw)
        found: dict[str, RunStart] = {}
        for change in changes_of(event.payload):
            if self._wants(workflow, change):
                origin = self._origin(raw, workflow, change, facts)
                start = self._starting.begin(workflow.name, change.trigger, origin)
                found[start.run.id] = start
        return tuple(found.values())

    def _origin(self, raw: RawRequest, workflow: Workflow, change: Change, facts: dict[str, JSON]) -> Origin:
        """What a change begins: under an id of its own making, which the time is a part of, where that can be."""
        trigger, age = f"change:{change.name}", self._clock.now() - change.at
        if not change.id or not -SKEW <= age <= REDELIVERED:
            return Origin(trigger, facts, hops=raw.hops)
        run_id = run_id_of(raw.hook.name, workflow.name, change)
        return Origin(trigger, facts, run_id=run_id, hops=raw.hops, created_at=change.at)

    async def outcome(self, run_id: str, deadline: float) -> Outcome:
        """What the sender is told who waits until `deadline` (seconds on the clock's monotonic scale)."""
        left = max(deadline - self._clock.monotonic(), 0.0)
        run = await self._ended.wait(run_id, left)
        if run is None or run.state not in ENDED:
            state = State.WORKING if run is None else State.UNKNOWN
            return Outcome(answers.pending(run_id), Settlement(state), run_id)
        return Outcome(told_of(run), settlement_of(run.state, run.error, run.answer), run_id)

    def _trigger(self, event: MappedEvent) -> TriggerKind:
        return self._starting.active(event.raw.hook.workflow).trigger.kind

    def _wants(self, workflow: Workflow, change: Change) -> bool:
        trigger = workflow.trigger
        if not is_wanted(change, trigger.changes):
            return False
        if not trigger.condition:
            return True
        condition = self._conditions.get(trigger.condition)
        if condition is None:
            if len(self._conditions) > MOST_CONDITIONS:
                self._conditions.clear()
            condition = self._conditions[trigger.condition] = compile_condition(trigger.condition)
        return condition.holds(change.trigger, {"trigger": change.trigger})


def facts_of(raw: RawRequest) -> dict[str, JSON]:
    """What a run knows of the call that began it, masked as the journal has it."""
    headers = mask_headers(raw.headers, raw.hook.masked)
    query = Scope(None, query=mask_query(raw.query)).query() if raw.query else {}
    facts: dict[str, JSON] = {"received_at": instant_text(raw.received_at), "event_id": raw.event_id}
    if headers:
        facts["headers"] = dict(headers)
    if query:
        facts["query"] = query
    return facts
