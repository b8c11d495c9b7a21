"""The command ``copy``: both databases opened as what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hookstation.adapters.store.copying import open_sqlite_to_copy
from hookstation.adapters.store.postgres.copying import open_postgres_to_copy
from hookstation.adapters.vault import AesVault, read_key
from hookstation.cli.backend import Moved
from hookstation.config.settings import StationSettings
from hookstation.engine.copy import Tell
from hookstation.engine.copy import copy as copy_all
from hookstation.errors import Conflict, SecretError
from hookstation.ports.copying import CopyTarget
from hookstation.wiring.opening import FINGERPRINT, access_of
from hookstation.wiring.places import KEY_FILE, database_name, database_path


async def copy(source: StationSettings, target: StationSettings, tell: Tell) -> Moved:
    """Copy one database into the other.

    Raises as `engine.copy.copy` and the drivers do, and `Conflict` for two files of SQLite.
    """
    if not source.database.is_postgres and not target.database.is_postgres:
        raise Conflict(
            "Source and target are both SQLite: copy the file with `hookstation backup FILE`, also while the station "
            "runs. This command is for copies from or to PostgreSQL."
        )
    reader = await _open(source, "source")
    try:
        writer = await _open(target, "target")
        try:
            copied = await copy_all(reader, writer, tell)
        finally:
            await writer.close()
        fingerprint = await reader.get_fact(FINGERPRINT)
    finally:
        await reader.close()
    key = _key_file(source, fingerprint)
    return Moved(copied, database_name(source), database_name(target), fingerprint, key)


async def _open(settings: StationSettings, side: Literal["source", "target"]) -> CopyTarget:
    if settings.database.is_postgres:
        return await open_postgres_to_copy(access_of(settings), side)
    return await open_sqlite_to_copy(database_path(settings), side)


def _key_file(settings: StationSettings, fingerprint: str) -> Path | None:
    """The file that holds the master key of this fingerprint, beside the database or in the data folder."""
    folders = [settings.data]
    if not settings.database.is_postgres:
        folders.insert(0, database_path(settings).parent)
    for folder in folders:
        path = folder / KEY_FILE
        try:
            if AesVault(read_key(path.read_text())).fingerprint == fingerprint:
                return path.absolute()
        except (OSError, UnicodeDecodeError, SecretError):
            continue
    return None
