"""What all connections that hold no records have in common: a webhook's action cannot name one."""

from __future__ import annotations

from typing import NoReturn

from hookstation.core.records import EntitySpec, Operation
from hookstation.errors import NotFound


class HoldsNoRecords(NotFound):
    """The connection has neither activities nor panels."""

    def __init__(self, connection: str, kind: str) -> None:
        super().__init__("connection for an action", connection)
        self.args = (
            f"“{connection}” ({kind}) holds no activities and no panels, so an action cannot write to it: steps of"
            " workflows, polls and transfers use it. Name a workflow in the webhook, or another connection.",
        )


class SystemConnector:
    """A `Connector` that is neither local nor remote. Its subclass says what it can do, and has `check`.

    `kind`: the type of the connection, in a person's words.
    """

    def __init__(self, name: str, kind: str) -> None:
        self._name, self._kind = name, kind

    @property
    def name(self) -> str:
        """The connection's name."""
        return self._name

    @property
    def operations(self) -> frozenset[Operation]:
        """None: there are no panels."""
        return frozenset()

    @property
    def zone(self) -> str:
        """Nothing is converted to a local time."""
        return "UTC"

    async def describe(self, entity: str) -> EntitySpec:
        """Raises `HoldsNoRecords`."""
        self._refuse(entity)

    def presumed(self, entity: str) -> EntitySpec:
        """Raises `HoldsNoRecords`."""
        self._refuse(entity)

    async def close(self) -> None:
        """Nothing is held."""

    def _refuse(self, _: str) -> NoReturn:
        raise HoldsNoRecords(self._name, self._kind)
