"""The list of inbound webhooks as people look through it: read once, and again only where one has changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from hookstation.core.records import ACTIVITY
from hookstation.engine.board import Board
from hookstation.errors import Invalid, SecretError
from hookstation.ports.store import StoredWebhook

UNREADABLE: Final = "unreadable"
AT_ONCE: Final = 50
"""Webhooks that are read before calls get their turn."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A webhook in the list.

    `state` is one of `WebhookState`, or *unreadable*; then `problem` says why, and only the name is known.  `token` is
    that of its URL.  `updated` and `created` in microseconds since the epoch.
    """

    name: str
    title: str
    state: str
    connection: str
    entity: str
    token: str
    updated: int
    created: int
    problem: str = ""
    workflow: str = ""

    @property
    def target(self) -> str:
        """Where it writes, or what it starts, for a person: ``imis · Activity``, ``workflow course-completed``."""
        if self.workflow:
            return f"workflow {self.workflow}"
        return f"{self.connection} · {self.entity}" if self.connection else ""


class Listing:
    """Lists what is configured."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known: dict[str, tuple[StoredWebhook, Listed]] = {}

    async def webhooks(self) -> list[Listed]:
        """All webhooks by name."""
        stored = self._board.stored.webhooks
        found: dict[str, tuple[StoredWebhook, Listed]] = {}
        fresh = 0
        for name, one in sorted(stored.items()):
            known = self._known.get(name)
            if known is None or known[0] != one:
                known = (one, self._read(one))
                fresh += 1
                if fresh % AT_ONCE == 0:
                    await asyncio.sleep(0)
            found[name] = known
        self._known = found
        return [listed for _, listed in found.values()]

    def webhook(self, name: str) -> Listed | None:
        """One webhook, ``None`` where there is none of that name."""
        stored = self._board.stored.webhooks.get(name)
        return None if stored is None else self._read(stored)

    def _read(self, stored: StoredWebhook) -> Listed:
        try:
            token, definition = self._board.token(stored), self._board.webhook(stored)
        except (Invalid, SecretError) as failure:
            return Listed(
                stored.name,
                stored.name,
                UNREADABLE,
                "",
                "",
                "",
                stored.updated_at,
                stored.created_at,
                failure.message,
            )
        action = definition.action
        return Listed(
            stored.name,
            definition.title or stored.name,
            definition.state.value,
            definition.connection,
            (action.panel or ACTIVITY) if action else "",
            token,
            stored.updated_at,
            stored.created_at,
            workflow=definition.workflow,
        )
