"""The entry point: concrete parts are handed to the command line.

Each is loaded when it is used: a command that asks the running server needs nothing of what the server is made of.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hookstation.cli.commands import cli
from hookstation.wiring import control

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from hookstation.cli.backend import Control, Migrated, Moved, Restored
    from hookstation.config.settings import StationSettings
    from hookstation.core.documents import Catalogue
    from hookstation.engine.copy import Tell


class LocalBackend:
    """Implements `cli.backend.Backend` on this machine."""

    @property
    def catalogue(self) -> Catalogue:
        """The types of connection that this version has."""
        from hookstation.connectors import CATALOGUE

        return CATALOGUE

    def control(self, settings: StationSettings) -> AbstractAsyncContextManager[Control]:
        """The running server's channel, else the data folder itself."""
        return control.reach(settings)

    def serve(self, settings: StationSettings) -> None:
        """Run the server."""
        from hookstation.wiring import running

        running.serve(settings)

    def demo(self, settings: StationSettings) -> None:
        """Run the demo."""
        from hookstation.wiring import demo

        demo.run(settings)

    def sandbox(self, port: int, *, until_stdin_ends: bool) -> None:
        """Run the iMIS stand-in."""
        from hookstation.wiring import running

        running.sandbox(port, until_stdin_ends=until_stdin_ends)

    def refuse_backup(self, settings: StationSettings, target: Path) -> str:
        """What copies PostgreSQL instead of us."""
        from hookstation.wiring import keeping

        return keeping.refuse_backup(settings, target)

    def restore(self, settings: StationSettings, source: Path) -> Restored:
        """Put a backup in the place of the database and see that its secrets can be opened."""
        from hookstation.wiring import keeping

        return keeping.restore(settings, source)

    def examine(self, settings: StationSettings) -> list[tuple[str, bool, str]]:
        """Look at everything that a station needs."""
        from hookstation.wiring import doctor

        return asyncio.run(doctor.examine(settings))

    def migrate(self, settings: StationSettings) -> Migrated:
        """Open the database, which brings it to this version."""
        from hookstation.wiring import keeping

        return asyncio.run(keeping.migrate(settings))

    def copy(self, source: StationSettings, target: StationSettings, tell: Tell) -> Moved:
        """Copy one database into the other."""
        from hookstation.wiring import copying

        return asyncio.run(copying.copy(source, target, tell))


def main() -> None:
    """The command ``hookstation``."""
    cli(obj=LocalBackend())
