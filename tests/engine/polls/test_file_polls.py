"""Folders and mailboxes as sources: on this machine, over SFTP, FTPS, S3 and IMAP."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config

from tests.support.certificates import Authority
from tests.support.ftp_server import LOCKED, FtpHost
from tests.support.ftp_server import PASSWORD as FTP_PASSWORD
from tests.support.ftp_server import USER as FTP_USER
from tests.support.imap_server import PASSWORD as IMAP_PASSWORD
from tests.support.imap_server import USER as IMAP_USER
from tests.support.imap_server import ImapHost
from tests.support.polls import LOOPBACK, PollBench, poll_bench
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, running_store
from tests.support.sftp_server import PASSWORD, USER, SftpHost

AUTHORITY: Final = Authority.new()
BUCKETS: Final = count(1)
ROWS: Final = "id\n" + "".join(f"{number}\n" for number in range(1, 8))


@dataclass
class Drop:
    """A system of files, and a bench that is connected to it."""

    bench: PollBench
    write: Callable[[str, str], None]
    names: Callable[[str], list[str]]
    root: Path = Path()

    async def put(self, **more: Any) -> None:
        """Poll the folder `in`."""
        source = {"type": "files", "connection": "drop", "folder": "in", "pattern": "*.csv"}
        await self.bench.put({**source, **more.pop("source", {})}, **more)

    async def come(self) -> list[str]:
        """The ids that one turn brings."""
        return [one["id"] for one in await self.bench.come()]


def on_disk(root: Path) -> tuple[Callable[[str, str], None], Callable[[str], list[str]]]:
    """How a file of a folder is written, and which names stand in it."""
    (root / "in").mkdir(parents=True)
    (root / "done").mkdir()
    (root / LOCKED).mkdir()
    seconds = count(1_795_000_000)

    def write(path: str, text: str) -> None:
        (root / path).write_text(text)
        moment = next(seconds)
        os.utime(root / path, (moment, moment))

    return write, lambda folder: sorted(one.name for one in (root / folder).iterdir())


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Drop]:
    root = tmp_path / "exchange"
    write, names = on_disk(root)
    async with poll_bench(tmp_path, {"name": "drop", "type": "folder", "path": str(root)}) as bench:
        yield Drop(bench, write, names, root)


@pytest.fixture
async def sftp(tmp_path: Path) -> AsyncIterator[Drop]:
    write, names = on_disk(tmp_path / "host")
    async with SftpHost(tmp_path / "host").running() as host:
        connection = {
            "name": "drop", "type": "sftp", "host": "127.0.0.1", "port": host.port, "networks": LOOPBACK,
            "username": USER, "password": PASSWORD, "host_key": host.fingerprint,
        }  # fmt: skip
        async with poll_bench(tmp_path, connection) as bench:
            yield Drop(bench, write, names)


@pytest.fixture
async def ftps(tmp_path: Path) -> AsyncIterator[Drop]:
    write, names = on_disk(tmp_path / "host")
    with FtpHost(tmp_path / "host", AUTHORITY.certify("127.0.0.1")).running(tmp_path) as host:
        connection = {
            "name": "drop", "type": "ftps", "host": "127.0.0.1", "port": host.port, "networks": LOOPBACK,
            "security": "explicit", "authorities": AUTHORITY.certificate, "username": FTP_USER,
            "password": FTP_PASSWORD,
        }  # fmt: skip
        async with poll_bench(tmp_path, connection) as bench:
            yield Drop(bench, write, names)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with running_store() as address:
        yield address


@pytest.fixture
async def s3(tmp_path: Path, store: str) -> AsyncIterator[Drop]:
    amazon = boto3.client(
        "s3", endpoint_url=store, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY, config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    bucket = f"drop-{next(BUCKETS)}"
    amazon.create_bucket(Bucket=bucket)

    def names(folder: str) -> list[str]:
        found = amazon.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/").get("Contents", [])
        return [one["Key"].rpartition("/")[2] for one in found]

    connection = {
        "name": "drop", "type": "s3", "endpoint": store, "bucket": bucket, "region": "us-east-1", "networks": LOOPBACK,
        "access_key": ACCESS_KEY, "secret_key": SECRET_KEY,
    }  # fmt: skip
    async with poll_bench(tmp_path, connection) as bench:
        write = lambda path, text: amazon.put_object(Bucket=bucket, Key=path, Body=text.encode())  # noqa: E731
        yield Drop(bench, write, names)


@pytest.fixture(params=["folder", "sftp", "ftps", "s3"])
def drop(request: pytest.FixtureRequest) -> Drop:
    """Each system of files."""
    found: Drop = request.getfixturevalue(request.param)
    return found


async def test_a_file_is_read_over_several_turns(drop: Drop) -> None:
    """Three rows at a time, across the end of one file and the beginning of the next; each row comes once."""
    drop.write("in/a.csv", ROWS)
    drop.write("in/b.csv", "id\n8\n9\n")
    drop.write("in/c.txt", "id\n10\n")
    await drop.put(most=3)
    assert [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"], []] == [await drop.come() for _ in range(4)]
    drop.write("in/a.csv", "id\n11\n")
    assert ["11"] == await drop.come()


@pytest.mark.parametrize(("after", "kept"), [("delete", []), ({"move": "done"}, ["a.csv"])])
async def test_a_file_is_put_away_when_all_of_it_came(drop: Drop, after: object, kept: list[str]) -> None:
    """Not before its last row is committed, and only files that were read: what was there before stays."""
    drop.write("in/old.csv", "id\n0\n")
    await drop.put(source={"after": after}, first="now", most=4)
    assert [] == await drop.come()
    drop.write("in/a.csv", ROWS)
    assert ["1", "2", "3", "4"] == await drop.come()
    assert ["a.csv", "old.csv"] == drop.names("in")
    assert ["5", "6", "7"] == await drop.come()
    assert (["old.csv"], kept) == (drop.names("in"), drop.names("done"))
    assert [] == await drop.come()


async def test_a_file_that_could_not_be_put_away_is_in_the_next_turn(folder: Drop, tmp_path: Path) -> None:
    """It stays, its rows do not come again, and it goes as soon as that is possible."""
    folder.write("in/a.csv", ROWS)
    done = tmp_path / "exchange" / "done"
    done.rmdir()
    done.write_text("in the way")
    await folder.put(source={"after": {"move": "done"}})
    assert 7 == len(await folder.come())
    assert ["a.csv"] == folder.names("in")
    done.unlink()
    assert [] == await folder.come()
    assert ([], ["a.csv"]) == (folder.names("in"), folder.names("done"))


async def test_a_file_that_was_begun_is_ended_first(folder: Drop) -> None:
    """Though an older one has come meanwhile, none of its rows is read twice."""
    folder.write("in/b.csv", ROWS)
    await folder.put(most=4)
    assert ["1", "2", "3", "4"] == await folder.come()
    folder.write("in/a.csv", "id\n8\n9\n")
    os.utime(folder.root / "in/a.csv", (1, 1))
    assert (["5", "6", "7", "8"], ["9"]) == (await folder.come(), await folder.come())
    assert 0 == (await folder.bench.look()).found


async def test_a_file_that_was_replaced_meanwhile_is_not_put_away(folder: Drop) -> None:
    """What stands under the name of a file that was read, but was not read itself, stays and is read."""
    folder.write("in/a.csv", "id\n1\n")
    await folder.put()
    assert ["1"] == await folder.come()
    folder.write("in/a.csv", ROWS)
    await folder.put(source={"after": "delete"}, most=3)
    assert ["1", "2", "3"] == await folder.come()
    assert ["a.csv"] == folder.names("in")


@pytest.mark.parametrize(
    ("first", "begun"), [("everything", ["1", "2"]), ({"since": "2026-11-18T11:06:41Z"}, ["2"])]
)
async def test_a_folder_begins_as_its_poll_says(folder: Drop, first: object, begun: list[str]) -> None:
    """By the moment at which a file was changed."""
    folder.write("in/a.csv", "id\n1\n")
    folder.write("in/b.csv", "id\n2\n")
    await folder.put(first=first)
    assert begun == await folder.come()
    assert [] == await folder.come()


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ("text", {"name": "a.csv", "path": "in/a.csv", "text": "id\n1\n"}),
        ("whole", {"name": "a.csv", "path": "in/a.csv", "type": "text/csv", "size": 5, "base64": "aWQKMQo="}),
    ],
)
async def test_a_file_may_be_one_item(folder: Drop, format_: str, expected: dict[str, object]) -> None:
    """Its text, or its bytes."""
    folder.write("in/a.csv", "id\n1\n")
    await folder.put(source={"format": format_})
    assert [expected] == await folder.bench.come()


async def test_a_file_that_cannot_be_read_is_named(folder: Drop) -> None:
    """Nothing of it is taken, and it stays where it is until somebody has looked at it."""
    folder.write("in/a.csv", 'id\n1\n"2\n')
    await folder.put(source={"after": "delete"})
    assert "in/a.csv" in (await folder.bench.look()).error
    assert ([], ["a.csv"]) == (await folder.bench.events(), folder.names("in"))


async def test_a_try_moves_and_writes_nothing(folder: Drop) -> None:
    """It shows the rows, and the next turn brings them."""
    folder.write("in/a.csv", "id\n1\n")
    await folder.put(source={"after": "delete"})
    assert [{"id": "1"}] == [one.item.value for one in await folder.bench.polls.try_it("feed")]
    assert ([], ["a.csv"]) == (await folder.bench.events(), folder.names("in"))
    assert (["1"], []) == (await folder.come(), folder.names("in"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ImapHost]:
    with ImapHost(
        AUTHORITY.certify("127.0.0.1").serving(tmp_path), from_the_first_byte=True
    ).running() as running:
        yield running


@pytest.fixture
async def mailbox(tmp_path: Path, host: ImapHost) -> AsyncIterator[PollBench]:
    connection = {
        "name": "inbox", "type": "imap", "host": "127.0.0.1", "port": host.port, "networks": LOOPBACK,
        "security": "tls", "authorities": AUTHORITY.certificate, "username": IMAP_USER, "password": IMAP_PASSWORD,
    }  # fmt: skip
    async with poll_bench(tmp_path, connection) as bench:
        yield bench


def mail(number: int) -> bytes:
    """A mail that says its number."""
    head = f"From: ann@example.org\r\nTo: box@example.org\r\nMessage-ID: <{number}@example.org>\r\n"
    return f"{head}Subject: {number}\r\n\r\nGood morning\r\n".encode()


def put_old(host: ImapHost, *numbers: int) -> None:
    """Mails of the year 2020."""
    with host.client() as client:
        for number in numbers:
            client.append("INBOX", "", '"22-Nov-2020 09:00:00 +0000"', mail(number))


@pytest.mark.parametrize(("first", "begun"), [("now", []), ("everything", ["1", "2", "3"])])
async def test_mails_come_once_also_where_the_server_counts_anew(
    mailbox: PollBench, host: ImapHost, first: object, begun: list[str]
) -> None:
    """Under another validity mails are read again, and known again; those from before the beginning stay away."""
    put_old(host, 1, 2, 3)
    await mailbox.put({"type": "mailbox", "connection": "inbox"}, first=first, most=2)
    came = [one["subject"] for _ in range(3) for one in await mailbox.come()]
    assert begun == came
    host.put(mail(4))
    assert ["4"] == [one["subject"] for one in await mailbox.come()]
    host.recount()
    host.put(mail(5))
    assert ["5"] == [one["subject"] for _ in range(4) for one in await mailbox.come()]


async def test_mails_from_before_a_date_do_not_come(mailbox: PollBench, host: ImapHost) -> None:
    """Also where the first reading takes several turns."""
    put_old(host, 1, 2, 3)
    await mailbox.put({"type": "mailbox", "connection": "inbox"}, first={"since": "2026-01-01"}, most=1)
    assert [[], [], []] == [await mailbox.come() for _ in range(3)]
