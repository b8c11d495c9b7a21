"""Servers under test: started on the serving core, spoken to on 127.0.0.1, gone at the end."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Final, cast

from benchmarks.machine import pin
from benchmarks.workload import TOKEN, TOKEN_VARIABLE, Calls, body_of, configuration

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0
API_SECONDS: Final = 120.0
STATION: Final = ("-m", "hookstation")
MASTER_KEY: Final = base64.b64encode(bytes(range(32))).decode()


class ServerFailed(Exception):
    """A server or a command did not do what it was started for."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `start_seconds`: from the start of its process to its ready line."""

    process: int
    port: int
    start_seconds: float

    def calls(self, paths: Sequence[str] = ("/",)) -> Calls:
        """Calls to it."""
        return Calls(self.port, tuple(paths))


@contextmanager
def running(
    arguments: Sequence[str], log: Path, core: int | None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A Python process that prints ``... ready at http://127.0.0.1:PORT``; its stderr goes to `log`."""
    began = time.perf_counter()
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=_environment(environment),
            start_new_session=True,
        )
    pin(core, process.pid)
    assert process.stdout is not None
    patience = Timer(START_SECONDS, process.kill)
    patience.start()
    try:
        port = _port(process.stdout.readline(), log)
        patience.cancel()
        yield Server(process.pid, port, time.perf_counter() - began)
    finally:
        patience.cancel()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _port(line: str, log: Path) -> int:
    if " ready at http://127.0.0.1:" not in line:
        tail = log.read_text(errors="replace")[-2000:]
        raise ServerFailed(f"A server did not start. It said {line!r}, and in its log:\n{tail}")
    return int(line.rpartition(":")[2])


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """This process's own, without a person's settings of their station."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOOKSTATION_")}
    return {**kept, TOKEN_VARIABLE: TOKEN, **(more or {})}


class StationFolder:
    """A station's data folder, and what can be done with it whether it runs or not."""

    def __init__(
        self,
        data: Path,
        core: int | None,
        paths: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data, self._core = data, core
        self.database = data / "hookstation.db"
        self._paths = dict(paths or {})
        self._environment = dict(environment or {})

    @classmethod
    def node(cls, data: Path, core: int | None, url: str) -> StationFolder:
        """A node on PostgreSQL; all nodes of the benchmarks have the same master key."""
        return cls(
            data, core, environment={"HOOKSTATION_DATABASE_URL": url, "HOOKSTATION_MASTER_KEY": MASTER_KEY}
        )

    def copy(self, data: Path) -> StationFolder:
        """The same station in another folder: same webhooks, same URLs. It must not run."""
        shutil.copytree(self.data, data)
        return StationFolder(data, self._core, self.paths(), self._environment)

    def command(self, *arguments: str) -> str:
        """Run a command of the station on this folder; its stdout. Raises `ServerFailed`."""
        command = [sys.executable, *STATION, *arguments, "--data", str(self.data)]
        ran = subprocess.run(
            command, capture_output=True, text=True, env=_environment(self._environment), check=False
        )
        if ran.returncode:
            raise ServerFailed(f"hookstation {' '.join(arguments)} failed:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def define(self, names: Sequence[str], *, search: bool = True) -> None:
        """Apply a config file with these webhooks; whether their payloads can be found by their words."""
        file = self.data.with_name(f"{self.data.name}.json")
        file.write_text(configuration(list(names), search=search))
        self.command("apply", str(file), "--yes")

    def paths(self) -> dict[str, str]:
        """The URL path of each webhook by its name."""
        if not self._paths:
            listed = json.loads(self.command("webhooks", "list", "--json"))
            self._paths = {item["name"]: item["path"] for item in listed["items"]}
        return self._paths

    def key(self) -> str:
        """A new key of the API."""
        made = json.loads(
            self.command("keys", "add", f"bench-{time.time_ns()}", "--role", "administrator", "--json")
        )
        return str(made["key"])

    @contextmanager
    def serve(self, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
        """The station, running on this folder."""
        arguments = (*STATION, "serve", "--port", "0", "--data", str(self.data))
        log = self.data.with_name(f"{self.data.name}.log")
        with running(arguments, log, self._core, {**self._environment, **(environment or {})}) as server:
            yield server


class Api:
    """The JSON API of a running station, over one connection that is kept."""

    def __init__(self, server: Server, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=API_SECONDS)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """One call; its answer. Raises `ServerFailed` where it is refused."""
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1{path}", sent, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise ServerFailed(f"{method} {path} was answered {answer.status}: {text[:500]!r}")
        return cast("dict[str, object]", json.loads(text)) if text else {}

    def page(self, path: str) -> int:
        """Open a page; its size in bytes. Raises `ServerFailed` where it is refused."""
        self._connection.request("GET", path, headers={**self._headers, "Accept": "text/html"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise ServerFailed(f"the page {path} was answered {answer.status}: {text[:500]!r}")
        return len(text)

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def post(server: Server, path: str, key: str) -> int:
    """One call to a webhook over a connection of its own; its status."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=API_SECONDS)
    try:
        connection.request(
            "POST",
            path,
            body_of(key),
            {"Content-Type": "application/json", "X-Token": TOKEN, "webhook-id": key},
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
