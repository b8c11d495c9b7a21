"""The targets that are configured: connectors by connection name, field lists by entity."""

from __future__ import annotations

from collections.abc import Mapping

from hookstation.core.records import EntitySpec
from hookstation.ports.connector import Connector, LocalConnector, RemoteConnector


class Targets:
    """What can be written to. Replaced as a whole when configuration changes."""

    def __init__(self) -> None:
        self._connectors: Mapping[str, Connector] = {}
        self._specs: Mapping[tuple[str, str], EntitySpec] = {}
        self._remotes: Mapping[str, RemoteConnector] = {}
        self._locals: Mapping[str, LocalConnector] = {}

    def replace(
        self, connectors: Mapping[str, Connector], specs: Mapping[tuple[str, str], EntitySpec]
    ) -> None:
        """Put in new targets. `specs`: what targets said of their entities, by (connection, entity).

        What kind each of them is costs more to ask than a call's other checks, so it is asked once.
        """
        self._connectors, self._specs = connectors, specs
        self._remotes = {name: one for name, one in connectors.items() if isinstance(one, RemoteConnector)}
        self._locals = {name: one for name, one in connectors.items() if isinstance(one, LocalConnector)}

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """All connectors by connection name."""
        return self._connectors

    def remote(self, connection: str) -> RemoteConnector | None:
        """The connector of a target that is called, ``None`` where there is none of that name."""
        return self._remotes.get(connection)

    def local(self, connection: str) -> LocalConnector | None:
        """The connector of a target in our own database, ``None`` where there is none of that name."""
        return self._locals.get(connection)

    def spec(self, connection: str, entity: str) -> EntitySpec:
        """The field list to go by: what the target said, else what is presumed of it. Raises `KeyError` for an
        unknown connection and `NotFound` where a local target has no such entity."""
        said = self._specs.get((connection, entity))
        return said if said is not None else self._connectors[connection].presumed(entity)
