"""Following a run that a command began, to its end."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final, TypeAlias, cast

from hookstation.cli.backend import Control
from hookstation.cli.speaking import out, place, say, text_of, write
from hookstation.core.values import JSON

LOOK_EVERY: Final = 0.2
AT_ONCE: Final = 20
"""Seconds that one call may wait for a run's end."""

ENDED: Final = ("succeeded", "failed", "cancelled")
ALONE: Final = (
    "No server works on this database: the run begins with hookstation serve, or at once with --wait."
)
_STEP: Final = re.compile("[a-z][a-z0-9_-]*")
"""A step's name, with which the error of a run begins that failed there."""

Look: TypeAlias = Callable[[Mapping[str, JSON]], Awaitable[None]]


async def follow(control: Control, path: str, body: JSON, seconds: int) -> Mapping[str, JSON]:
    """Begin a run by POST to `path`, and how it stands when it has ended, or after so many seconds."""
    end = monotonic() + seconds
    asked = {**cast("dict[str, JSON]", body), "wait": min(seconds, AT_ONCE)}
    if not seconds:
        if control.alone:
            say(ALONE)
        return cast("Mapping[str, JSON]", await control.call("POST", path, asked))
    async with control.working():
        begun = cast("Mapping[str, JSON]", await control.call("POST", path, asked))
        return await until_ended(control, begun, end)


async def until_ended(
    control: Control, run: Mapping[str, JSON], end: float, look: Look | None = None
) -> Mapping[str, JSON]:
    """How a run stands when it has ended, waits for a person, or at this moment of the monotonic clock.

    `look` is called with each state of it.
    """
    path = place("/runs", "run", str(run["id"]))
    while True:
        if look is not None:
            await look(run)
        if run["status"] in ENDED or run["parked"] or monotonic() >= end:
            return run
        await asyncio.sleep(LOOK_EVERY)
        run = cast("Mapping[str, JSON]", await control.call("GET", path))


def tell_end(run: Mapping[str, JSON], *, as_json: bool, waited: bool) -> None:
    """How a run stands, on stdout; exit 1 where it was waited for and did not succeed."""
    if as_json:
        out(cast("JSON", run))
    else:
        write(f"{run['id']}: {run['status']}")
        _tell_more(run)
    if not waited:
        return
    if run["status"] not in (*ENDED, "unknown"):
        say(f"It has not ended yet; hookstation runs show {run['id']} tells how it stands.")
    elif run["status"] != "succeeded":
        say(f"hookstation runs steps {run['id']} shows what each step was given, put out, and was told.")
        sys.exit(1)


def _tell_more(run: Mapping[str, JSON]) -> None:
    """What a run put out, or, where it did not get there, at which step and why."""
    if not run["error"]:
        if run.get("output") not in (None, {}):
            write(text_of(run["output"]))
        return
    step, colon, error = str(run["error"]).partition(": ")
    if not colon or _STEP.fullmatch(step) is None:
        write(f"error: {run['error']}")
        return
    if run.get("kind") != "transfer":
        write(f"step: {step}")
    write(f"error: {error}")
