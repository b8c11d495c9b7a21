"""Acts on things that are named one by one: what is refused of them holds up no other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from hookstation.cli.backend import Control, Refused
from hookstation.cli.speaking import ask, out, place, say, write
from hookstation.config.settings import StationSettings
from hookstation.core.values import JSON
from hookstation.errors import NotFound

Line: TypeAlias = Callable[[Mapping[str, JSON]], str]

SHELVES: Final = {"delivery": "/deliveries", "event": "/events", "run": "/runs"}


def do_each(
    settings: StationSettings,
    kind: str,
    ids: Sequence[str],
    act: str,
    line: Line,
    *,
    body: JSON = None,
    as_json: bool,
) -> None:
    """POST `act` to each thing of a kind (``run``: those under ``/runs``); exit 1 where one was refused.

    `line`: what a person is told of a thing as it stands then.
    """

    async def work(control: Control) -> list[JSON]:
        done: list[JSON] = []
        for one in ids:
            try:
                path = place(SHELVES[kind], kind, one)
                done.append(await control.call("POST", f"{path}/{act}", body))
            except (Refused, NotFound) as refused:
                say(f"error: {one}: {refused.message}")
        return done

    done = ask(settings, work)
    if as_json:
        out({"items": done})
    else:
        for one in cast("Sequence[Mapping[str, JSON]]", done):
            write(line(one))
    if len(done) < len(ids):
        sys.exit(1)


def with_error(word: str) -> Line:
    """The id, how it stands by the member `word`, and its error where it has one."""
    return lambda one: f"{one['id']}: {one[word]}{' ' + str(one['error']) if one['error'] else ''}"
