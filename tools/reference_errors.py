"""The reference page of the error tree, written from the docstrings in ``hookstation/errors.py``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from hookstation.errors import HookstationError

INTRODUCTION = """\
# Errors

What went wrong has a name, in the log and in the journal. The names form a tree: whoever handles a branch
handles what hangs on it. The four under `ActionFailed` are instructions to Hookstation itself: send again,
give up, hold and tell a person, look it up.

| error | meaning |
|---|---|
"""


def branches(error: type[HookstationError], depth: int = 0) -> Iterator[tuple[int, type[HookstationError]]]:
    """An error class and everything below it, in the order of definition, each with its depth."""
    yield depth, error
    for below in error.__subclasses__():
        if below.__module__ == HookstationError.__module__:
            yield from branches(below, depth + 1)


def row(depth: int, error: type[HookstationError]) -> str:
    """A line of the table: the name behind one arrow a level, and the docstring's first paragraph."""
    meaning = (inspect.getdoc(error) or "").partition("\n\n")[0].replace("\n", " ")
    return f"| {'→ ' * depth}`{error.__name__}` | {meaning} |\n"


def page() -> str:
    """The page in Markdown."""
    return INTRODUCTION + "".join(row(depth, error) for depth, error in branches(HookstationError))
