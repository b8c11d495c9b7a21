"""SFTP against a real server: the suite, who the server is, who we are, and what breaks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from hookstation.connectors import build_connector
from hookstation.connectors.sftp.account import Account
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, NeedsAuth, Retriable, Terminal
from hookstation.ports.files import FilesConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.files_suite import FilesBench, FolderSuite
from tests.support.files import on_disk, outside
from tests.support.sftp_server import LOCKED, PASSWORD, USER, SftpHost


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SftpHost]:
    root = tmp_path / "host"
    (root / LOCKED).mkdir(parents=True)
    async with SftpHost(root).running() as running:
        yield running


@pytest.fixture
def bench(host: SftpHost) -> FilesBench:
    return on_disk(connector(host), host.root, host.cut, LOCKED)


def connector(server: SftpHost, **settings: JSON) -> FilesConnector:
    return built(server, {"password": Secret(PASSWORD)}, **settings)


def built(server: SftpHost, secrets: dict[str, Secret], **settings: JSON) -> FilesConnector:
    usual: dict[str, JSON] = {
        "host": "127.0.0.1",
        "port": server.port,
        "networks": ["127.0.0.1/32"],
        "timeout": 10,
        "username": USER,
        "host_key": server.fingerprint,
    }
    made = build_connector(Connection("files", "sftp", {**usual, **settings}, secrets), outside())
    assert isinstance(made, FilesConnector)
    return made


class TestSftp(FolderSuite):
    """SFTP keeps what every system of files keeps."""


async def test_a_server_without_the_rename_that_replaces_does_it_in_two_steps(host: SftpHost) -> None:
    """What is in the way is deleted first."""
    host.posix_rename = False
    bench = on_disk(connector(host), host.root)
    bench.put("a.txt", b"old")
    await bench.write("a.txt", b"new")
    assert b"new" == bench.content("a.txt")


async def test_an_unknown_server_gets_nothing_and_its_fingerprint_is_told(host: SftpHost) -> None:
    """Without `host_key` and with another one: what to compare and where to put it, before any password is sent."""
    for known in ("", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        refused = await refusal(connector(host, host_key=known).check())
        assert isinstance(refused, Terminal)
        assert host.fingerprint in refused.message
        assert "host_key" in refused.message


async def test_a_server_is_known_by_its_public_key_too(host: SftpHost) -> None:
    """As a line of known_hosts or of a .pub file, also among others."""
    line = host.key.export_public_key().decode().strip()
    for known in (line, f"files.example.org {line} a comment", f"SHA256:other, {line}"):
        assert await connector(host, host_key=known).check()
    assert not Account(USER, host_key=line).trusts("SHA256:other", "ssh-ed25519 AAAAother")


async def test_a_wrong_password_needs_a_person(host: SftpHost) -> None:
    """The account is named, the password is not."""
    refused = await refusal(built(host, {"password": Secret("wrong word")}).check())
    assert isinstance(refused, NeedsAuth)
    assert USER in refused.message
    assert "wrong word" not in refused.message + refused.detail


async def test_a_locked_key_signs_in(host: SftpHost) -> None:
    """With its passphrase; without it the sentence says what is missing."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    host.allowed.append(key.convert_to_public())
    locked = Secret(key.export_private_key("pkcs8-pem", passphrase="open sesame").decode())
    assert await built(host, {"private_key": locked, "passphrase": Secret("open sesame")}).check()
    refused = await refusal(built(host, {"private_key": locked}).check())
    assert isinstance(refused, NeedsAuth)
    assert "passphrase" in refused.message


async def test_the_root_is_the_folder_of_the_connection(host: SftpHost) -> None:
    """Absolute, or from where the account arrives."""
    for folder in ("/inside", "inside", "inside/"):
        bench = on_disk(connector(host, folder=folder), host.root / "inside")
        bench.put("b.txt", b"x")
        await bench.write("sub/a.txt", folder.encode())
        assert folder.encode() == bench.content("sub/a.txt")
        assert ["b.txt"] == [file.path for file in await bench.connector.list_files("")]


async def test_the_guard_and_a_closed_port_are_told_apart(host: SftpHost) -> None:
    """A forbidden address is refused when the connection is made up; a port that nobody listens at is for later."""
    with pytest.raises(Invalid, match="networks"):
        connector(host, networks=[])
    named = connector(host, host="localhost", networks=[])
    assert isinstance(await refusal(named.check()), Terminal)
    gone = connector(host, port=1)
    assert isinstance(await refusal(gone.check()), Retriable)


async def test_who_hangs_up_is_tried_again(host: SftpHost) -> None:
    """A connection that breaks while a file is read or written: nothing was done that would be visible."""
    bench = on_disk(connector(host), host.root)
    bench.put("a.bin", bytes(5_000_000))
    reading = bench.connector.read("a.bin")
    await anext(aiter(reading))
    writer = await bench.connector.create("b.bin")
    host.cut()
    assert isinstance(await refusal(writer.write(bytes(2_000_000))), Retriable)
    assert isinstance(await refusal(_rest(reading)), Retriable)
    await writer.abort()


async def _rest(reading: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in reading])


def test_an_account_without_anything_to_sign_in_with_is_refused() -> None:
    with pytest.raises(Invalid, match="password"):
        build_connector(Connection("files", "sftp", {"host": "h.example", "username": "x"}), outside())


def test_the_large_library_is_loaded_when_it_is_used() -> None:
    """A station without such a connection does not pay for it."""
    code = "import sys, hookstation.connectors; sys.exit('asyncssh' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
