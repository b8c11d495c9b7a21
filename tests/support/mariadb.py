"""A MariaDB server for tests, in a private folder on a private port of loopback.

The program is a system's ``mariadbd``. No Python package carries one: without it these tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pymysql
import pytest

from tests.support.certificates import Authority
from tests.support.postgres import NOBODY
from tests.support.station import until

ENDING: Final = 15.0
PLACES: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/bin"

AUTHORITY: Final = Authority.new()
"""Who vouches for the server, under the name localhost."""

_databases = count(1)


def _program(*names: str) -> str:
    found = next((place for name in names if (place := shutil.which(name, path=PLACES))), None)
    if found is None:
        raise RuntimeError("No MariaDB: install it (Debian: apt-get install mariadb-server-core).")
    return found


class MariaDb:
    """A running server. `user` has all rights, and no password."""

    user = "tester"

    def __init__(self, port: int) -> None:
        self.port = port

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements on a connection of their own."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def connect(self, database: str | None = None) -> Any:
        """A connection of the driver's own."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=self.user, database=database, ssl_disabled=True
        )

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The name of a fresh database."""
        name = f"hookstation_{next(_databases)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name}")


@contextlib.contextmanager
def serving() -> Iterator[MariaDb]:
    """A server until the block ends. Skips where there is no MariaDB."""
    try:
        install, program = _program("mariadb-install-db", "mysql_install_db"), _program("mariadbd", "mysqld")
    except RuntimeError as none:
        pytest.skip(str(none))
    with tempfile.TemporaryDirectory(prefix="hookstation-maria-") as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        folder = Path(name)
        user = NOBODY if os.geteuid() == 0 else None
        if user is not None:
            os.chown(folder, NOBODY, NOBODY)
        as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": None if user is None else []}
        made = [
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ]
        done = subprocess.run([install, *made], cwd=folder, capture_output=True, check=False, **as_user)
        assert done.returncode == 0, done
        certified = AUTHORITY.certify("localhost")
        (folder / "own.crt").write_text(certified.certificate)
        (folder / "own.key").write_text(certified.key.reveal())
        first = folder / "first.sql"
        first.write_text(f"CREATE USER '{MariaDb.user}'@'%';\nGRANT ALL ON *.* TO '{MariaDb.user}'@'%';")
        options = [
            "--no-defaults", f"--datadir={folder / 'data'}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", f"--init-file={first}",
            "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
            "--skip-name-resolve", "--skip-log-bin",
            f"--ssl-cert={folder / 'own.crt'}", f"--ssl-key={folder / 'own.key'}",
        ]  # fmt: skip
        log = folder / "log"
        with log.open("w") as said:
            running = subprocess.Popen(
                [program, *options], cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **as_user
            )
        try:
            server = MariaDb(port)
            until(lambda: _answers(server, running, log))
            yield server
        finally:
            running.terminate()
            try:
                running.wait(ENDING)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait(ENDING)


def _answers(server: MariaDb, running: subprocess.Popen[bytes], log: Path) -> bool | None:
    assert running.poll() is None, log.read_text()
    with contextlib.suppress(pymysql.Error):
        server.connect().close()
        return True
    return None


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """One server for the whole run."""
    with serving() as server:
        yield server
