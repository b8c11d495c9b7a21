"""Load generators: wrk where it is, and a small one in Python that needs nothing.

Both are closed loops: a connection sends its next request when it has the answer to the last.  Traffic goes to
127.0.0.1 only.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from benchmarks.workload import NUMBER, NUMBER_DIGITS, NUMBERS, STRIDE, Calls, number_text, run_name

HOW_TO_GET_WRK: Final = (
    "The benchmarks need the load generator wrk, which is not installed. On Debian and Ubuntu: apt-get install wrk "
    "(as root); on macOS: brew install wrk. Without it, only `python -m benchmarks --smoke` runs."
)
ANSWER_SECONDS: Final = 30
_HERE: Final = Path(__file__).parent
_RESULT: Final = re.compile(r"^RESULT (\{.*\})$", re.MULTILINE)


class LoadFailed(Exception):
    """The load generator could not run, or calls were not answered 200: such figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one round of calls gave; latencies in milliseconds."""

    requests: int
    seconds: float
    mean: float
    p50: float
    p99: float
    most: float
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def sound(self) -> Result:
        """Itself, where every call was answered 200. Raises `LoadFailed`."""
        if set(self.statuses) - {"200"} or not self.requests:
            raise LoadFailed(f"Calls were not answered 200 but: {self.statuses}.")
        return self


class Driver(Protocol):
    """Sends calls for a while."""

    name: str

    def send(self, calls: Calls, connections: int, seconds: float) -> Result:
        """Send over so many connections for so long. Raises `LoadFailed`."""
        ...


class Wrk:
    """Drives with wrk, which costs the sending core little."""

    name = "wrk"

    def send(self, calls: Calls, connections: int, seconds: float) -> Result:
        """Send for whole seconds, at least one."""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(_lua(calls))
            script.flush()
            command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s"]
            command += ["--timeout", f"{ANSWER_SECONDS}s", "-s", script.name]
            command.append(f"http://127.0.0.1:{calls.port}")
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
        found = _RESULT.search(ran.stderr)
        if found is None:
            raise LoadFailed(f"wrk failed: {ran.stdout}{ran.stderr}")
        return Result(**json.loads(found[1])).sound()


def _lua(calls: Calls) -> str:
    names = {
        "PATHS": "{" + ",".join(_quoted(path) for path in calls.paths) + "}",
        "PARTS": "{" + ",".join(_quoted(part) for part in calls.request(run_name()).split(NUMBER)) + "}",
        "FORMAT": _quoted(f"%0{NUMBER_DIGITS}d"),
        "STRIDE": str(STRIDE),
        "NUMBERS": str(NUMBERS),
    }
    return "".join(f"{name} = {value}\n" for name, value in names.items()) + (_HERE / "wrk.lua").read_text()


def _quoted(text: str) -> str:
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in text.encode()
    )
    return '"' + "".join(plain) + '"'


class PythonDriver:
    """Drives from this process; it takes more time than the servers, so its figures only prove that all runs."""

    name = "python"

    def send(self, calls: Calls, connections: int, seconds: float) -> Result:
        """Send for so long."""
        until = time.perf_counter() + seconds
        return self._send(_numbers(until), calls, connections)

    def send_count(self, calls: Calls, connections: int, count: int) -> Result:
        """Send so many."""
        return self._send(iter(range(count)), calls, connections)

    def _send(self, numbers: Iterator[int], calls: Calls, connections: int) -> Result:
        template, took, statuses = calls.request(run_name()), list[float](), Counter[str]()

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
            path = calls.paths[number % len(calls.paths)]
            began = time.perf_counter()
            writer.write(f"POST {path}{template}".replace(NUMBER, number_text(number)).encode())
            status = await asyncio.wait_for(_answer(reader), ANSWER_SECONDS)
            took.append((time.perf_counter() - began) * 1000)
            statuses[status] += 1

        async def connection() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", calls.port)
            try:
                for number in numbers:
                    await one(reader, writer, number)
            finally:
                writer.close()
                await writer.wait_closed()

        async def everything() -> None:
            await asyncio.gather(*(connection() for _ in range(connections)))

        began = time.perf_counter()
        try:
            asyncio.run(everything())
        except (OSError, EOFError, TimeoutError) as failure:
            raise LoadFailed(f"The server broke off: {failure!r}") from failure
        seconds = time.perf_counter() - began
        took.sort()
        return Result(
            len(took),
            seconds,
            statistics.fmean(took),
            took[len(took) // 2],
            took[len(took) * 99 // 100],
            took[-1],
            dict(statuses),
        ).sound()


def _numbers(until: float) -> Iterator[int]:
    number = 0
    while time.perf_counter() < until:
        yield number
        number += 1


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one answer whose length is told; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = re.search(r"\r\ncontent-length: *(\d+)", head)
    if length is None:
        raise LoadFailed(f"An answer came without its length: {head!r}")
    await reader.readexactly(int(length[1]))
    return head.split(" ", 2)[1]


def choose_driver(wanted: str, smoke: bool) -> Driver:
    """The driver of that name; ``auto``: wrk, in a smoke run Python, whose rounds may be short. Raises `LoadFailed`."""
    if wanted == "python" or (wanted == "auto" and smoke):
        return PythonDriver()
    if shutil.which("wrk") is None:
        raise LoadFailed(HOW_TO_GET_WRK)
    return Wrk()
