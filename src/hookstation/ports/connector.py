"""A target system, as the engine sees it.

A connector passes `hookstation.testing.connector_suite`.  `LocalConnector` is a target inside the journal's own
database: it only says what its entities are, and the store writes.  `RemoteConnector` is everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from hookstation.core.records import EntitySpec, Operation, Record


class LookUpVerdict(StrEnum):
    """What a look-up for an unknown outcome found."""

    FOUND = "found"
    NONE = "none"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class LookUp:
    """The result of looking for a record whose writing may or may not have happened. `keys`: what matched."""

    verdict: LookUpVerdict
    keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A record that stands in the target. `inserted` is false where an existing one was changed."""

    key: str
    inserted: bool = True


class Connector(Protocol):
    """What every target says of itself."""

    @property
    def name(self) -> str:
        """The connection's name."""
        ...

    @property
    def operations(self) -> frozenset[Operation]:
        """What it can do to a panel; inserting an activity is always possible."""
        ...

    @property
    def zone(self) -> str:
        """The target's local time, an IANA name."""
        ...

    async def describe(self, entity: str) -> EntitySpec:
        """The entity's field list, fresh from the target.

        Raises `NotFound` where the target has no such entity, `ActionFailed` where it cannot be asked.
        """
        ...

    def presumed(self, entity: str) -> EntitySpec:
        """The field list to go by while the target has not been asked (pure)."""
        ...

    async def check(self) -> str:
        """Try the connection as a person would; one sentence about what was reached. Raises `ActionFailed`."""
        ...

    async def close(self) -> None:
        """Let go of what is held. Safe to call twice."""
        ...


@runtime_checkable
class LocalConnector(Connector, Protocol):
    """A target inside the journal's own database; its records are written by the store as an `Effect`."""

    @property
    def local(self) -> bool:
        """Always true."""
        ...


@runtime_checkable
class RemoteConnector(Connector, Protocol):
    """A target that is called. The engine commits the intent before `execute`."""

    @property
    def settle_after(self) -> float:
        """Seconds after which a look-up that finds nothing may be believed."""
        ...

    async def execute(self, record: Record, spec: EntitySpec) -> Written:
        """Write the record.

        Raises `Retriable` (surely nothing was executed), `Terminal`, `NeedsAuth`, or `UnknownOutcome` (a write
        was sent and its end is not known).  Never repeats a write by itself unless the first surely was not
        executed.  Cancelling it after the write was sent leaves the outcome unknown.
        """
        ...

    async def look_up(self, record: Record, spec: EntitySpec, marker: str) -> LookUp:
        """Find what `execute` may have written, by the `marker` field where one is named, else by what identifies it.

        Raises `ActionFailed` where the target cannot be asked.
        """
        ...
