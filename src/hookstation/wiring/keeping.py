"""The database as a thing that is kept: brought to this version, put back from a backup."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hookstation.adapters.store import backup
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.vault import AesVault, key_file, read_key
from hookstation.cli.backend import Migrated, Restored
from hookstation.config.settings import StationSettings
from hookstation.errors import Conflict, SecretError
from hookstation.wiring import control
from hookstation.wiring.opening import FINGERPRINT, access_of, dump_advice, restore_advice
from hookstation.wiring.places import KEY_FILE, database_name, database_path
from hookstation.wiring.schemas import schema_of


async def migrate(settings: StationSettings) -> Migrated:
    """Bring the database to this version, also while other nodes do so; PostgreSQL needs no master key for it."""
    before = await schema_of(settings)
    if settings.database.is_postgres:
        await (await open_postgres(access_of(settings))).close()
    else:
        async with control.reach(settings, migrating=True):
            pass
    return Migrated(database_name(settings), before, await schema_of(settings))


def refuse_backup(settings: StationSettings, target: Path) -> str:
    """What copies PostgreSQL instead of us; empty for SQLite."""
    return dump_advice(settings, target) if settings.database.is_postgres else ""


def restore(settings: StationSettings, source: Path) -> Restored:
    """Put a backup in the place of the database, and open it once where its master key is here.

    Raises `SecretError` where another key is here, before anything is replaced, and `Conflict` on PostgreSQL; else as
    `backup.restore`.
    """
    if settings.database.is_postgres:
        raise Conflict(restore_advice(settings, source))
    backup.check(source)
    wanted, here = backup.fact_in(source, FINGERPRINT), _fingerprint(settings)
    key, database = settings.data / KEY_FILE, database_path(settings)
    if wanted and here and wanted != here:
        raise SecretError(
            f"The master key here (fingerprint {here}) is not the one that this backup was sealed under (fingerprint "
            f"{wanted}): put that one at {key}, or give it as HOOKSTATION_MASTER_KEY. Nothing was replaced."
        )
    backup.restore(source, database)
    if wanted and not here:
        return Restored(database, wanted, key)
    asyncio.run(migrate(settings))
    return Restored(database, wanted, None)


def _fingerprint(settings: StationSettings) -> str:
    """That of the master key that is here, empty where there is none."""
    if settings.master_key is not None:
        return AesVault(read_key(settings.master_key.reveal())).fingerprint
    path = settings.data / KEY_FILE
    return AesVault(key_file(path)).fingerprint if path.exists() else ""
