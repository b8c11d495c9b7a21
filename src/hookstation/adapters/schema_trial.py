"""Compiles schemas in a short-lived child process (`schema_child`)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from hookstation.adapters import schema_child
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Problem

CHILDREN: Final = 2
"""Child processes at the same time; more callers wait."""
MOST_CRASHES: Final = 20
"""Guilty schemas in one batch after which the rest is not tried: each costs a new process and up to the time limit."""
REMEMBERED: Final = 1_000
"""Schemas that compiled; the first ones are forgotten."""
_CHILD: Final = str(Path(schema_child.__file__))
# Secrets such as the master key may stand in the environment, so the child gets no more of it than this.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")

TOO_COSTLY: Final = (
    "The schema costs too much to compile: more than {:g} seconds of work or {:,} MiB of memory. Make its patterns"
    " and counted repetitions smaller, or use fewer of them."
)
NO_CHILD: Final = (
    "The schema could not be tried: the process that compiles schemas ended with status {}. This is a fault of the"
    " installation, not of the schema; `hookstation doctor` may tell more."
)
NOT_TRIED: Final = (
    f"The schema was not tried, because {MOST_CRASHES} schemas before it cost too much to compile."
    " Mend those first."
)


class ProcessSchemaTrial:
    """The `SchemaTrial` of production. `wall_seconds` bounds the wait for each verdict, whatever the child does.

    What compiled is remembered: each page of the wizard asks about the same schema, and a process takes as long as
    all else of a page together.
    """

    def __init__(self, *, wall_seconds: float = 10.0) -> None:
        self._wall_seconds = wall_seconds
        self._places = asyncio.Semaphore(CHILDREN)
        self._good: dict[bytes, None] = {}

    async def compile(self, schema: JSON) -> list[Problem]:
        """See `SchemaTrial.compile`."""
        return (await self.compile_many([schema]))[0]

    async def compile_many(self, schemas: Sequence[JSON]) -> list[list[Problem]]:
        """See `SchemaTrial.compile_many`; one process serves the batch, and a new one follows each guilty schema."""
        digests = [sha256(dump_json(one).encode()).digest() for one in schemas]
        asked = [number for number, digest in enumerate(digests) if digest not in self._good]
        found: list[list[Problem]] = [[] for _ in schemas]
        if asked:
            for number, verdict in zip(asked, await self._try([schemas[one] for one in asked]), strict=True):
                found[number] = verdict
                if not verdict:
                    self._remember(digests[number])
        return found

    def _remember(self, digest: bytes) -> None:
        self._good[digest] = None
        if len(self._good) > REMEMBERED:
            del self._good[next(iter(self._good))]

    async def _try(self, schemas: Sequence[JSON]) -> list[list[Problem]]:
        verdicts: list[list[Problem]] = []
        crashes = 0
        async with self._places:
            while len(verdicts) < len(schemas):
                if crashes == MOST_CRASHES:
                    verdicts.extend([Problem((), NOT_TRIED)] for _ in schemas[len(verdicts) :])
                    break
                given, ended = await self._serve(schemas[len(verdicts) :])
                verdicts.extend(given)
                if len(verdicts) < len(schemas):
                    verdicts.append([Problem((), _reason(ended))])
                    crashes += 1
        return verdicts

    async def _serve(self, schemas: Sequence[JSON]) -> tuple[list[list[Problem]], int]:
        """The verdicts that one child gives before it has answered all or has ended, and its exit status."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            _CHILD,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
            limit=1024 * 1024,
        )
        feeding = asyncio.create_task(_feed(child, schemas))
        try:
            verdicts = await self._read(child, len(schemas))
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            ended = await _end(child)
        return verdicts, ended

    async def _read(self, child: asyncio.subprocess.Process, expected: int) -> list[list[Problem]]:
        assert child.stdout is not None
        verdicts: list[list[Problem]] = []
        while len(verdicts) < expected:
            try:
                async with asyncio.timeout(self._wall_seconds):
                    line = await child.stdout.readline()
            except TimeoutError:
                break
            if not line.endswith(b"\n"):
                break
            said = msgspec.json.decode(line, type=list[tuple[list[str | int], str]])
            verdicts.append([Problem(tuple(path), message) for path, message in said])
        return verdicts


def child_environment() -> dict[str, str]:
    """What the child is told of the server's environment: where libraries lie, and nothing else."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


async def _feed(child: asyncio.subprocess.Process, schemas: Sequence[JSON]) -> None:
    assert child.stdin is not None
    for schema in schemas:
        child.stdin.write(dump_json(schema).encode() + b"\n")
        await child.stdin.drain()
    child.stdin.close()


async def _end(child: asyncio.subprocess.Process) -> int:
    """Take the child down, whatever it is doing, and leave no zombie and no open pipe; its exit status."""
    assert child.stdout is not None
    assert child.stdin is not None
    with contextlib.suppress(ProcessLookupError):
        if not child.stdout.at_eof():  # at its end it is ending by itself, and how is worth knowing
            child.kill()
    child.stdin.close()
    await child.stdout.read()
    return await child.wait()


def _reason(ended: int) -> str:
    """A signal (the limits', or ours after the wait) has a negative status."""
    if ended < 0 or ended == schema_child.OUT_OF_MEMORY:
        return TOO_COSTLY.format(schema_child.CPU_SECONDS, schema_child.MEMORY // (1024 * 1024))
    return NO_CHILD.format(ended)
