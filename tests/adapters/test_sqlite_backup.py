"""Backups that are taken while the store is written to, checked, and put back; and the schema's numbers."""

import asyncio
from pathlib import Path

import apsw
import pytest

from hookstation.adapters.store import migrations
from hookstation.adapters.store.backup import check, restore
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.errors import Conflict, FolderInUse, NewerDatabase, StoreError
from hookstation.ports.store import Acceptance
from hookstation.testing.store_cases.making import ACTIVITIES, entry, event_id, insert, journal, succeeds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "hookstation.db"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


def empty(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    return apsw.Connection(str(path))


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_backup_of_a_store_at_work(path: Path, copy: Path) -> None:
    """A backup taken under load is whole: each event in it has its record, and all committed before are in it."""
    store = await open_sqlite(path)
    for number in range(20):
        await journal(store, number)
    copying = asyncio.create_task(store.backup_to(copy))
    numbers = iter(range(100, 10**6))

    async def call() -> None:
        while not copying.done():
            await store.accept(Acceptance(entry(next(numbers)), succeeds, insert(ACTIVITIES, ID="7")))

    await asyncio.gather(*(call() for _ in range(8)))
    size = await copying
    await store.close()

    assert migrations.known_number() == check(copy)
    assert {"copy.db", "data"} == files_in(copy.parent)
    restore(copy, copy.parent / "other" / "hookstation.db")
    restored = await open_sqlite(copy.parent / "other" / "hookstation.db")
    records = await restored.list_records("Activity", 10**6)
    events = [await restored.get_event(record.event_id) for record in records]
    early = [await restored.get_event(event_id(number)) for number in range(20)]
    await restored.close()
    assert size > 0
    assert all(events)
    assert all(early)


async def test_restore_goes_back_in_time(path: Path, copy: Path) -> None:
    """A restored database is as it was when the backup was taken; what was there is kept beside it."""
    store = await open_sqlite(path)
    await journal(store, 1)
    await store.backup_to(copy)
    await journal(store, 2)
    await store.close()

    restore(copy, path)

    again = await open_sqlite(path)
    found = [await again.get_event(event_id(number)) is not None for number in (1, 2)]
    await again.close()
    assert [True, False] == found
    assert path.name + ".before-restore" in files_in(path.parent)


async def test_no_restore_under_a_running_store(path: Path, copy: Path) -> None:
    """A folder that is held cannot be restored into."""
    store = await open_sqlite(path)
    await store.backup_to(copy)

    with pytest.raises(FolderInUse):
        restore(copy, path)
    await store.close()


async def test_backup_replaces_nothing(path: Path, copy: Path) -> None:
    """A backup onto a file that exists is refused and leaves it alone."""
    store = await open_sqlite(path)
    await store.backup_to(copy)

    with pytest.raises(Conflict, match="exists already"):
        await store.backup_to(copy)
    await store.close()


async def test_damaged_backup(path: Path, copy: Path) -> None:
    """A damaged backup is recognised and not put in place."""
    store = await open_sqlite(path)
    for number in range(200):
        await journal(store, number)
    await store.backup_to(copy)
    await store.close()
    spoil(copy)

    with pytest.raises(StoreError, match="damaged"):
        restore(copy, path)

    again = await open_sqlite(path)
    assert await again.get_event(event_id(199)) is not None
    await again.close()


@pytest.mark.parametrize("content", [b"", b"no database at all"])
def test_something_else_than_a_backup(copy: Path, content: bytes) -> None:
    """A file that is no database of ours is refused, and so is one that is not there."""
    with pytest.raises(StoreError, match="not there"):
        check(copy)
    copy.write_bytes(content)

    with pytest.raises(StoreError):
        check(copy)


async def test_newer_database(path: Path) -> None:
    """A database that a newer program wrote is refused with both numbers, and is left as it is."""
    await (await open_sqlite(path)).close()
    newer = migrations.known_number() + 1
    with empty(path) as connection:
        connection.pragma("user_version", newer)

    with pytest.raises(NewerDatabase, match=f"schema {newer}, this program knows schemas up to {newer - 1}"):
        await open_sqlite(path)
    assert newer == empty(path).pragma("user_version")


async def test_database_of_another_program(path: Path) -> None:
    """A SQLite file of another program is refused."""
    empty(path).execute("CREATE TABLE t (a); PRAGMA user_version = 1")

    with pytest.raises(StoreError, match="not a Hookstation database"):
        await open_sqlite(path)


def test_migrations_are_numbered_and_say_when_they_run() -> None:
    """Migrations count from one without a gap, and each says in its first line whether it runs before deploy."""
    scripts = migrations.scripts()

    assert list(range(1, len(scripts) + 1)) == sorted(scripts)
    assert all(script.startswith(("-- before deploy", "-- after deploy")) for script in scripts.values())


def test_failing_migration_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way is undone as a whole, and the one before it stands."""
    good = migrations.scripts()
    bad = "CREATE TABLE half (a); CREATE TABLE half (a);"
    connection = empty(path)
    migrations.migrate(connection)
    monkeypatch.setattr(migrations, "scripts", lambda: {**good, len(good) + 1: bad})

    with pytest.raises(apsw.SQLError):
        migrations.migrate(connection)

    assert len(good) == connection.pragma("user_version")
    assert not connection.table_exists("main", "half")
    assert not connection.in_transaction


def test_migrating_twice_changes_nothing(path: Path) -> None:
    """A database of today's schema is left as it is."""
    connection = empty(path)

    assert migrations.known_number() == migrations.migrate(connection) == migrations.migrate(connection)
