"""The database is opened as the settings say, under the one master key that it was sealed under."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.migrations import known_number
from hookstation.config.settings import StationSettings, resolve
from hookstation.errors import Conflict, SecretError
from hookstation.ports.people import ApiKey
from hookstation.wiring.keeping import restore
from hookstation.wiring.opening import (
    FINGERPRINT,
    access_of,
    backup_of,
    dump_advice,
    open_store,
    open_vault,
    restore_advice,
)
from tests.support.cluster import new_master_key
from tests.support.postgres import Given, Server, new_database, programs

NODES = 10


def settings(folder: Path, variables: Mapping[str, str], **more: str) -> StationSettings:
    return resolve({"data": str(folder), **more}, variables)


@pytest.fixture
async def empty(postgres: Server | Given) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    async with new_database(postgres, "template0") as url:
        yield url


async def fingerprint_under(chosen: StationSettings) -> str:
    """What a node that starts with these settings takes for the key's fingerprint, or why it refuses."""
    store = await open_store(chosen)
    try:
        return (await open_vault(chosen, store)).fingerprint
    except SecretError as refused:
        return refused.message
    finally:
        await store.close()


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_without_a_master_key_nothing_is_opened_or_made(tmp_path: Path, empty: str) -> None:
    """The refusal says how to make one, and comes before the database gets its tables."""
    with pytest.raises(SecretError, match="openssl rand -base64 32"):
        await open_store(settings(tmp_path, {}, database_url=empty))
    assert [] == await fetch(empty, "SELECT relname FROM pg_class WHERE relname LIKE 'hookstation%'")


async def test_another_key_is_refused(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """The database remembers the first key's fingerprint, and names it to whoever comes with another one."""
    first = await fingerprint_under(settings(tmp_path, shared))
    assert first == await fingerprint_under(settings(tmp_path, shared))
    other = {**shared, "HOOKSTATION_MASTER_KEY": new_master_key()}
    refusal = await fingerprint_under(settings(tmp_path, other))
    assert f"is not the one that this database was sealed under (fingerprint {first})" in refusal


async def test_of_nodes_with_different_keys_one_decides(tmp_path: Path, database: str) -> None:
    """Ten nodes race at the very first start: one fingerprint stands, and nine nodes refuse to start."""
    keys = [
        {"HOOKSTATION_DATABASE_URL": database, "HOOKSTATION_MASTER_KEY": new_master_key()}
        for _ in range(NODES)
    ]
    found = await asyncio.gather(*(fingerprint_under(settings(tmp_path, key)) for key in keys))
    [kept] = [
        row["value"] for row in await fetch(database, f"SELECT value FROM facts WHERE name = '{FINGERPRINT}'")
    ]
    assert [kept] == [one for one in found if one == kept]
    assert NODES - 1 == sum(f"(fingerprint {kept})" in one for one in found)


async def test_ten_nodes_that_start_together_make_the_schema_once(tmp_path: Path, empty: str) -> None:
    """Each opens an empty database at the same moment, all succeed, and each migration was applied one time."""
    key = {"HOOKSTATION_DATABASE_URL": empty, "HOOKSTATION_MASTER_KEY": new_master_key()}
    stores = await asyncio.gather(*(open_store(settings(tmp_path, key)) for _ in range(NODES)))
    await asyncio.gather(*(store.close() for store in stores))
    applied = [
        row["number"] for row in await fetch(empty, "SELECT number FROM hookstation_schema ORDER BY number")
    ]
    assert [*range(1, known_number() + 1)] == applied


def test_every_setting_of_the_database_reaches_it(tmp_path: Path) -> None:
    """Pools, time-outs, what a commit waits for, the pooler and the replica."""
    given = {
        "database_url": "postgresql://one/j",
        "database_replica_url": "postgresql://two/j",
        "database_pool": "9",
        "database_flushers": "3",
        "database_connect_timeout": "11",
        "database_pool_timeout": "12",
        "database_statement_timeout": "13",
        "database_lock_timeout": "14",
        "database_synchronous_commit": "remote_apply",
        "database_pooler": "transaction",
    }
    expected = Access(
        "postgresql://one/j",
        flushers=3,
        readers=9,
        connect_timeout=11,
        pool_timeout=12,
        statement_timeout=13,
        lock_timeout=14,
        synchronous_commit="remote_apply",
        pooler="transaction",
        replica_url="postgresql://two/j",
    )
    access = access_of(settings(tmp_path, {}, **given))
    assert expected == access
    assert "SET LOCAL synchronous_commit = remote_apply;" in access.begin
    assert 0 == access.kept_statements


async def test_a_backup_is_made_by_the_database_itself(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """On PostgreSQL both ways say which program does it; neither line has the password."""
    chosen = settings(tmp_path, shared)
    store = await open_store(chosen)
    with pytest.raises(Conflict, match="pg_dump --format=custom --no-owner --file="):
        await backup_of(chosen, store)(tmp_path / "copy")
    await store.close()
    with pytest.raises(Conflict, match="pg_restore --exit-on-error"):
        restore(chosen, tmp_path / "copy")
    secret = settings(
        tmp_path, {}, database_url="postgresql://me:sesame@db/j?sslmode=require&password=sesame"
    )
    said = dump_advice(secret, tmp_path / "copy") + restore_advice(secret, tmp_path / "copy")
    assert "postgresql://me@db/j?sslmode=require" in said
    assert "sesame" not in said


def advised(sentence: str, program: str) -> str:
    """The command line in a sentence of advice, with the program of the server that is used here."""
    line = sentence[sentence.index(f": {program} ") + 2 :].partition(" (it asks")[0].partition(". Start")[0]
    return line.replace(program, str(programs() / program), 1)


async def run(line: str) -> None:
    """Run a line as a person would."""
    assert 0 == await (await asyncio.create_subprocess_shell(line)).wait()


async def test_the_advised_lines_carry_everything_but_the_key(
    postgres: Server | Given, tmp_path: Path, shared: Mapping[str, str]
) -> None:
    """What pg_dump wrote and pg_restore put into an empty database opens under the same key and no other."""
    if shutil.which(programs() / "pg_dump") is None:
        pytest.skip("This PostgreSQL comes without pg_dump.")
    chosen, dump = settings(tmp_path, shared), tmp_path / "copy"
    store = await open_store(chosen)
    await open_vault(chosen, store)
    await store.add_key(ApiKey("kept", "administrator", "digest", 1))
    await store.close()
    await run(advised(dump_advice(chosen, dump), "pg_dump"))
    assert shared["HOOKSTATION_MASTER_KEY"].encode() not in dump.read_bytes()
    async with new_database(postgres, "template0") as url:
        put_back = {**shared, "HOOKSTATION_DATABASE_URL": url}
        line = advised(restore_advice(settings(tmp_path, put_back), dump), "pg_restore")
        await run(line)
        other = {**put_back, "HOOKSTATION_MASTER_KEY": new_master_key()}
        assert "is not the one" in await fingerprint_under(settings(tmp_path, other))
        again = await open_store(settings(tmp_path, put_back))
        assert ["kept"] == [key.name for key in await again.keys()]
        await again.close()
