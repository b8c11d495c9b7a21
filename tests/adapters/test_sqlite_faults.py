"""What the SQLite driver does when the disk, the lock or the process fails."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookstation.adapters.store import group_commit
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.errors import FolderInUse, StoreError, StoreUnavailable
from hookstation.ports.store import Acceptance, EventFilter
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    NOW,
    entry,
    event_id,
    insert,
    journal,
    rejects,
    succeeds,
)

HOLD_THE_LOCK = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""

OPEN_AS_SOMEBODY_ELSE = """
import asyncio, os, sys
from pathlib import Path
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.errors import StoreUnavailable
if os.getuid() == 0:
    os.setuid(65534)
try:
    asyncio.run(open_sqlite(Path(sys.argv[1])))
except StoreUnavailable as refused:
    print(refused.message)
"""

WRITE_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.ports.store import Acceptance
from hookstation.testing.store_cases.making import ACTIVITIES, entry, event_id, insert, mark, succeeds

async def main():
    store = await open_sqlite(Path(sys.argv[1]))
    numbers = iter(range(int(sys.argv[2]), 10**9))
    async def call():
        for number in numbers:
            acceptance = Acceptance(entry(number), succeeds, insert(ACTIVITIES, ID="7"), mark(number, str(number)))
            done = await store.accept(acceptance)
            print(number, done.effect.key, flush=True)
    await asyncio.gather(*(call() for _ in range(32)))

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hookstation.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(path)
    yield opened
    await opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PATIENCE", 0.05)


@contextmanager
def another_process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def said(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def spoil(path: Path) -> None:
    path.write_bytes(b"this is no database " * 100)


def remove(path: Path) -> None:
    path.unlink()


async def refusals(store: SqliteStore, count: int = 3, body: bytes = b"{}") -> list[type]:
    """What callers get who bring events 100, 101 ... at once."""
    events = (Acceptance(entry(100 + number, body=body), succeeds) for number in range(count))
    done = await asyncio.gather(*(store.accept(event) for event in events), return_exceptions=True)
    return [type(one) for one in done]


async def nothing_of_them(store: SqliteStore, count: int = 3) -> bool:
    found = [await store.get_event(event_id(100 + number)) for number in range(count)]
    return found == [None] * count


async def test_full_disk(store: SqliteStore) -> None:
    """When there is no room everybody in the batch is told, nothing is written, and with room again it goes on."""
    await journal(store, 1)
    writer = store._handles.writer
    pages = int(str(writer.pragma("page_count")))
    writer.pragma("max_page_count", pages + 2)

    refused = await refusals(store, body=b"x" * 50_000)
    written = await nothing_of_them(store)
    writer.pragma("max_page_count", 1 << 30)

    assert ([StoreUnavailable] * 3, True) == (refused, written)
    await journal(store, 2)
    assert 2 == len((await store.list_events(EventFilter(), 10)).items)


async def test_read_only_database(store: SqliteStore) -> None:
    """While nothing may be written callers are refused and the store says so; then it goes on by itself."""
    writer = store._handles.writer
    writer.pragma("query_only", True)

    refused, ready = await refusals(store), await store.can_commit()
    writer.pragma("query_only", False)

    assert ([StoreUnavailable] * 3, False) == (refused, ready)
    assert await nothing_of_them(store)
    await journal(store, 1)
    assert await store.can_commit()


@pytest.mark.usefixtures("impatient")
async def test_lock_of_another_process(store: SqliteStore, path: Path) -> None:
    """While another process holds the lock callers and jobs are refused, not stuck; afterwards it goes on."""
    with another_process(HOLD_THE_LOCK, str(path)) as child:
        assert "held" == said(child)
        refused, ready = await refusals(store), await store.can_commit()

    assert ([StoreUnavailable] * 3, False) == (refused, ready)
    assert await nothing_of_them(store)
    await journal(store, 1)


async def test_short_lock_of_another_process(store: SqliteStore, path: Path) -> None:
    """A lock that goes in time only delays: the loop stays free meanwhile, and the event is written."""
    with another_process(HOLD_THE_LOCK, str(path)) as child:
        assert "held" == said(child)
        waiting = asyncio.ensure_future(store.accept(Acceptance(entry(1), succeeds)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert await store.get_event(event_id(1)) is None

    done = await waiting
    assert done.settlement is not None


async def test_commit_that_fails(store: SqliteStore) -> None:
    """A commit that fails is never told as success, leaves nothing, and the next one is whole again."""
    writer = store._handles.writer
    writer.set_commit_hook(lambda: True)

    refused = await refusals(store)
    writer.set_commit_hook(None)

    assert all(issubclass(kind, StoreError) for kind in refused)
    assert await nothing_of_them(store)
    assert not writer.in_transaction
    await journal(store, 1)
    assert 1 == len((await store.list_events(EventFilter(), 10)).items)


async def test_caller_that_gives_up(store: SqliteStore) -> None:
    """An event whose caller has gone is committed all the same, and its batch mates get their answers."""
    gone = asyncio.ensure_future(store.accept(Acceptance(entry(1), succeeds)))
    stays = asyncio.ensure_future(store.accept(Acceptance(entry(2), succeeds)))
    await asyncio.sleep(0)
    gone.cancel()

    done = await stays

    assert done.settlement is not None
    assert await store.get_event(event_id(1)) is not None


async def test_close_commits_what_waits(path: Path) -> None:
    """What was asked before `close` is committed before it returns, noted calls too."""
    store = await open_sqlite(path)
    waiting = [asyncio.create_task(journal(store, number)) for number in range(40)]
    await asyncio.sleep(0)
    store.note(Acceptance(entry(99), rejects))

    await store.close()

    assert [event_id(number) for number in range(40)] == [task.result() for task in waiting]
    again = await open_sqlite(path)
    assert 41 == len((await again.list_events(EventFilter(), 100)).items)
    await again.close()


async def test_flood_of_noted_calls(store: SqliteStore) -> None:
    """Of a flood of noted calls the surplus is dropped and counted, and the rest is written."""
    for number in range(group_commit.MOST_NOTED + 7):
        store.note(Acceptance(entry(number, body=None), rejects))

    await journal(store, 10**6)
    await store.close()

    assert 7 == store.noted_lost


async def test_folder_in_use(store: SqliteStore, path: Path) -> None:
    """A second opening of the folder is refused, naming the process that holds it."""
    with pytest.raises(FolderInUse, match=rf"process {os.getpid()}\b"):
        await open_sqlite(path)


async def test_folder_is_free_again(path: Path) -> None:
    """After `close`, and after an opening that failed, the folder can be taken again."""
    await (await open_sqlite(path)).close()
    spoil(path)
    with pytest.raises(StoreError):
        await open_sqlite(path)

    remove(path)
    await (await open_sqlite(path)).close()


def test_folder_of_somebody_else(tmp_path: Path) -> None:
    """A folder that may not be written is refused with a sentence that says what to do."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o555)
    temporary = Path(tempfile.gettempdir())
    for ours in filter(lambda parent: temporary in parent.parents, folder.parents):
        ours.chmod(0o755)

    with another_process(OPEN_AS_SOMEBODY_ELSE, str(folder / "hookstation.db")) as child:
        assert "give this user the right" in said(child)


