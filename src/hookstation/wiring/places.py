"""Where a station's files lie, and what tells its database from others; known without opening anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from hookstation.config.settings import StationSettings
from hookstation.config.settings.databases import SQLITE, without_password
from hookstation.errors import StoreUnavailable

DATABASE: Final = "hookstation.db"
KEY_FILE: Final = "master.key"
CHANNEL: Final = "control.json"


def make_folder(folder: Path) -> None:
    """Make the data folder for its owner alone. Raises `StoreUnavailable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as failure:
        raise StoreUnavailable(
            f"The data folder {folder} cannot be made: choose another with --data. ({failure.strerror})"
        ) from failure


def database_path(settings: StationSettings) -> Path:
    """The file of SQLite."""
    if settings.database.url:
        return Path(settings.database.url.removeprefix(SQLITE))
    return settings.data / DATABASE


def database_name(settings: StationSettings) -> str:
    """The database for people."""
    return settings.database.shown if settings.database.is_postgres else str(database_path(settings))


def channel_file(settings: StationSettings) -> Path:
    """Where a server says how commands reach it: beside SQLite's file, else in the data folder."""
    if settings.database.is_postgres:
        return settings.data / CHANNEL
    return database_path(settings).with_name(CHANNEL)


def channel_database(settings: StationSettings) -> str:
    """What tells the database of a channel from another one of the same folder."""
    if settings.database.is_postgres:
        return "postgresql " + hashlib.sha256(without_password(settings.database.url).encode()).hexdigest()
    return database_path(settings).name


def place_of(settings: StationSettings) -> str:
    """What tells the folder of a channel from its copies, however it is reached; empty where there is no folder."""
    folder = channel_file(settings).parent
    if not folder.exists():
        return ""
    found = folder.stat()
    return f"{found.st_dev}:{found.st_ino}:{channel_database(settings)}"
