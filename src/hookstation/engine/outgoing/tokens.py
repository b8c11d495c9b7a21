"""Access tokens of destinations that want OAuth 2.0 client credentials (RFC 6749, 4.4).

A token is kept in memory until shortly before it expires, by each node for itself; however many deliveries wait for
one, it is fetched once.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hookstation.core.outgoing.definitions import ClientCredentials, Destination
from hookstation.core.outgoing.oauth import LARGEST_ANSWER, read_grant, token_request
from hookstation.core.outgoing.values import Trouble
from hookstation.core.values import Secret
from hookstation.engine.outgoing.dispatches import dispatch_to
from hookstation.ports.clock import Clock
from hookstation.ports.sender import NotSent, Sender


class _Token(NamedTuple):
    """`until`: seconds on the clock's monotonic scale."""

    token: Secret
    until: float


class Tokens:
    """Gets tokens and keeps them."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender, self._clock = sender, clock
        self._kept: dict[ClientCredentials, _Token] = {}
        self._under_way: dict[ClientCredentials, asyncio.Task[Secret]] = {}

    def kept(self, wanted: ClientCredentials) -> Secret | None:
        """The token that is there already, ``None`` where one has to be fetched."""
        found = self._kept.get(wanted)
        return found.token if found is not None and found.until > self._clock.monotonic() else None

    async def get(self, wanted: ClientCredentials, destination: Destination) -> Secret:
        """A token, fetched through what the destination permits where none is kept.

        Raises `NotSent` with `Trouble.CREDENTIALS`, whatever stood in the way.
        """
        found = self.kept(wanted)
        if found is not None:
            return found
        task = self._under_way.get(wanted)
        if task is None:
            task = asyncio.get_running_loop().create_task(
                self._fetch(wanted, destination), name=f"token for {destination.name}"
            )
            self._under_way[wanted] = task
            task.add_done_callback(lambda ended: self._ended(wanted, ended))
        return await asyncio.shield(task)

    def forget(self, wanted: ClientCredentials, token: Secret) -> None:
        """This token was refused; one that has come meanwhile stays."""
        found = self._kept.get(wanted)
        if found is not None and found.token == token:
            del self._kept[wanted]

    def _ended(self, wanted: ClientCredentials, task: asyncio.Task[Secret]) -> None:
        del self._under_way[wanted]
        if not task.cancelled():
            task.exception()  # whoever still waits hears it; nobody may

    async def _fetch(self, wanted: ClientCredentials, destination: Destination) -> Secret:
        body, headers = token_request(wanted)
        dispatch = dispatch_to(destination, "POST", wanted.token_url, headers, body, LARGEST_ANSWER)
        asked = self._clock.monotonic()
        try:
            receipt = await self._sender.send(dispatch)
        except NotSent as failure:
            raise NotSent(
                Trouble.CREDENTIALS, f"The token could not be fetched: {failure.message}", failure.timing
            ) from failure
        granted = read_grant(receipt.status, receipt.body, cut=receipt.cut)
        if isinstance(granted, str):
            raise NotSent(Trouble.CREDENTIALS, granted, receipt.timing)
        now = self._clock.monotonic()
        self._kept = {key: one for key, one in self._kept.items() if one.until > now}
        self._kept[wanted] = _Token(granted.token, asked + granted.life)
        return granted.token
