"""The records database as a target: it only says what its entities are; the store writes."""

from __future__ import annotations

from collections.abc import Mapping

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.definitions import Panel
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec, Operation
from hookstation.errors import NotFound


class RecordsConnector:
    """A `LocalConnector`. `panels`: what a person defined, by name."""

    def __init__(self, panels: Mapping[str, Panel]) -> None:
        self._panels = panels

    @property
    def name(self) -> str:
        """The connection's name, always ``records``."""
        return RECORDS

    @property
    def local(self) -> bool:
        """Always true: records are written in the journal's own transaction."""
        return True

    @property
    def operations(self) -> frozenset[Operation]:
        """All of them."""
        return frozenset(Operation)

    @property
    def zone(self) -> str:
        """Date-times are kept in UTC."""
        return "UTC"

    async def describe(self, entity: str) -> EntitySpec:
        """The field list. Raises `NotFound` for a panel that is not defined."""
        return self.presumed(entity)

    def presumed(self, entity: str) -> EntitySpec:
        """The same: nobody has to be asked. Raises `NotFound` for a panel that is not defined."""
        if entity == ACTIVITY:
            return ACTIVITY_SPEC
        if entity not in self._panels:
            raise NotFound("panel", entity)
        return self._panels[entity].spec

    async def check(self) -> str:
        """The database is open as long as the station runs."""
        return f"Built in; it holds activities and {len(self._panels)} panels."

    async def close(self) -> None:
        """Nothing is held."""
