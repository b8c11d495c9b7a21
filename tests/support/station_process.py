"""A station in a process of its own, as a person runs it: to be called, killed, stopped and started again."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from tests.support.program import PROGRAM, READY_SECONDS, Program, start

PAUSE: Final = 0.05


class StationProcess:
    """``hookstation serve`` on a data folder; the folder outlives the process.

    `environment`: what is set besides the test's own. `keeps_port`: every start listens where the first one did.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: Sequence[str] = PROGRAM,
        environment: Mapping[str, str] | None = None,
        keeps_port: bool = False,
    ) -> None:
        self.folder = folder
        self.url = ""
        self._program = program
        self._variables = environment
        self._keeps_port = keeps_port
        self._process: Program | None = None
        self._log = folder.with_name(folder.name + ".log")

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.running.pid

    @property
    def port(self) -> int:
        """Where it listens, or did; 0 before the first start."""
        return urlsplit(self.url).port or 0

    @property
    def log(self) -> str:
        """Everything that all starts have logged."""
        return self._log.read_text()

    async def __aenter__(self) -> StationProcess:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start, and return when it says that it is ready."""
        self._process = self._launch()
        try:
            await asyncio.wait_for(asyncio.to_thread(self._process.ready), READY_SECONDS)
            self.url = self._process.url
        except BaseException:
            await self.kill()
            raise

    def _launch(self) -> Program:
        port = self.port if self._keeps_port else 0
        words = ("serve", "--port", str(port), "--data", self.folder)
        return start(self._log, *words, program=self._program, variables=self._variables)

    def fails_to_start(self) -> tuple[int, list[str]]:
        """Start where that cannot go well: the exit code, and the lines it says."""
        before = len(self.log) if self._log.exists() else 0
        process = self._launch()
        try:
            out, _ = process.running.communicate(timeout=READY_SECONDS)
        finally:
            process.close()
        assert not out, out
        return int(process.running.returncode), self.log[before:].splitlines()

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.running.send_signal(number)

    async def kill(self) -> None:
        """``kill -9``, and wait until it is gone. Safe where it is gone already."""
        if self._process is not None:
            self._process.running.kill()
            await self._ended()

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self._ended()

    async def _ended(self) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        code = await asyncio.to_thread(process.running.wait)
        process.close()
        return code

    async def api(
        self, method: str, path: str, document: object = None, query: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """One call of the API with every right: status and body."""
        told = json.loads((self.folder / "control.json").read_text())
        headers = {"Authorization": f"Bearer {told['key']}", "Content-Type": "application/json"}
        sent = None if document is None else io.BytesIO(json.dumps(document).encode())
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, f"{told['url']}/api/v1{path}", data=sent, params=query or {}) as answer,
        ):
            body = await answer.read()
            return answer.status, json.loads(body) if body else None

    async def configure(self, document: Mapping[str, object]) -> None:
        """Apply a configuration document."""
        status, told = await self.api("POST", "/config/apply", {"document": document})
        assert (200, []) == (status, [one for one in told["problems"] if one["severity"] == "error"]), told

    async def hook(self, name: str) -> str:
        """The path at which a webhook is called."""
        status, told = await self.api("GET", f"/webhooks/{name}")
        assert 200 == status, told
        return str(told["path"])

    async def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            status, page = await self.api("GET", path, query={**query, "limit": "1000", "after": after})
            assert 200 == status, page
            found += page["items"]
            after = page["next"] or ""
            if not after:
                return found

    async def logged(self, text: str) -> None:
        """Wait until the log holds `text`: its lines are written some milliseconds late."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if text in self.log:
                    return
                await asyncio.sleep(PAUSE)  # house: allow sleep - a file has nobody to tell

    async def settled(self, seconds: float) -> None:
        """Wait until no event is on its way or unknown."""
        async with asyncio.timeout(seconds):
            while True:
                _, open_ones = await self.api(
                    "GET", "/events", query={"status": "sending,working,unknown", "limit": "1"}
                )
                if not open_ones["items"]:
                    return
                await asyncio.sleep(PAUSE)  # house: allow sleep - the station tells nobody
