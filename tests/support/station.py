"""A real station on loopback for tests: as a process of its own, with the iMIS stand-in beside it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.program import ENDING, PROGRAM, READY_SECONDS, Program, environment, start
from tests.support.wire import Heard, ask

Found = TypeVar("Found")


def command(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`hookstation` with these words, run to its end."""
    return subprocess.run(
        [sys.executable, *PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=READY_SECONDS,
        check=False,
    )


def told(*words: str | Path, **variables: str) -> Any:
    """The JSON document that a command answers."""
    ended = command(*words, "--json", **variables)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@contextlib.contextmanager
def process(log: Path, *words: str | Path) -> Iterator[Program]:
    """`hookstation` with these words, from its ready line on until the block ends."""
    started = start(log, *words)
    try:
        started.ready()
        yield started
    finally:
        started.close()


@dataclass
class Station:
    """A running station: its address, its webhooks by name, and the way to its journal."""

    url: str
    data: Path
    process: Program
    key: str = ""
    sandbox: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)

    def hook(self, name: str) -> str:
        """The URL of a webhook."""
        return self.url + self.paths[name]

    def api(self, path: str, method: str = "GET", body: object = None) -> Any:
        """What the API answers."""
        sent = b"" if body is None else json.dumps(body).encode()
        heard = ask(f"{self.url}/api/v1{path}", sent, method, {"Authorization": f"Bearer {self.key}"})
        assert heard.status < 300, heard.body
        return heard.document

    def event(self, heard: Heard) -> dict[str, Any]:
        """The journal's entry of a call that was answered; notes of rejected calls follow their answer."""

        def look() -> dict[str, Any] | None:
            found = ask(
                f"{self.url}/api/v1/events/{heard.event_id}",
                method="GET",
                headers={"Authorization": f"Bearer {self.key}"},
            )
            return found.document if found.status == 200 else None

        return until(look)

    def events(self, webhook: str, **query: str) -> list[dict[str, Any]]:
        """The journal of a webhook, newest first."""
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        return list(self.api(f"/events?webhook={webhook}&limit=1000{asked}")["items"])

    def records(self, entity: str, **fields: str) -> list[dict[str, Any]]:
        """The built-in records that hold these fields."""
        items = self.api(f"/records/{entity}?limit=1000")["items"]
        return [one["fields"] for one in items if fields.items() <= one["fields"].items()]

    def rows(self, **wanted: str) -> list[dict[str, Any]]:
        """The sandbox's activities that hold these values."""
        asked = "&".join(f"{name}={value}" for name, value in wanted.items())
        heard = ask(f"{self.sandbox}/_sandbox/rows/Activity?{asked}", method="GET")
        return list(heard.document["items"])

    def fault(self, kind: str, **settings: object) -> None:
        """Something goes wrong in the sandbox at the next insert of an activity."""
        fault = {"kind": kind, "method": "POST", "path": "/api/Activity", "times": 1, **settings}
        heard = ask(f"{self.sandbox}/_sandbox/faults", json.dumps(fault))
        assert heard.status == 201, heard.body

    def ended(self, answer: Heard) -> Heard:
        """The status address of a 202 once it does not answer 202 any more."""

        def look() -> Heard | None:
            heard = ask(self.url + answer.headers["location"], method="GET")
            return heard if heard.status != 202 else None

        return until(look)


def until(look: Callable[[], Found | None]) -> Found:
    """What `look` finds, asked again and again until it finds something."""
    pause = threading.Event()
    for _ in range(int(ENDING / 0.05)):
        found = look()
        if found is not None:
            return found
        pause.wait(0.05)
    raise AssertionError("it did not happen")


@contextlib.contextmanager
def serving(data: Path, *words: str) -> Iterator[Program]:
    """`hookstation serve` on a free port."""
    with process(data.parent / f"{data.name}.log", "serve", "--port", "0", "--data", data, *words) as started:
        yield started


def apply(data: Path, document: Mapping[str, object]) -> None:
    """Apply a configuration as a person would."""
    file = data.parent / f"{data.name}.config.json"
    file.write_text(json.dumps(document))
    ended = command("apply", file, "--yes", "--allow-literal-secrets", "--data", data)
    assert ended.returncode == 0, ended.stderr


@contextlib.contextmanager
def station(
    data: Path, document: Mapping[str, object], sandbox: str = "", words: Sequence[str] = ()
) -> Iterator[Station]:
    """A station that serves `document`, with a key of its API and the paths of its webhooks."""
    apply(data, document)
    with serving(data, *words) as process:
        made = told("keys", "add", "tests", "--role", "administrator", "--data", data)
        running = Station(process.url, data, process, str(made["key"]), sandbox)
        items = running.api("/webhooks?limit=1000")["items"]
        running.paths = {one["name"]: one["path"] for one in items}
        yield running
