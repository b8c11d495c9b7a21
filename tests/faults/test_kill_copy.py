"""kill -9 of ``hookstation copy`` at random moments, and of the station whose database is copied."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import asyncpg

from hookstation.adapters.store.copying import open_sqlite_to_copy
from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.copying import open_postgres_to_copy
from hookstation.testing.sandbox import running_sandbox
from tests.support.copying import everything, fill
from tests.support.counts import tell
from tests.support.crash import Sender
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.postgres import Given, Server, new_database
from tests.support.program import PROGRAM
from tests.support.station import told
from tests.support.station_process import StationProcess

EVENTS = 20_000
LONGEST = 0.6
"""Seconds from the first sign of a copy until it is killed; so many events take longer."""

KILLS = 3
"""Kills of one copy, before it may come to its end."""

SETTLE_SECONDS = 120.0


async def killed(seconds: float, *words: str) -> bool:
    """Start a copy, and ``kill -9`` it so many seconds after it has begun; whether it was still at work."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, *PROGRAM, "copy", *words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert running.stderr is not None
    await running.stderr.readline()
    ended = asyncio.create_task(running.wait())
    await asyncio.wait([ended], timeout=seconds)
    was_at_work = running.returncode is None
    if was_at_work:
        running.kill()
    await ended
    return was_at_work


async def is_unfinished(url: str) -> bool:
    """Whether a copy into this database was begun and is not finished."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT value FROM facts WHERE name = 'copying'") is not None
    finally:
        await connection.close()


async def test_killed_and_given_again_it_goes_on(
    tmp_path: Path, postgres: Server | Given, rounds: int
) -> None:
    """However often and wherever it is killed: what it ends with is the source, row for row, nothing doubled."""
    source = tmp_path / "hookstation.db"
    await fill(source, EVENTS)
    kills = midway = lost = doubled = 0
    for _ in range(rounds):
        async with new_database(postgres) as url:
            words = ("--from", f"sqlite:///{source}", "--to", url)
            for _ in range(KILLS):
                kills += await killed(random.uniform(0, LONGEST), *words)
                midway += await is_unfinished(url)
            await asyncio.to_thread(told, "copy", *words)
            ours = await open_sqlite_to_copy(source, "source")
            theirs = await open_postgres_to_copy(Access(url), "source")
            wanted, got = await everything(ours), await everything(theirs)
            await ours.close()
            await theirs.close()
            lost += sum(len(set(rows) - set(got[name])) for name, rows in wanted.items())
            doubled += sum(len(got[name]) - len(set(got[name])) for name in wanted)
            assert wanted == got
    print(f"{midway} of {kills} left a copy unfinished")
    tell("kill -9, copy to PostgreSQL", kills, EVENTS * rounds, lost, doubled)
    assert (True, True) == (kills > 0, midway > 0)


async def test_a_killed_station_goes_on_on_postgresql(tmp_path: Path, database: str) -> None:
    """Killed under load and copied, each event acknowledged on SQLite is answered on PostgreSQL as it was; those that
    were under way are finished there; and record numbers go on after the last."""
    async with running_sandbox() as sandbox:
        document = {
            "version": 1,
            "connections": [sandbox_connection(sandbox.url)],
            "webhooks": [key_webhook("records", "local"), key_webhook("imis", "remote")],
        }
        async with StationProcess(tmp_path / "data") as old:
            await old.configure(document)
            senders = [Sender(await old.hook(name)) for name in ("local", "remote")]
            for sender in senders:
                async with sender.load(old.url) as connections:
                    await asyncio.wait(connections, timeout=0.5)
                    if sender is senders[-1]:
                        await old.kill()
                        await asyncio.wait(connections)
        path = tmp_path / "data" / "hookstation.db"
        done = await asyncio.to_thread(told, "copy", "--from", f"sqlite:///{path}", "--to", database)
        assert done["same"]
        key = (tmp_path / "data" / "master.key").read_text().strip()
        shared = {"HOOKSTATION_DATABASE_URL": database, "HOOKSTATION_MASTER_KEY": key}
        async with StationProcess(tmp_path / "new", environment=shared) as new:
            await new.settled(SETTLE_SECONDS)
            for sender in senders:
                answered = dict(sender.ledger.acknowledged)
                assert {200} == set(await sender.repeat(new.url, sender.ledger.sent))
                assert answered == {name: sender.ledger.acknowledged[name] for name in answered}
            journal = {one["id"] for one in await new.items("/events", status="succeeded")}
            assert {event for one in senders for event in one.ledger.acknowledged.values()} <= journal
            records = await new.items("/records/Activity")
            written = Counter(one["fields"]["UF_1"] for one in records)
            assert dict.fromkeys(senders[0].ledger.sent, 1) == written
            rows = Counter(str(row["UF_1"]) for row in sandbox.rows("Activity"))
            assert dict.fromkeys(senders[1].ledger.sent, 1) == rows
            assert {200: 1} == await senders[0].repeat(new.url, ["one more"])
            newest = (await new.items("/records/Activity"))[-1]
            assert "one more" == newest["fields"]["UF_1"]
            assert int(newest["key"]) > max(int(one["key"]) for one in records)
            await new.terminate()
