"""backup, restore and migrate on real files, with a server and without."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hookstation.adapters.store.backup import schema_of
from hookstation.adapters.store.migrations import known_number, migrate
from tests.support.command_line import heard, here
from tests.support.program import environment
from tests.support.station import Station, command, station, told
from tests.support.webhooks import webhook
from tests.support.wire import ask

DOCUMENT = {"version": 1, "webhooks": [webhook("courses")]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station that runs while all of this happens."""
    with station(tmp_path_factory.mktemp("keeping") / "data", DOCUMENT) as started:
        yield started


@pytest.fixture(scope="module")
def copy(running: Station) -> Path:
    """A backup, taken while calls come in."""
    ended = threading.Event()

    def load() -> None:
        while not ended.is_set():
            assert 200 == ask(running.hook("courses"), json.dumps({"memberId": "1"})).status

    caller = threading.Thread(target=load)
    caller.start()
    try:
        made = subprocess.run(
            [sys.executable, "-m", "hookstation", "backup", "copy", "--json", "--data", running.data],
            cwd=running.data.parent,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        ended.set()
        caller.join()
    path = running.data.parent / "copy"
    key = running.data.absolute() / "master.key"
    told_of = {"path": str(path), "bytes": path.stat().st_size, "master_key": str(key)}
    assert told_of == json.loads(made.stdout)
    assert f"keep the file {key} safe" in made.stderr
    return path


def with_key(running: Station, folder: Path) -> Path:
    """A data folder with nothing but the station's master key."""
    folder.mkdir(mode=0o700)
    shutil.copy(running.data / "master.key", folder)
    return folder


def test_a_backup_under_load_opens_with_whole_events(running: Station, copy: Path, tmp_path: Path) -> None:
    data = with_key(running, tmp_path / "data")
    restored = command("restore", copy, "--data", data)
    assert (0, "") == (restored.returncode, restored.stdout)
    assert "Restored." in restored.stderr
    events = told("events", "list", "--status", "succeeded", "--limit", "100000", "--data", data)["items"]
    assert len(events) == told("records", "count", "Activity", "--data", data)["count"]
    assert [] == [one["id"] for one in events if not one["record"]]
    assert 0 == command("restore", copy, "--data", data).returncode
    assert 0 == command("restore", copy, "--data", data).returncode
    kept = sorted(path.name for path in data.glob("*.before-restore*"))
    assert ["hookstation.db.before-restore", "hookstation.db.before-restore-2"] == kept


def test_a_backup_replaces_nothing_and_makes_no_folder(running: Station, copy: Path) -> None:
    twice = command("backup", copy, "--data", running.data)
    assert (1, "") == (twice.returncode, twice.stdout)
    assert "exists already" in twice.stderr
    nowhere = command("backup", copy.parent / "none" / "copy", "--data", running.data)
    assert (1, "") == (nowhere.returncode, nowhere.stdout)
    assert f"{copy.parent / 'none'} is no folder" in nowhere.stderr


def test_nothing_is_restored_under_a_running_server(running: Station, copy: Path) -> None:
    ended = command("restore", copy, "--data", running.data)
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "is held by process" in ended.stderr


def test_a_file_that_is_no_backup_is_refused_and_nothing_moved(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear reader, this is no database. " * 200)
    ended = command("restore", tmp_path / "letter", "--data", tmp_path / "data")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "is not a Hookstation database" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_backup_of_a_newer_version_is_refused_and_nothing_moved(copy: Path, tmp_path: Path) -> None:
    newer = shutil.copy(copy, tmp_path / "newer")
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    ended = command("restore", newer, "--data", tmp_path / "data")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "install the version that wrote it" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_backup_without_its_key_is_put_back_and_says_which_key_is_missing(
    running: Station, copy: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    ended = command("restore", copy, "--json", "--data", data)
    document = json.loads(ended.stdout)
    assert (0, str(data / "hookstation.db"), str(data / "master.key")) == (
        ended.returncode,
        document["database"],
        document["master_key_missing"],
    )
    assert (
        f"warning: the master key is not here. Put the one with the fingerprint {document['fingerprint']} at "
        f"{data / 'master.key'}" in ended.stderr
    )
    refused = here("webhooks", "list", "--data", data)
    assert (1, True) == (refused.exit_code, document["fingerprint"] in refused.stderr)
    shutil.copy(running.data / "master.key", data)
    assert ["courses"] == [one["name"] for one in heard("webhooks", "list", "--data", data)["items"]]


def test_nothing_is_replaced_where_another_key_is(copy: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert [] == heard("webhooks", "list", "--data", data)["items"]
    before = sorted(path.name for path in data.iterdir())
    ended = here("restore", copy, "--data", data)
    assert (1, "") == (ended.exit_code, ended.stdout)
    assert "Nothing was replaced." in ended.stderr
    assert before == sorted(path.name for path in data.iterdir())
    assert [] == heard("webhooks", "list", "--data", data)["items"]


def test_a_key_that_a_setting_gives_is_in_no_file(tmp_path: Path) -> None:
    data, key = tmp_path / "data", base64.b64encode(bytes(32)).decode()
    made = heard("backup", tmp_path / "copy", "--data", data, HOOKSTATION_MASTER_KEY=key)
    assert made["master_key"] is None
    restored = heard("restore", tmp_path / "copy", "--data", tmp_path / "other", HOOKSTATION_MASTER_KEY=key)
    assert restored["master_key_missing"] is None


def test_migrate_goes_through_the_server_or_opens_the_folder(running: Station, tmp_path: Path) -> None:
    newest, file = known_number(), tmp_path / "data" / "hookstation.db"
    assert {"database": str(file), "from": 0, "to": newest} == heard("migrate", "--data", tmp_path / "data")
    for data in (running.data, tmp_path / "data"):
        ended = command("migrate", "--data", data)
        assert (0, "") == (ended.returncode, ended.stdout)
        assert (
            f"{data / 'hookstation.db'} is at this version, schema {newest}: nothing to do." in ended.stderr
        )


def test_a_command_brings_no_older_database_to_this_version_in_passing(tmp_path: Path) -> None:
    """It says how that is done, and does nothing; nodes of the version before may work on it."""
    data, newest = tmp_path / "data", known_number()
    assert newest == heard("migrate", "--data", data)["to"]
    (data / "hookstation.db").unlink()
    with closing(apsw.Connection(str(data / "hookstation.db"))) as connection:
        assert 1 == migrate(connection, 1)
    for words in (["webhooks", "list"], ["keys", "add", "a", "--role", "administrator"]):
        refused = here(*words, "--data", data)
        assert (1, "") == (refused.exit_code, refused.stdout)
        said = refused.stderr.replace("\n    ", " ")
        assert f"is of an older version (schema 1; this one works on {newest})" in said
        assert "hookstation migrate" in said
    doctor = here("doctor", "--data", data)
    assert (1, True) == (doctor.exit_code, "hookstation migrate" in doctor.output)
    assert 1 == schema_of(data / "hookstation.db")
    assert {"from": 1, "to": newest}.items() <= heard("migrate", "--data", data).items()
    assert [] == heard("webhooks", "list", "--data", data)["items"]


def test_a_backup_leaves_the_key_out_and_says_so(running: Station, tmp_path: Path) -> None:
    made = command("backup", tmp_path / "copy", "--data", running.data)
    assert 0 == made.returncode
    assert "The master key is not in it, and nothing opens without" in made.stderr
    key = (running.data / "master.key").read_bytes().strip()
    copied = (tmp_path / "copy").read_bytes()
    assert (False, False) == (key in copied, base64.b64decode(key) in copied)
