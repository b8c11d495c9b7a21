"""The database of a station, opened as its settings say, and the vault under the key that fits it.

Nothing else knows both drivers.
"""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.adapters.vault import AesVault, key_file, read_key
from hookstation.config.settings import StationSettings
from hookstation.config.settings.databases import without_password
from hookstation.core.copying import UNFINISHED
from hookstation.errors import Conflict, Invalid, Problem, SecretError, StoreError
from hookstation.ports.store import Store
from hookstation.wiring.places import KEY_FILE, database_path, make_folder

FINGERPRINT: Final = "master_key_fingerprint"
NO_KEY: Final = (
    "With PostgreSQL the master key has to be given, the same to every node: make one with openssl rand -base64 32, "
    "keep it safe, and give it as HOOKSTATION_MASTER_KEY."
)

_SynchronousCommit: TypeAlias = Literal["on", "remote_apply", "remote_write", "local"]
_Pooler: TypeAlias = Literal["none", "transaction"]


async def open_store(settings: StationSettings) -> Store:
    """The database, migrated; one on PostgreSQL only where a master key is given, so that nothing is made in vain.

    Raises `FolderInUse`, `NewerDatabase`, `SecretError`, `StoreError`, `StoreUnavailable`.
    """
    if settings.database.is_postgres:
        if settings.master_key is None:
            raise SecretError(NO_KEY)
        return await open_postgres(access_of(settings))
    make_folder(settings.data)
    return await open_sqlite(database_path(settings))


async def check_whole(store: Store) -> None:
    """Raises `StoreError` where the database is the target of a copy that is not finished."""
    if await store.get_fact(UNFINISHED):
        raise StoreError(
            "A copy into this database is not finished, so nothing may work on it: finish it with the `hookstation "
            "copy --from ... --to ...` that began it."
        )


def access_of(settings: StationSettings) -> Access:
    """How PostgreSQL is reached. Raises `Invalid` where the certificates that it has to prove itself by are none."""
    database = settings.database
    if database.tls_ca:
        _check_authority(database.tls_ca)
    return Access(
        database.url,
        flushers=database.flushers,
        readers=database.pool,
        connect_timeout=database.connect_timeout,
        pool_timeout=database.pool_timeout,
        statement_timeout=database.statement_timeout,
        lock_timeout=database.lock_timeout,
        synchronous_commit=cast("_SynchronousCommit", database.synchronous_commit),
        pooler=cast("_Pooler", database.pooler),
        replica_url=database.replica_url,
    )


def _check_authority(file: str) -> None:
    try:
        ssl.create_default_context(cafile=file)
    except OSError as failure:
        message = f"{file} has no certificate (PEM) that can be read. ({failure.strerror or failure})"
        raise Invalid([Problem(("database_tls_ca",), message)]) from failure


async def open_vault(settings: StationSettings, store: Store) -> AesVault:
    """The vault under the master key; a database that was sealed under another key is refused.

    Of nodes that start together on a new database one decides which key it is. Raises `SecretError`.
    """
    vault = AesVault(await _key(settings, store))
    known = await store.get_fact(FINGERPRINT) or await store.claim_fact(FINGERPRINT, vault.fingerprint)
    if known != vault.fingerprint:
        raise SecretError(
            f"This master key (fingerprint {vault.fingerprint}) is not the one that this database was sealed under "
            f"(fingerprint {known}). Give that one."
        )
    return vault


async def _key(settings: StationSettings, store: Store) -> bytes:
    if settings.master_key is not None:
        return read_key(settings.master_key.reveal())
    path = settings.data / KEY_FILE
    if not path.exists() and (known := await store.get_fact(FINGERPRINT)):
        raise SecretError(
            f"The master key is missing: put the file {path} back, or give it as HOOKSTATION_MASTER_KEY. "
            f"Its fingerprint is {known}."
        )
    return key_file(path)


def backup_of(settings: StationSettings, store: Store) -> Callable[[Path], Awaitable[int]]:
    """What copies the running database to a new file and returns its bytes; on PostgreSQL it says what does so."""
    if isinstance(store, SqliteStore):
        return store.backup_to

    async def refuse(target: Path) -> int:
        raise Conflict(dump_advice(settings, target))

    return refuse


def dump_advice(settings: StationSettings, target: Path) -> str:
    """How PostgreSQL is backed up."""
    url = shlex.quote(without_password(settings.database.url))
    return (
        "PostgreSQL is backed up by its own program, also while nodes run: pg_dump --format=custom --no-owner "
        f"--file={shlex.quote(str(target))} {url} (it asks for the password, or reads ~/.pgpass). The master key is "
        "not in it: keep that apart."
    )


def restore_advice(settings: StationSettings, source: Path) -> str:
    """How PostgreSQL is put back."""
    url = shlex.quote(without_password(settings.database.url))
    return (
        "PostgreSQL is put back by its own program, into a new and empty database, while no node runs: pg_restore "
        f"--exit-on-error --single-transaction --no-owner --dbname={url} {shlex.quote(str(source))}. Start the nodes "
        "with the master key that was given when the backup was made: another one is refused."
    )
