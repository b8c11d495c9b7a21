"""FTP with TLS and without against a real server: the suite, and what servers differ in."""

from __future__ import annotations

import ftplib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hookstation.connectors import build_connector
from hookstation.connectors.ftps.refusals import translate
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import Busy, Invalid, NeedsAuth, Retriable, Terminal
from hookstation.ports.files import FilesConnector
from hookstation.testing.connector_suite import refusal
from hookstation.testing.files_suite import FilesBench, FolderSuite
from tests.support.certificates import Authority
from tests.support.files import on_disk, outside
from tests.support.ftp_server import LOCKED, PASSWORD, USER, FtpHost

AUTHORITY = Authority.new()
CERTIFIED = AUTHORITY.certify("127.0.0.1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "host" / LOCKED).mkdir(parents=True)
    return tmp_path / "host"


@pytest.fixture
def host(root: Path, tmp_path: Path) -> Iterator[FtpHost]:
    with FtpHost(root, CERTIFIED).running(tmp_path) as running:
        yield running


@pytest.fixture
def bench(host: FtpHost) -> FilesBench:
    return on_disk(connector(host), host.root, host.cut, LOCKED)


def connector(server: FtpHost, password: str = PASSWORD, **settings: JSON) -> FilesConnector:
    usual: dict[str, JSON] = {
        "host": "127.0.0.1",
        "port": server.port,
        "networks": ["127.0.0.1/32"],
        "timeout": 10,
        "security": "explicit",
        "authorities": AUTHORITY.certificate,
        "username": USER,
    }
    secrets = {"password": Secret(password)}
    made = build_connector(Connection("files", "ftps", {**usual, **settings}, secrets), outside())
    assert isinstance(made, FilesConnector)
    return made


class TestFtps(FolderSuite):
    """FTP with TLS that is asked for keeps what every system of files keeps."""


async def test_tls_from_the_first_byte(root: Path, tmp_path: Path) -> None:
    """Implicit TLS carries files both ways."""
    with FtpHost(root, CERTIFIED, implicit=True).running(tmp_path) as host:
        bench = on_disk(connector(host, security="implicit"), root)
        await bench.write("a.txt", b"data")
        assert b"data" == bench.content("a.txt") == await bench.read("a.txt")
        assert "the connection is encrypted" in await bench.connector.check()


async def test_plain_ftp_only_where_the_setting_says_it(root: Path, tmp_path: Path) -> None:
    """A server without TLS is refused before a password is sent; with `none` it is used, and the check says so."""
    with FtpHost(root).running(tmp_path) as host:
        refused = await refusal(connector(host).check())
        assert isinstance(refused, Terminal)
        assert "security" in refused.message
        plain = connector(host, security="none")
        assert "not encrypted" in await plain.check()
        await on_disk(plain, root).write("a.txt", b"data")
        assert b"data" == (root / "a.txt").read_bytes()


async def test_a_server_without_machine_listings_is_asked_name_by_name(root: Path, tmp_path: Path) -> None:
    """NLST, SIZE and MDTM stand in for MLSD."""
    with FtpHost(root, CERTIFIED, refused=("MLSD",)).running(tmp_path) as host:
        bench = on_disk(connector(host), root)
        bench.put("in/März 1.csv", b"123")
        bench.put("in/deeper/b.csv", b"1")
        listed = await bench.connector.list_files("in")
        assert [("in/März 1.csv", 3)] == [(file.path, file.size) for file in listed]
        assert listed[0].modified_at > 0


async def test_a_server_that_nobody_vouches_for_is_refused(host: FtpHost) -> None:
    """The sentence names the setting for one's own authority."""
    refused = await refusal(connector(host, authorities="").check())
    assert isinstance(refused, Terminal)
    assert "authorities" in refused.message
    with pytest.raises(Invalid, match="authorities"):
        connector(host, authorities="nonsense")


async def test_a_wrong_password_needs_a_person(host: FtpHost) -> None:
    """And is not told on."""
    refused = await refusal(connector(host, "wrong word").check())
    assert isinstance(refused, NeedsAuth)
    assert "wrong word" not in refused.message + refused.detail


async def test_the_root_is_the_folder_of_the_connection(host: FtpHost) -> None:
    """Absolute, or from where the account arrives."""
    for folder in ("/inside", "inside", "inside/"):
        bench = on_disk(connector(host, folder=folder), host.root / "inside")
        bench.put("b.txt", b"x")
        await bench.write("sub/a.txt", folder.encode())
        assert folder.encode() == bench.content("sub/a.txt")
        assert ["b.txt"] == [file.path for file in await bench.connector.list_files("")]


async def test_who_hangs_up_is_tried_again(host: FtpHost) -> None:
    """A connection that breaks while a file is read or written: nothing was done that would be visible."""
    bench = on_disk(connector(host), host.root)
    bench.put("a.bin", bytes(20_000_000))
    reading = aiter(bench.connector.read("a.bin"))
    await anext(reading)
    writer = await bench.connector.create("b.bin")
    await writer.write(bytes(2_000_000))
    host.cut()
    assert isinstance(await refusal(writer.checkpoint()), Retriable)
    assert isinstance(await refusal(_rest(reading)), Retriable)
    await writer.abort()


async def test_an_old_end_that_stays_behind_is_found(host: FtpHost) -> None:
    """FTP cannot cut a file off: what was begun longer than it ends is not given its name."""
    bench = on_disk(connector(host), host.root)
    writer = await bench.connector.create("a.bin")
    await writer.write(b"a" * 1_500_000)
    progress = await writer.checkpoint()
    await writer.write(b"x" * 1_500_000)
    await writer.checkpoint()
    again = await bench.connector.create("a.bin", resume=progress)
    await again.write(b"b")
    refused = await refusal(again.finish())
    assert isinstance(refused, Terminal)
    assert "anew" in refused.message
    await again.abort()
    await writer.abort()
    assert [LOCKED] == bench.names("")


async def _rest(reading: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in reading])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("530 Not logged in", NeedsAuth),
        ("553 Not allowed", Terminal),
        ("552 Quota exceeded", Retriable),
        ("522 TLS session of data connection not resumed", Terminal),
        ("504 Not for that", Terminal),
    ],
)
def test_a_lasting_refusal_is_told_by_its_code(answer: str, kind: type[Exception]) -> None:
    """Codes of RFC 959 and RFC 4217."""
    assert kind is type(translate(ftplib.error_perm(answer), "a.txt"))


@pytest.mark.parametrize(("answer", "kind"), [("421 Too many users", Busy), ("452 Disk full", Retriable)])
def test_a_passing_refusal_is_tried_again(answer: str, kind: type[Exception]) -> None:
    """Codes that begin with 4."""
    assert kind is type(translate(ftplib.error_temp(answer), "a.txt"))
