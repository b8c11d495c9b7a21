"""The live preview: what a mapping that nobody has saved would write from one payload."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from hookstation.core.definitions import Action
from hookstation.core.preview import Preview, preview
from hookstation.core.proof import Target
from hookstation.core.records import EntitySpec
from hookstation.core.template import Scope
from hookstation.core.values import JSON
from hookstation.engine.compiler import entity_of
from hookstation.engine.targets import Targets
from hookstation.errors import NotFound
from hookstation.ports.clock import Clock

MOST_KEPT: Final = 200
"""Field lists that are remembered: previews come with every pause of who types, too often to ask a target."""


class Previews:
    """Makes previews."""

    def __init__(self, targets: Targets, clock: Clock) -> None:
        self._targets, self._clock = targets, clock
        self._seen: OrderedDict[tuple[str, str], EntitySpec] = OrderedDict()

    def note(self, place: tuple[str, str], spec: EntitySpec) -> None:
        """Remember what a target said of its entity (connection, entity) when it was asked."""
        self._seen[place] = spec
        self._seen.move_to_end(place)
        while len(self._seen) > MOST_KEPT:
            self._seen.popitem(last=False)

    def preview(self, action: Action, schema: JSON, payload: JSON, webhook: str) -> Preview | None:
        """The record field by field; ``None`` where the target is not there."""
        place = action.connection, entity_of(action)
        connector = self._targets.connectors.get(action.connection)
        if connector is None:
            return None
        try:
            spec = self._seen.get(place) or self._targets.spec(*place)
        except (KeyError, NotFound):
            return None
        now = self._clock.now()
        scope = Scope(payload, now, EXAMPLE_ID, webhook, {}, "")
        return preview(action, Target(spec, connector.zone), schema, scope)


EXAMPLE_ID: Final = "01KAR7Q4G0" + "0" * 16
"""An event id for what is no event yet."""
