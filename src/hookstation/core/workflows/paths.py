"""The paths of a run's steps: names joined by ``/``, a turn of a loop as ``[n]``, a block by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TURN: Final = re.compile(r"\[(\d+)\]")


def in_block(path: str, block: str) -> str:
    """What the paths of the steps in a block of the step at `path` begin with."""
    return f"{path}/{block}/"


def in_turn(path: str, index: int) -> str:
    """What the paths of the steps in one turn of the loop at `path` begin with."""
    return f"{path}[{index}]/"


def turns_on(path: str) -> Iterator[tuple[str, int]]:
    """The turns that a path leads through, each as the path of its loop and its index."""
    for found in _TURN.finditer(path):
        yield path[: found.start()], int(found[1])


def name_at(path: str) -> str:
    """The name of the step at a path."""
    return path.rpartition("/")[2]


def signal_path(path: str, attempt: int) -> str:
    """Where a signal for this try of a step is left: of one path the first signal counts, and each try has its own."""
    return path if attempt == 1 else f"{path}#{attempt}"
