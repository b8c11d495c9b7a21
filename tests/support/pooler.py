"""PgBouncer before a PostgreSQL server, on a private port of loopback.

The program is a system's ``pgbouncer``. No Python package carries one: without it these tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.postgres import NOBODY
from tests.support.station import until

ENDING = 15.0
CONFIGURATION = """\
[databases]
* = host={host} port={port} user={user} {password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {connections}
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
"""


def program() -> str:
    """The pgbouncer of this machine. Raises `RuntimeError` where there is none."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("No PgBouncer: install it (Debian: apt-get install pgbouncer).")
    return found


class Pooler:
    """A pooler with so few server connections that its clients have to share them."""

    def __init__(self, running: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._running, self._port, self._log = running, port, log

    def url(self, database: str) -> str:
        """Where the database of this URL is reached through the pooler."""
        return f"postgresql://postgres@127.0.0.1:{self._port}{urlsplit(database).path}"

    def wait(self) -> None:
        """Return when it takes connections."""

        def look() -> bool | None:
            assert self._running.poll() is None, self._log.read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return True
            return None

        until(look)

    def close(self) -> None:
        """End it."""
        self._running.terminate()
        try:
            self._running.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait(ENDING)


@contextlib.contextmanager
def pooling(database: str, connections: int = 2, mode: str = "transaction") -> Iterator[Pooler]:
    """A pooler before the server of this URL, until the block ends. Skips where there is no PgBouncer."""
    try:
        command = program()
    except RuntimeError as none:
        pytest.skip(str(none))
    server = urlsplit(database)
    with tempfile.TemporaryDirectory(prefix="hookstation-pool-") as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        folder = Path(name)
        told, log = folder / "pgbouncer.ini", folder / "log"
        written = CONFIGURATION.format(
            host=server.hostname,
            port=server.port or 5432,
            user=server.username or "postgres",
            password=f"password={server.password}" if server.password else "",
            listen=port,
            connections=connections,
            mode=mode,
        )
        told.write_text(written)
        user = NOBODY if os.geteuid() == 0 else None
        if user is not None:
            os.chown(folder, NOBODY, NOBODY)
        with log.open("w") as said:
            running = subprocess.Popen(
                [command, "-q", told],
                cwd=folder,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        pooler = Pooler(running, port, log)
        try:
            pooler.wait()
            yield pooler
        finally:
            pooler.close()
