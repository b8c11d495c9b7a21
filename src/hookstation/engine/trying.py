"""Try a connection before it is saved: its settings, whether it lets us in, and a read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from hookstation.core.documents import PLURALS
from hookstation.core.records import ACTIVITY
from hookstation.core.values import JSON
from hookstation.engine.configure import Configurator
from hookstation.errors import ActionFailed, AddressRefused, HookstationError, Invalid, NotFound, Problem
from hookstation.ports.connector import Connector

PATIENCE: Final = 20.0
"""Seconds that one step may take."""

SETTINGS: Final = "Settings"
SIGN_IN: Final = "Sign in"
READ: Final = "Read"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. `detail` is a sentence."""

    name: str
    passed: bool
    detail: str


class Trying:
    """Tries connections that need not be saved."""

    def __init__(self, configurator: Configurator) -> None:
        self._configurator = configurator

    async def attempt(self, document: dict[str, JSON]) -> list[Step]:
        """Try the connection of this document, up to the first step that fails; nothing is saved, nothing written.

        A mask stands for the secret of now, as when it is saved.  Raises `Invalid` with paths inside the document.
        """
        planned = await self._configurator.plan({"version": 1, PLURALS["connection"]: [document]})
        if planned.errors:
            raise Invalid([inside(problem) for problem in planned.errors])
        connector = self._configurator.checks.connector(planned.wanted.connections[str(document.get("name"))])
        try:
            return [Step(SETTINGS, True, "They are complete."), *await _attempt(connector)]
        finally:
            await connector.close()


async def _attempt(connector: Connector) -> list[Step]:
    entered = await _step(SIGN_IN, connector.check())
    holds_records = bool(connector.operations)
    return [entered, await _step(READ, _read(connector))] if entered.passed and holds_records else [entered]


async def _read(connector: Connector) -> str:
    spec = await connector.describe(ACTIVITY)
    return f"{len(spec.fields)} fields of {spec.name} are known."


async def _step(name: str, trial: Awaitable[str]) -> Step:
    try:
        async with asyncio.timeout(PATIENCE):
            return Step(name, True, await trial)
    except TimeoutError:
        return Step(name, False, f"No answer came within {PATIENCE:.0f} seconds. Is the address right?")
    except (ActionFailed, AddressRefused, NotFound) as failure:
        return Step(name, False, _told(failure))


def _told(failure: HookstationError) -> str:
    detail = failure.detail if isinstance(failure, ActionFailed) else ""
    return f"{failure.message} {detail}".strip()


def inside(problem: Problem) -> Problem:
    """A problem of a document with one connection, as seen from that connection."""
    if problem.path[:2] == (PLURALS["connection"], 0):
        return Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return problem
