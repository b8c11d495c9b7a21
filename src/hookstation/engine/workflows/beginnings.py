"""Workflows whose trigger is one of the station's own events: see `engine.outgoing.emitter.Beginnings`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from hookstation.core.condition import Condition, compile_condition
from hookstation.core.outgoing.hops import MOST
from hookstation.core.outgoing.scope import facts_of
from hookstation.core.outgoing.types import matcher
from hookstation.core.outgoing.values import EventOut
from hookstation.core.template.scope import instant_text
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import TriggerKind, Workflow, WorkflowState
from hookstation.core.workflows.values import RunStart
from hookstation.engine.workflows.plans import Live
from hookstation.engine.workflows.start import Origin, Starting
from hookstation.errors import HookstationError
from hookstation.ports.clock import Identifiers

MOST_TYPES: Final = 10_000

log = logging.getLogger(__name__)


class _Wanting(NamedTuple):
    """A workflow that wants events."""

    name: str
    fits: Callable[[str], bool]
    condition: Condition


class Beginnings:
    """Which workflows begin with an event; looked up by type, as long as nothing is configured otherwise."""

    def __init__(self, live: Live, starting: Starting) -> None:
        self._live, self._starting = live, starting
        self._seen: Mapping[str, Workflow] | None = None
        self._wanting: tuple[_Wanting, ...] = ()
        self._by_type: dict[str, tuple[_Wanting, ...]] = {}

    @property
    def idle(self) -> bool:
        """Whether no workflow wants events."""
        self._follow()
        return not self._wanting

    def wants(self, type_: str) -> bool:
        """Whether one may begin with an event of this type."""
        return bool(self._of(type_))

    def begin(self, names: Identifiers, event: EventOut, payload: JSON) -> tuple[RunStart, ...]:
        """A run for each workflow that wants the event; one that came about through too many events begins none."""
        if event.hops >= MOST:
            log.error("an event of the type “%s” begins no workflow: too many events led to it", event.type)
            return ()
        facts: dict[str, JSON] = {"event_id": event.id, "received_at": instant_text(event.occurred_at)}
        said = facts_of(event, payload)
        found = []
        for one in self._of(event.type):
            if one.condition.holds(payload, {**said, "trigger": payload}):
                origin = Origin(f"event:{event.type}", facts, run_id=names.run_id(), hops=event.hops + 1)
                try:
                    found.append(self._starting.begin(one.name, payload, origin))
                except HookstationError as refused:
                    log.error("an event began no run of “%s”: %s", one.name, refused.message)
        return tuple(found)

    def _of(self, type_: str) -> tuple[_Wanting, ...]:
        self._follow()
        found = self._by_type.get(type_)
        if found is None:
            found = tuple(one for one in self._wanting if one.fits(type_))
            if len(self._by_type) >= MOST_TYPES:
                self._by_type.clear()
            self._by_type[type_] = found
        return found

    def _follow(self) -> None:
        workflows = self._live.workflows
        if workflows is not self._seen:
            self._wanting = tuple(_wanting(workflows.values()))
            self._by_type, self._seen = {}, workflows


def _wanting(workflows: Iterable[Workflow]) -> Iterable[_Wanting]:
    for one in workflows:
        trigger = one.trigger
        if trigger.kind is TriggerKind.EVENT and one.state is WorkflowState.ACTIVE:
            yield _Wanting(one.name, matcher(trigger.types), compile_condition(trigger.condition))
