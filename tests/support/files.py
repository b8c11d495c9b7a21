"""What stands behind a connector of files, and the ways out that one is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hookstation.adapters.clock import SystemClock
from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors.outside import Outside
from hookstation.ports.files import FilesConnector
from hookstation.testing.files_suite import FilesBench, at_once


def outside(*folders: Path) -> Outside:
    """The ways out, with these folders of the machine allowed."""
    return Outside(GuardedHttpClient(), SystemClock(), HttpSender(), folders)


def on_disk(
    connector: FilesConnector, root: Path, cut: Callable[[], None] = at_once, forbidden: str = ""
) -> FilesBench:
    """A bench whose files lie in a folder of this machine, directly or behind a server."""

    def put(path: str, data: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)

    def names(folder: str) -> list[str]:
        return sorted(each.name for each in (root / folder).iterdir())

    return FilesBench(connector, lambda path: (root / path).read_bytes(), names, put, cut, forbidden)
