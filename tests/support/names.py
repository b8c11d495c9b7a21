"""A name service with the answers that a test wants."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from aiohttp.abc import AbstractResolver, ResolveResult


class Names(AbstractResolver):
    """Knows the names that it was given; `asked` holds every question.

    A name with several lists of addresses answers with one after the other, and stays with the last.
    """

    def __init__(self, **addresses: Iterable[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(turns) for name, turns in addresses.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses whose turn it is."""
        self.asked.append(host)
        if host.rstrip(".") not in self._answers:
            raise OSError(None, "no such name")
        turns = self._answers[host.rstrip(".")]
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing to let go of."""
