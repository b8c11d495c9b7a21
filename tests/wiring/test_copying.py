"""The command ``copy``: what it says, what it refuses, and that nothing serves an unfinished copy."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hookstation.adapters.store.copying import open_sqlite_to_copy
from hookstation.core.copying import TABLES, UNFINISHED
from tests.support.cluster import new_master_key
from tests.support.command_line import heard, here
from tests.support.copying import fill
from tests.support.postgres import execute
from tests.support.program import PROGRAM, environment
from tests.support.station import apply, command, serving, told
from tests.support.station_process import StationProcess
from tests.support.webhooks import webhook

UNBEGUN = '{"source": "another", "batch": 1, "table": "events", "after": "kA=="}'  # base64 of an empty key


@pytest.fixture
def station_folder(tmp_path: Path) -> Path:
    """The data folder of a station that was configured and runs no more."""
    apply(tmp_path / "data", {"version": 1, "webhooks": [webhook("courses")]})
    return tmp_path / "data"


def test_it_says_what_agrees_and_where_the_master_key_lies(station_folder: Path, database: str) -> None:
    ended = here("copy", "--data", station_folder, "--to", database)
    assert 0 == ended.exit_code, ended.stderr
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert [table.name for table in TABLES] == [row[0] for row in rows[1:]]
    assert {"same"} == {row[-1] for row in rows[1:]}
    assert "Counts and hashes of both sides agree." in ended.stderr
    assert f"what stands in {(station_folder / 'master.key').absolute()} as HOOKSTATION_MASTER_KEY" in (
        ended.stderr.replace("\n    ", " ")
    )
    again = here("copy", "--data", station_folder, "--to", database)
    assert (0, "") == (again.exit_code, again.stdout)
    assert "This copy was finished before: nothing to do." in again.stderr


def test_json_has_counts_and_hashes_of_both_sides(station_folder: Path, database: str) -> None:
    done = heard("copy", "--from", f"sqlite:///{station_folder}/hookstation.db", "--to", database)
    assert (True, False, database) == (done["same"], done["finished_before"], done["to"])
    webhooks = next(one for one in done["tables"] if one["name"] == "webhooks")
    assert (1, 1, True) == (webhooks["source_rows"], webhooks["target_rows"], webhooks["same"])
    assert 64 == len(webhooks["source_sha256"]) == len(webhooks["target_sha256"])
    assert 16 == len(done["master_key_fingerprint"])


def test_a_url_with_a_password_is_named_and_not_written(
    station_folder: Path, database: str, tmp_path: Path
) -> None:
    (tmp_path / "source").write_text(f"sqlite:///{station_folder}/hookstation.db\n")
    named = ("--from", f"${{file:{tmp_path}/source}}", "--to", "${env:TARGET}")
    assert heard("copy", *named, TARGET=database)["same"]
    missing = here("copy", "--from", "${env:NOBODY_SET_THIS}", "--to", "${env:TARGET}", TARGET=database)
    assert (1, "") == (missing.exit_code, missing.stdout)
    assert "database_url: the environment variable NOBODY_SET_THIS is not set" in missing.stderr


def test_secrets_open_on_the_target_with_the_same_key_only(station_folder: Path, database: str) -> None:
    assert heard("copy", "--data", station_folder, "--to", database)["same"]
    key = (station_folder / "master.key").read_text().strip()
    [ours] = heard("webhooks", "list", "--data", station_folder)["items"]
    where = ("--data", station_folder.with_name("new"), "--database-url", database)
    [theirs] = heard("webhooks", "list", *where, HOOKSTATION_MASTER_KEY=key)["items"]
    assert (ours["name"], ours["path"]) == (theirs["name"], theirs["path"])
    refused = here("webhooks", "list", *where, HOOKSTATION_MASTER_KEY=new_master_key())
    assert (1, True) == (
        refused.exit_code,
        "is not the one that this database was sealed under" in refused.stderr,
    )


async def test_nothing_works_on_an_unfinished_copy(database: str, tmp_path: Path) -> None:
    """Neither a server nor a command, and the key that is given does not become its key."""
    await execute(database, f"INSERT INTO facts VALUES ('{UNFINISHED}', '{UNBEGUN}')")
    shared = {"HOOKSTATION_DATABASE_URL": database, "HOOKSTATION_MASTER_KEY": new_master_key()}
    listed = await asyncio.to_thread(command, "webhooks", "list", "--data", tmp_path / "data", **shared)
    code, lines = await asyncio.to_thread(
        StationProcess(tmp_path / "data", environment=shared).fails_to_start
    )
    assert (1, 1) == (listed.returncode, code)
    for said in (listed.stderr, lines[-1]):
        assert "A copy into this database is not finished" in said
        assert "hookstation copy --from ... --to ..." in said
    await execute(database, f"DELETE FROM facts WHERE name = '{UNFINISHED}'")
    shared["HOOKSTATION_MASTER_KEY"] = new_master_key()
    listed = await asyncio.to_thread(command, "webhooks", "list", "--data", tmp_path / "data", **shared)
    assert 0 == listed.returncode, listed.stderr


def test_no_station_may_run_on_the_source(station_folder: Path, database: str) -> None:
    with serving(station_folder):
        ended = here("copy", "--data", station_folder, "--to", database)
    assert (1, "") == (ended.exit_code, ended.stdout)
    assert "is held by process" in ended.stderr


async def test_no_node_may_run_on_either_side(tmp_path: Path, database: str) -> None:
    shared = {"HOOKSTATION_DATABASE_URL": database, "HOOKSTATION_MASTER_KEY": new_master_key()}
    await fill(tmp_path / "one.db", 0)
    async with StationProcess(tmp_path / "data", environment=shared) as node:
        for side, words in (
            ("target", ("--from", f"sqlite:///{tmp_path}/one.db", "--to", database)),
            ("source", ("--from", database, "--to", f"sqlite:///{tmp_path}/two/two.db")),
        ):
            ended = await asyncio.to_thread(command, "copy", *words)
            assert (1, "") == (ended.returncode, ended.stdout)
            assert f"A station works on the {side} (all at {node.url}): stop it" in ended.stderr


async def test_what_differs_ends_it_with_1_and_is_named(tmp_path: Path, database: str) -> None:
    """Here somebody changed the target between two runs."""
    await fill(tmp_path / "one.db", 3)
    words = ("--from", f"sqlite:///{tmp_path}/one.db", "--to", database)
    assert (await asyncio.to_thread(told, "copy", *words))["same"]
    source = await open_sqlite_to_copy(tmp_path / "one.db", "source")
    identity = await source.identify()
    await source.close()
    standing = json.dumps({"source": identity, "batch": 9, "table": "", "after": "kA=="})
    await execute(
        database,
        "UPDATE events SET error = 'odd' WHERE id = (SELECT min(id) FROM events)",
        "DELETE FROM marks WHERE digest = (SELECT digest FROM marks ORDER BY digest LIMIT 1)",
        f"UPDATE facts SET name = '{UNFINISHED}', value = '{standing}' WHERE name = 'copied_from'",
    )
    ended = await asyncio.to_thread(command, "copy", *words)
    assert 1 == ended.returncode
    assert "error: events, marks: source and target differ" in ended.stderr
    differing = [line.split()[0] for line in ended.stdout.splitlines() if line.endswith("DIFFERS")]
    assert ["events", "marks"] == differing
    found = await asyncio.to_thread(command, "copy", *words, "--json")
    assert (1, False) == (found.returncode, json.loads(found.stdout)["same"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--to", "sqlite:///{here}/b.db"), "Source and target are both SQLite"),
        (("--to", "mysql://x"), "must be sqlite:///PATH"),
        (("--from", "sqlite:///{here}/none/x.db", "--to", "{database}"), "There is no database"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    words: tuple[str, ...], sentence: str, station_folder: Path, database: str
) -> None:
    told_to = [word.format(here=station_folder.parent, database=database) for word in words]
    ended = here("copy", "--data", station_folder, *told_to)
    assert (1, "") == (ended.exit_code, ended.stdout)
    assert sentence in ended.stderr


async def test_two_copies_into_one_database_do_not_mix(tmp_path: Path, database: str) -> None:
    """Of two that begin together one comes to its end, and the other one has written nothing."""
    await fill(tmp_path / "one" / "one.db", 300)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "one.db").write_bytes((tmp_path / "one" / "one.db").read_bytes())
    ended = await asyncio.gather(
        *(
            asyncio.to_thread(
                command, "copy", "--from", f"sqlite:///{tmp_path}/{name}/one.db", "--to", database
            )
            for name in ("one", "two")
        )
    )
    assert [0, 1] == sorted(one.returncode for one in ended)


def test_broken_off_by_a_person_it_says_how_to_go_on(tmp_path: Path, database: str) -> None:
    asyncio.run(fill(tmp_path / "one.db", 20_000))
    words = ["copy", "--from", f"sqlite:///{tmp_path}/one.db", "--to", database]
    with subprocess.Popen(
        [sys.executable, *PROGRAM, *words], stderr=subprocess.PIPE, text=True, env=environment()
    ) as running:
        assert running.stderr is not None
        running.stderr.readline()
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
    assert (1, True) == (running.returncode, "Broken off: the same command goes on from here." in said)


def test_a_terminal_shows_a_bar_and_a_pipe_lines(tmp_path: Path, database: str) -> None:
    asyncio.run(fill(tmp_path / "one.db", 50))
    ours, theirs = pty.openpty()
    try:
        ended = subprocess.run(
            [sys.executable, *PROGRAM, "copy", "--from", f"sqlite:///{tmp_path}/one.db", "--to", database],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment(),
            check=False,
        )
        shown = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert 0 == ended.returncode, shown
    assert "\rcopying  [" in shown
    assert "\rchecking [########################] 100 %" in shown
    assert "rows/s" in shown
