"""What others hear of a run: events of the station, one line in the log at its end, and who waits for it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hookstation.core.events import State
from hookstation.core.outgoing.values import Emission
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.decisions import RunEnd
from hookstation.core.workflows.run_rules import changed
from hookstation.core.workflows.values import EventEnd, Run, RunChange, RunState, Wait, WaitKind
from hookstation.engine.chain.counts import ChainCounts
from hookstation.engine.outgoing.emitter import Emitter, Told
from hookstation.engine.workflows.ended import Ended
from hookstation.ports.log import EventLog


class Telling:
    """Makes what is told. All but `end` may be called inside the store."""

    def __init__(
        self, emitter: Emitter, event_log: EventLog, ended: Ended, counts: ChainCounts | None = None
    ) -> None:
        self._emitter, self._event_log, self._ended = emitter, event_log, ended
        self.counts = counts or ChainCounts()

    def of_end(self, run: Run, end: RunEnd, event: EventEnd | None) -> Sequence[Emission]:
        """The run has ended, and with it the event that it finishes."""
        return (*self._of_event(run, event), *self._own(run, f"run.{end.state.value}", {"error": end.error}))

    def of_unknown(self, run: Run, change: RunChange | None) -> Sequence[Emission]:
        """The run waits for a person to say whether a step had its effect."""
        if change is None or change.state is not RunState.UNKNOWN:
            return ()
        return self._own(run, "run.unknown", {"error": change.error})

    def asked(self, run: Run, step: CompiledStep, wait: Wait) -> Sequence[Emission]:
        """A person is asked."""
        if wait.kind is not WaitKind.APPROVAL:
            return ()
        said: dict[str, JSON] = {"step": step.name, "person": wait.person, "message": wait.title}
        return self._own(run, "approval.asked", said)

    def end(self, run: Run, end: RunEnd, now: int) -> None:
        """The end is written."""
        self.counts.ended(run.workflow, end.state)
        self._event_log.write(
            "run_ended",
            run_id=run.id,
            workflow=run.workflow,
            version=run.version,
            trigger=run.trigger,
            event_id=run.event_id,
            state=end.state.value,
            error=end.error,
            took_us=now - run.started_at,
        )
        if self._ended.is_awaited and self._ended.waits_for(run.id):
            change = RunChange(
                end.state, ended_at=now, error=end.error, output=end.output or None, answer=end.answer or None
            )
            self._ended.tell(changed(run, change))

    def _of_event(self, run: Run, event: EventEnd | None) -> Sequence[Emission]:
        if event is None or self._emitter.idle:
            return ()
        webhook = run.trigger.partition(":")[2]
        emit = self._emitter.about(Told(run.event_id, webhook, was=State.WORKING, hops=run.hops))
        return () if emit is None else emit(event.settlement, None)

    def _own(self, run: Run, type_: str, said: Mapping[str, JSON]) -> Sequence[Emission]:
        if not self._emitter.wants(type_):
            return ()
        about: JSON = {
            "id": run.id,
            "workflow": run.workflow,
            "version": run.version,
            "trigger": run.trigger,
        }
        payload = {"run": about, **said}
        return self._emitter.own(type_, payload, source=run.event_id, hops=run.hops, inside=True)
