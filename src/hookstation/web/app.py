"""One callable for everything: the lane in front, the framework behind it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hookstation.web.hooks import PREFIX, HookLane, join_headers
from hookstation.web.senders import HEADER, Senders

BARE: Final = PREFIX.rstrip("/")


class Front:
    """Sends ``/hooks`` and what is under it to the lane and the rest to the framework.

    The framework is told the sender as `senders` find it; the lane asks them itself.
    """

    def __init__(self, lane: HookLane, rest: ASGIApp, senders: Senders | None = None) -> None:
        self._lane, self._rest, self._senders = lane, rest, senders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path; no routing table on the lane."""
        if scope["type"] == "http" and (scope["path"].startswith(PREFIX) or scope["path"] == BARE):
            await self._lane(scope, receive, send)
        else:
            await self._rest(self._from_sender(scope), receive, send)

    def _from_sender(self, scope: Scope) -> Scope:
        """The scope with the sender's address in place of a trusted proxy's."""
        client = scope.get("client")
        if self._senders is None or not client:
            return scope
        sender = self._senders.find(client[0], join_headers(scope["headers"]).get(HEADER, ""))
        return scope if sender == client[0] else {**scope, "client": (sender, 0)}
