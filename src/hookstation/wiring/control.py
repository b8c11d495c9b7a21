"""The control channel: how commands reach a running station, or the data folder where none runs.

A running server writes ``control.json`` beside its database (mode 0600): the address of a loopback listener and a
key of this process.  Who can read the folder can steer the station; nobody else learns the key.  The file may be
left over or copied, and its port another's by now: before the key or anything else is sent there, the station has to
prove that it knows the key and holds this very folder.  On PostgreSQL the file lies in the data folder, which may be
that of several nodes: the last one that started is reached, and where there is none a command opens the database
itself beside the nodes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from hookstation.cli.backend import Control
from hookstation.config.settings import StationSettings
from hookstation.errors import FolderInUse, StoreError, StoreUnavailable
from hookstation.wiring.channel import Channel
from hookstation.wiring.places import channel_database, channel_file, place_of

TRIES: Final = 50
PAUSE: Final = 0.1


def announce(settings: StationSettings, url: str, key: str) -> Path:
    """Write the channel's address for commands to find; only its owner can read it. Raises `StoreUnavailable`."""
    path = channel_file(settings)
    part = path.with_suffix(f".{os.getpid()}")
    told = {"url": url, "key": key, "pid": os.getpid(), "database": channel_database(settings)}
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(told, file)
        part.replace(path)
    except OSError as failure:
        raise StoreUnavailable(
            f"{path} cannot be written: see to the right to write and to the space there. ({failure.strerror})"
        ) from failure
    return path


def withdraw(path: Path, key: str) -> None:
    """Remove the channel's file, unless another node of the same folder has written its own there."""
    if (_told(path) or {}).get("key") == key:
        path.unlink(missing_ok=True)


@asynccontextmanager
async def reach(settings: StationSettings, *, migrating: bool = False) -> AsyncIterator[Control]:
    """The running server, else the data folder itself; it is brought to this version only where that is asked for.

    Raises `FolderInUse` where its holder cannot be reached, and `Conflict` where the database is of an older version.
    """
    for attempt in range(TRIES):
        if server := await _running(settings):
            yield server
            return
        # All of the station is loaded, which a server has done already.
        from hookstation.wiring.inside import open_here
        from hookstation.wiring.schemas import refuse_older

        if not migrating:
            await refuse_older(settings)
        opened = open_here(settings)
        try:
            here = await opened.__aenter__()
        except FolderInUse:
            if attempt + 1 == TRIES:
                raise
            await asyncio.sleep(PAUSE)
            continue
        try:
            yield here
        finally:
            await opened.__aexit__(*sys.exc_info())
        return


async def _running(settings: StationSettings) -> Control | None:
    """The server that holds the database; none where it left its file behind, or another has its port now."""
    match _told(channel_file(settings)):
        case {"url": str(url), "key": str(key), "database": name} if name == channel_database(settings):
            server = Channel(url, key)
            return server if await server.is_holder(place_of(settings)) else None
        case _:
            return None


def _told(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except PermissionError as failure:
        raise StoreError(
            f"{path} may be read by the station's user only; run the command as that user."
        ) from failure
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
