"""The nodes of a database that no other process writes: kept in memory, since all of them die with this process.

A heartbeat then costs no write, and a small machine's disk may rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from hookstation.core.jobs import Node


class NodeList:
    """Who works on the store. `now` says its time, microseconds since the epoch."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._nodes: dict[str, Node] = {}

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._nodes

    def join(self, node: Node) -> int:
        """Let a node in; returns the time."""
        now = self._now()
        self._nodes[node.id] = structs.replace(node, started_at=now, seen_at=now)
        return now

    def beat(self, node_id: str) -> int | None:
        """Note that a node lives; returns the time, ``None`` where it is not known."""
        node = self._nodes.get(node_id)
        if node is None:
            return None
        now = self._now()
        self._nodes[node_id] = structs.replace(node, seen_at=now)
        return now

    def leave(self, node_id: str) -> None:
        """Forget a node."""
        self._nodes.pop(node_id, None)

    def listed(self) -> Sequence[Node]:
        """The longest there first."""
        return sorted(self._nodes.values(), key=lambda node: (node.started_at, node.id))

    def forget_silent(self, silent: float) -> tuple[str, ...]:
        """Forget those that have not beaten for so many seconds; returns their ids."""
        last = self._now() - round(silent * 1_000_000)
        dead = tuple(node.id for node in self.listed() if node.seen_at <= last)
        for node_id in dead:
            self.leave(node_id)
        return dead
