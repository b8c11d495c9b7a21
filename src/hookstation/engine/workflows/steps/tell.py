"""Events of the station's own, raised by a run."""

from __future__ import annotations

from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.outgoing.hops import MOST
from hookstation.core.outgoing.types import raised_type_refused
from hookstation.core.records import EffectResult
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.raise_event import LARGEST
from hookstation.engine.workflows.steps.reading import needed
from hookstation.engine.workflows.tasks import Done, Here, Task, Way
from hookstation.errors import Terminal

LEADS_BACK: Final = (
    f"More than {MOST} events in a row led to this run: what it raises begins it again. Narrow the types or the "
    "condition of the trigger."
)


class Emit:
    """``emit``: an event with all that it begins, in the transaction that ends the step."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def begin(self, task: Task) -> Way:
        """The event."""
        type_, payload = needed(task.settings, "type"), task.settings.get("payload")
        if wrong := raised_type_refused(type_):
            raise Terminal(wrong)
        if task.run.hops >= MOST:
            raise Terminal(LEADS_BACK)
        written = dump_json(payload)
        if len(written) > LARGEST:
            raise Terminal(f"The payload is larger than {LARGEST} characters.")
        emission = self._emitter.raised(
            type_, payload, written, "", source=task.run.event_id, hops=task.run.hops
        )

        def end(_: EffectResult | None) -> Done:
            return Done(emission.event.id)

        return Here(end, emissions=(emission,))
