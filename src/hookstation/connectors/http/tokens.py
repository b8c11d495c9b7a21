"""The token of a connection that signs in by OAuth 2.0: fetched once for all who wait, kept nearly until it ends.

What is asked and what an answer means is in `core.outgoing.oauth`, as for destinations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hookstation.core.outgoing.definitions import ClientCredentials
from hookstation.core.outgoing.oauth import LARGEST_ANSWER, read_grant, token_request
from hookstation.core.values import Secret
from hookstation.errors import NeedsAuth, Retriable
from hookstation.ports.clock import Clock
from hookstation.ports.sender import Dispatch, NotSent, Sender

Prepared = Callable[[str, str, tuple[tuple[str, str], ...], bytes, int], Dispatch]
"""Makes a request with what the connection permits: method, URL, headers, body, bytes of the answer."""


class Token:
    """One connection's token."""

    def __init__(self, wanted: ClientCredentials, prepare: Prepared, sender: Sender, clock: Clock) -> None:
        self._wanted, self._prepare, self._sender, self._clock = wanted, prepare, sender, clock
        self._kept: Secret | None = None
        self._until = 0.0
        self._fetching: asyncio.Task[Secret] | None = None

    async def get(self) -> Secret:
        """The token. Raises `NeedsAuth` where it is refused, `Retriable` where nobody answers."""
        if self._kept is not None and self._until > self._clock.monotonic():
            return self._kept
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(
                self._fetch(), name="token of a connection"
            )
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def forget(self, refused: Secret) -> None:
        """The system refused this token; one that has come meanwhile stays."""
        if self._kept == refused:
            self._kept = None

    async def close(self) -> None:
        """Let go of a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetched(self, task: asyncio.Task[Secret]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # who waits hears it; nobody may

    async def _fetch(self) -> Secret:
        body, headers = token_request(self._wanted)
        asked = self._clock.monotonic()
        try:
            receipt = await self._sender.send(
                self._prepare("POST", self._wanted.token_url, headers, body, LARGEST_ANSWER)
            )
        except NotSent as failure:
            raise Retriable(
                "The token could not be fetched; nothing was sent.", detail=failure.message
            ) from None
        if receipt.status == 429 or receipt.status >= 500:
            raise Retriable("The token endpoint does not work at the moment.", detail=str(receipt.status))
        granted = read_grant(receipt.status, receipt.body, cut=receipt.cut)
        if isinstance(granted, str):
            raise NeedsAuth("The system gives us no token for our credentials.", detail=granted)
        self._kept, self._until = granted.token, asked + granted.life
        return granted.token
