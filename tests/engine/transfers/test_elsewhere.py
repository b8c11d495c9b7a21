"""Transfers between systems that are none of ours: PostgreSQL, S3, FTPS, mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from hookstation.core.values import JSON
from hookstation.core.workflows.values import RunState
from hookstation.wiring.station import Station
from tests.support.certificates import Authority
from tests.support.ftp_server import LOCKED, PASSWORD, USER, FtpHost
from tests.support.postgres import Given, Server, execute, new_database, postgres
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, running_store
from tests.support.smtp_server import SmtpHost
from tests.support.transfers import change, crm, csv, fill, folder, moving, put, run, transfer

__all__ = ["postgres"]

LOOPBACK: JSON = ["127.0.0.0/8", "::1/128"]
AUTHORITY = Authority.new()


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    fill(tmp_path / "crm.db", 8)
    connections = [crm(tmp_path / "crm.db"), folder(tmp_path / "here")]
    async with moving(tmp_path, connections=connections) as made:
        yield made


async def sent(station: Station, *connections: JSON, **settings: Any) -> None:
    """The transfer, run to its good end."""
    await put(station, transfer(**settings), connections=list(connections))
    ended = await run(station)
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)


async def test_rows_of_postgresql_in_the_order_of_a_key_of_text(
    station: Station, tmp_path: Path, postgres: Server | Given
) -> None:
    async with new_database(postgres, "template0") as url:
        await execute(
            url,
            "CREATE TABLE members (code text PRIMARY KEY, fee numeric(8,2), since date);"
            "INSERT INTO members SELECT 'C' || n, n * 1.5, date '2026-01-01' + n FROM generate_series(1, 7) n",
        )
        parts = urlsplit(url)
        database: dict[str, Any] = {
            "name": "pg", "type": "sql", "engine": "postgresql", "host": parts.hostname, "port": parts.port,
            "username": parts.username, "password": parts.password or "none", "database": parts.path[1:],
            "tls": "off", "networks": LOOPBACK,
        }  # fmt: skip
        source = {"type": "sql", "connection": "pg", "table": "members"}
        await sent(station, database, source=source)
    lines = (tmp_path / "here/members.csv").read_text().splitlines()
    assert ["code,fee,since", "C1,1.50,2026-01-02", "C2,3.00,2026-01-03"] == lines[:3]
    assert 8 == len(lines)


async def test_rows_arrive_in_a_bucket(station: Station) -> None:
    with running_store() as address:
        amazon = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}),
        )
        amazon.create_bucket(Bucket="members")
        out: JSON = {
            "name": "out", "type": "s3", "bucket": "members", "endpoint": address, "region": "us-east-1",
            "networks": LOOPBACK, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY,
        }  # fmt: skip
        await sent(station, out)
        assert csv(*range(1, 9)) == amazon.get_object(Bucket="members", Key="members.csv")["Body"].read()
        assert ["members.csv"] == [one["Key"] for one in amazon.list_objects_v2(Bucket="members")["Contents"]]


async def test_rows_arrive_by_ftps(station: Station, tmp_path: Path) -> None:
    (tmp_path / "host" / LOCKED).mkdir(parents=True)
    with FtpHost(tmp_path / "host", AUTHORITY.certify("127.0.0.1")).running(tmp_path) as host:
        out: JSON = {
            "name": "out", "type": "ftps", "host": "127.0.0.1", "port": host.port, "networks": LOOPBACK,
            "security": "explicit", "authorities": AUTHORITY.certificate, "username": USER, "password": PASSWORD,
        }  # fmt: skip
        await sent(station, out)
    assert csv(*range(1, 9)) == (tmp_path / "host/members.csv").read_bytes()


def post(host: SmtpHost) -> JSON:
    """The connection to a mail server."""
    return {
        "name": "post", "type": "smtp", "host": "127.0.0.1", "port": host.port, "security": "none",
        "sender": "station@example.org", "networks": LOOPBACK,
    }  # fmt: skip


MAIL: JSON = {
    "type": "mail",
    "connection": "post",
    "to": ["ann@example.org"],
    "path": "members.csv",
    "subject": "$$rows$$ members",
}


async def test_rows_arrive_as_an_attachment(station: Station) -> None:
    async with SmtpHost().running() as host:
        await sent(station, post(host), destination=MAIL)
        [taken] = host.taken
    [attached] = taken.message.iter_attachments()
    assert ("8 members", "members.csv") == (taken.message["Subject"], attached.get_filename())
    assert csv(*range(1, 9)) == attached.get_payload(decode=True)


async def test_what_is_too_large_for_a_mail_is_refused_whole(station: Station, tmp_path: Path) -> None:
    change(tmp_path / "crm.db", "UPDATE members SET Name = hex(zeroblob(3000000))")
    async with SmtpHost().running() as host:
        await put(station, transfer(destination=MAIL), connections=[post(host)])
        ended = await run(station)
    assert (RunState.FAILED, []) == (ended.state, host.taken)
    assert "more than 10,485,760 bytes, the most that leave at once" in ended.error