async def test_files_are_private(store: SqliteStore, path: Path) -> None:
    """Nobody but the owner can read the database, its log or its lock."""
    await journal(store, 1)

    modes = {file.name: file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
    assert dict.fromkeys(modes, 0) == modes
    assert {"hookstation.db", "hookstation.db-wal", "hookstation.lock"} <= modes.keys()


async def test_numbering_goes_on(path: Path) -> None:
    """Keys, ordinals and the revision go on after a restart where they stood."""
    for number in range(3):
        store = await open_sqlite(path)
        done = await store.accept(Acceptance(entry(number), succeeds, insert(ACTIVITIES, ID="7")))
        assert done.effect is not None
        assert str(number + 1) == done.effect.key
        await store.close()


async def test_kill_while_writing(path: Path, rounds: int) -> None:
    """After kill -9 every acknowledged event is there with its record and its mark, and none is there twice."""
    start = 0
    for _ in range(rounds):
        with another_process(WRITE_UNTIL_KILLED, str(path), str(start)) as child:
            acknowledged = [said(child).split() for _ in range(700)]
            child.kill()
            assert child.stdout is not None
            acknowledged += [
                line.split() for line in child.stdout.read().splitlines() if line.count(" ") == 1
            ]
        acknowledged = [pair for pair in acknowledged if len(pair) == 2 and pair[1]]
        store = await open_sqlite(path)
        records = {record.event_id: record.key for record in await store.list_records("Activity", 10**6)}
        missing = [number for number, key in acknowledged if records.get(event_id(int(number))) != key]
        marks = [await store.find_mark("courses", number, NOW) for number, _ in acknowledged[-50:]]
        count = await store.count_records("Activity")
        await store.close()
        assert ([], len(records)) == (missing, count)
        assert all(marks)
        start = max(int(number) for number, _ in acknowledged) + 1000
