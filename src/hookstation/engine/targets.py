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

    def replace(
        self, connectors: Mapping[str, Connector], specs: Mapping[tuple[str, str], EntitySpec]
    ) -> None:
        """Put in new targets. `specs`: what targets said of their entities, by (connection, entity)."""
        self._connectors, self._specs = connectors, specs

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """All connectors by connection name."""
        return self._connectors

    def remote(self, connection: str) -> RemoteConnector | None:
        """The connector of a target that is called, ``None`` where there is none of that name."""
        connector = self._connectors.get(connection)
        return connector if isinstance(connector, RemoteConnector) else None

    def local(self, connection: str) -> LocalConnector | None:
        """The connector of a target in our own database, ``None`` where there is none of that name."""
        connector = self._connectors.get(connection)
        return connector if isinstance(connector, LocalConnector) else None

    def spec(self, connection: str, entity: str) -> EntitySpec:
        """The field list to go by: what the target said, else what is presumed of it. Raises `KeyError` for an
        unknown connection and `NotFound` where a local target has no such entity."""
        said = self._specs.get((connection, entity))
        return said if said is not None else self._connectors[connection].presumed(entity)
