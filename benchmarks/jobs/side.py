"""What each queue is asked for, and how it is asked: ``python -m benchmarks.jobs.NAME URL COMMAND``.

``drain JOBS``: JOBS no-op jobs are waiting; print the seconds until all are done.  ``pickups TIMES``: with an idle
worker, enqueue one job again and again, and print the milliseconds from asking for it to the start of its handler.
``idle``: one worker with nothing to do, until stdin is closed.  Answers are JSON, a line each.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

PATIENCE: Final = 60.0
"""Seconds that a job may take to be picked up."""

PAUSE: Final = 1.0
"""Up to so many seconds pass before the next lone job, so that it meets a polling worker at any moment."""


class Drain(Protocol):
    """A queue whose speed can be measured."""

    def drain(self, jobs: int) -> float:
        """Enqueue so many, then work until none is left; the seconds of the second part."""
        ...


class Side(Drain, Protocol):
    """A queue with a worker."""

    def pickups(self, times: int) -> list[float]:
        """Milliseconds that lone jobs waited for an idle worker."""
        ...

    def idle(self, ready: Callable[[], None], end: threading.Event) -> None:
        """Work on nothing until the end; `ready` is called when the worker runs."""
        ...


def run(make: Callable[[str], Drain]) -> None:
    """Do what the command line asks of a side that can only drain."""
    url, command, jobs = sys.argv[1:]
    assert command == "drain"
    say(make(url).drain(int(jobs)))


def run_worker(make: Callable[[str], Side]) -> None:
    """Do what the command line asks of a side with a worker."""
    url, command, *counts = sys.argv[1:]
    side = make(url)
    if command == "drain":
        say(side.drain(int(counts[0])))
    elif command == "pickups":
        say(side.pickups(int(counts[0])))
    else:
        side.idle(lambda: say("ready"), end_of_input())


def say(answer: object) -> None:
    """Print a line for the scenario."""
    print(json.dumps(answer), flush=True)


def pause() -> float:
    """Seconds before the next lone job."""
    return random.uniform(0, PAUSE)


def milliseconds(began: float) -> float:
    """How long ago that was, by the performance counter."""
    return (time.perf_counter() - began) * 1000


def end_of_input() -> threading.Event:
    """Set when stdin is closed."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended
