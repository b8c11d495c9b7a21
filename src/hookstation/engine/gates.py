"""Pauses between tries to sign in, kept in the store, so that all nodes count together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from hookstation.core.throttle import OF_ACCOUNT, OF_ADDRESS, SECOND, Patience, Tries, neighbourhood
from hookstation.errors import TryLater
from hookstation.ports.clock import Clock
from hookstation.ports.people import Sessions

SWAPS: Final = 8
"""How often a swap is begun before somebody who tries that often at once is sent away."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where tries are counted. The key is a digest: what people type for an e-mail address may be a password."""

    key: str
    patience: Patience


def gate_of_account(account: str) -> Gate:
    """The gate before an account, whether it is there or not."""
    return Gate("account " + sha256(account.encode("utf-8", "surrogatepass")).hexdigest(), OF_ACCOUNT)


def gate_of_address(address: str) -> Gate:
    """The gate before a sender."""
    return Gate("address " + neighbourhood(address), OF_ADDRESS)


class Gates:
    """Lets tries through and counts them."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock

    async def enter(self, gates: Sequence[Gate]) -> None:
        """Count a try at each gate, before it is known how it ends: of many at once only the first get through.

        Raises `TryLater`; a try that is sent away is not counted.
        """
        now = self._clock.now()
        _refuse(max([gate.patience.wait(await self._sessions.get_tries(gate.key), now) for gate in gates]))
        for gate in gates:
            await self._count(gate, now)

    async def forget(self, gate: Gate) -> None:
        """The right password: whoever mistyped it before begins anew."""
        for _ in range(SWAPS):
            tries = await self._sessions.get_tries(gate.key)
            if tries is None or await self._sessions.swap_tries(gate.key, tries, None):
                return

    async def forgive(self, gate: Gate) -> None:
        """Take one try back: it was none in vain. The others of this sender stand."""
        for _ in range(SWAPS):
            tries = await self._sessions.get_tries(gate.key)
            if tries is None:
                return
            left = Tries(tries.count - 1, tries.last_at) if tries.count > 1 else None
            if await self._sessions.swap_tries(gate.key, tries, left):
                return

    async def _count(self, gate: Gate, now: int) -> None:
        for _ in range(SWAPS):
            tries = await self._sessions.get_tries(gate.key)
            _refuse(gate.patience.wait(tries, now))
            if await self._sessions.swap_tries(gate.key, tries, gate.patience.after(tries, now)):
                return
        raise TryLater(1)


def _refuse(microseconds: int) -> None:
    if microseconds > 0:
        raise TryLater(-(-microseconds // SECOND))
