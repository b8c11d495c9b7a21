"""What somebody would write who only needs it once: rows of a database as CSV over SFTP, with the station's drivers.

``python -m benchmarks.moving.plain DATABASE PORT FINGERPRINT FILE`` prints the seconds that it took.
"""

from __future__ import annotations

import asyncio
import csv
import io
import sys
import time
from collections.abc import AsyncIterator
from itertools import islice
from typing import Final

import apsw
import asyncpg
import asyncssh

from tests.support.sftp_server import PASSWORD, USER

PIECE: Final = 1 << 20
AT_ONCE: Final = 5_000
SELECT: Final = 'SELECT * FROM members ORDER BY "ID"'


async def send(database: str, port: int, fingerprint: str, file: str) -> None:
    """Send every member. The file has no other name meanwhile, and what breaks begins anew."""
    client = _Client(fingerprint)
    async with (
        asyncssh.connect(
            "127.0.0.1",
            port,
            username=USER,
            password=PASSWORD,
            known_hosts=([], [], []),
            client_factory=lambda: client,
        ) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open(file, "wb") as out,
    ):
        text = io.StringIO()
        writer = csv.writer(text)
        async for rows in _rows(database):
            writer.writerows(rows)
            if text.tell() >= PIECE:
                await out.write(text.getvalue().encode())
                text.seek(0)
                text.truncate()
        await out.write(text.getvalue().encode())


async def _rows(database: str) -> AsyncIterator[list[tuple[object, ...]]]:
    """The header, then rows."""
    if not database.startswith("postgresql:"):
        cursor = apsw.Connection(database, flags=apsw.SQLITE_OPEN_READONLY).execute(SELECT)
        yield [tuple(each[0] for each in cursor.get_description())]
        while rows := list(islice(cursor, AT_ONCE)):
            yield rows
        return
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction(readonly=True):
            statement = await connection.prepare(SELECT)
            yield [tuple(each.name for each in statement.get_attributes())]
            held = await statement.cursor()
            while found := await held.fetch(AT_ONCE):
                yield [tuple(row) for row in found]
    finally:
        await connection.close()


class _Client(asyncssh.SSHClient):
    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        return key.get_fingerprint("sha256") == self._fingerprint


if __name__ == "__main__":
    began = time.perf_counter()
    asyncio.run(send(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
    print(time.perf_counter() - began)
