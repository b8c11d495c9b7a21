"""Folders of the machine: the suite, and that no link leads out of them."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hookstation.connectors import build_connector
from hookstation.core.definitions import Connection
from hookstation.errors import Invalid, NotFound, Terminal
from hookstation.ports.files import FilesConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.files_suite import FilesBench, FolderSuite
from tests.support.files import on_disk, outside
from tests.support.plain_user import drop_powers


@pytest.fixture
def bench(tmp_path: Path) -> FilesBench:
    root = tmp_path / "exchange"
    locked = root / "locked"
    locked.mkdir(parents=True)
    locked.chmod(0o555)
    return on_disk(connector(root, tmp_path), root, forbidden="locked")


def connector(path: Path, *folders: Path) -> FilesConnector:
    made = build_connector(Connection("drop", "folder", {"path": str(path)}), outside(*folders))
    assert isinstance(made, FilesConnector)
    return made


class TestFolder(FolderSuite):
    """A folder keeps what every system of files keeps."""

    async def test_what_is_not_permitted_is_terminal(self, bench: FilesBench) -> None:
        """As in the suite, in a thread without root's powers over files."""

        def without_powers() -> None:
            if os.geteuid() == 0:
                drop_powers()
            asyncio.run(FolderSuite.test_what_is_not_permitted_is_terminal(self, bench))

        with ThreadPoolExecutor(1) as thread:
            await asyncio.get_running_loop().run_in_executor(thread, without_powers)


async def test_no_link_is_followed_out(tmp_path: Path, bench: FilesBench) -> None:
    """Neither a link to a file nor one to a folder is listed, read, written through or deleted through."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("hidden")
    root = tmp_path / "exchange"
    (root / "way").symlink_to(secret)
    (root / "key.txt").symlink_to(secret / "key.txt")
    assert [] == list(await bench.connector.list_files(""))
    for call in (
        bench.read("key.txt"),
        bench.read("way/key.txt"),
        bench.write("way/new.txt", b"x"),
        bench.connector.list_files("way"),
        bench.connector.remove("way/key.txt"),
        bench.connector.move("way/key.txt", "key2.txt"),
    ):
        assert isinstance(await refusal(call), Terminal | NotFound)
    assert ["key.txt"] == [file.name for file in secret.iterdir()]


async def test_a_root_that_is_led_elsewhere_later_is_refused(tmp_path: Path) -> None:
    """The place is looked at again with each session: a folder may become a link."""
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    made = connector(allowed / "in", allowed)
    assert isinstance(await refusal(made.check()), NotFound)
    (allowed / "in").symlink_to(other)
    refused = await refusal(made.check())
    assert isinstance(refused, Terminal)
    assert "leads out" in refused.message


def test_a_folder_that_nobody_allowed_is_refused(tmp_path: Path) -> None:
    """The sentence names the setting that whoever runs the station has to make."""
    with pytest.raises(Invalid, match="HOOKSTATION_FOLDERS"):
        connector(tmp_path)


async def test_a_pipe_is_no_file(tmp_path: Path, bench: FilesBench) -> None:
    """Nobody waits for a writer who never comes."""
    os.mkfifo(tmp_path / "exchange" / "pipe")
    assert isinstance(await refusal(bench.read("pipe")), NotFound)


async def test_files_are_listed_oldest_first(tmp_path: Path, bench: FilesBench) -> None:
    """By modification, in microseconds, then by name."""
    for second, name in ((30, "c"), (10, "b"), (20, "a"), (20, "A")):
        bench.put(name, b"x")
        os.utime(tmp_path / "exchange" / name, (second, second))
    listed = await bench.connector.list_files("", limit=3)
    assert [("b", 10_000_000), ("A", 20_000_000), ("a", 20_000_000)] == [
        (file.path, file.modified_at) for file in listed
    ]
