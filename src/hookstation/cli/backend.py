"""What commands need of the station; wiring provides it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hookstation.config.settings import StationSettings
from hookstation.core.values import JSON
from hookstation.errors import HookstationError

if TYPE_CHECKING:
    from hookstation.core.documents import Catalogue
    from hookstation.engine.copy import Copied, Tell


class Refused(HookstationError):
    """The station refused. `document` is its problem document."""

    def __init__(self, document: Mapping[str, JSON]) -> None:
        self.document = document
        super().__init__(str(document.get("detail", "The station refused.")))


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup in the place of `database`.

    `fingerprint` names the master key that its secrets were sealed under; `missing_key` is where that key has to be
    put before the station starts, ``None`` where it is there.
    """

    database: Path
    fingerprint: str
    missing_key: Path | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database at this version: the numbers of its schema before and now; 0 is an empty database."""

    database: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a copy from `source` to `target`, both named for people.

    `fingerprint` names the master key that the secrets stay sealed under, empty where there is none yet; `key_file` is
    where it was found, ``None`` where it was not.
    """

    copied: Copied
    source: str
    target: str
    fingerprint: str
    key_file: Path | None


class Control(Protocol):
    """The station's API: that of the running server, or of the data folder where none runs."""

    @property
    def alone(self) -> bool:
        """Whether nobody else works on the database: then nothing happens but what this command asks for."""
        ...

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """Ask ``/api/v1`` + `path`; the answer's document. Raises `Refused`."""
        ...

    def working(self) -> AbstractAsyncContextManager[None]:
        """While it is open runs begin and go on in this command, where it opened the database itself."""
        ...

    def stream(self, path: str, query: Mapping[str, str] | None = None) -> AsyncGenerator[JSON, None]:
        """What goes on, a document a line, until the caller closes it or the station stops.

        ``None`` comes at the beginning and in every silence.
        Raises `Refused`, and `StoreError` where the station is not heard any more.
        """
        ...


class Backend(Protocol):
    """The station as commands use it."""

    @property
    def catalogue(self) -> Catalogue:
        """The types of connection that can be configured."""
        ...

    def control(self, settings: StationSettings) -> AbstractAsyncContextManager[Control]:
        """A way to the station of these settings."""
        ...

    def serve(self, settings: StationSettings) -> None:
        """Run the server until a signal ends it."""
        ...

    def demo(self, settings: StationSettings) -> None:
        """Run the demo until a signal ends it."""
        ...

    def sandbox(self, port: int, *, until_stdin_ends: bool) -> None:
        """Run the iMIS stand-in until a signal ends it, or its standard input where that is asked for."""
        ...

    def refuse_backup(self, settings: StationSettings, target: Path) -> str:
        """Why the database cannot be copied to a file here, and what does so; empty where it can."""
        ...

    def restore(self, settings: StationSettings, source: Path) -> Restored:
        """Put a backup in the place of the database; nothing is replaced where another master key is there."""
        ...

    def examine(self, settings: StationSettings) -> list[tuple[str, bool, str]]:
        """What `doctor` finds: (what was looked at, whether it is well, a sentence)."""
        ...

    def migrate(self, settings: StationSettings) -> Migrated:
        """Bring the database to this version."""
        ...

    def copy(self, source: StationSettings, target: StationSettings, tell: Tell) -> Moved:
        """Copy one database into the other, telling how far it is."""
        ...
