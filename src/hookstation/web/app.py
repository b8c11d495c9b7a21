"""One callable for everything: the lane in front, the framework behind it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hookstation.web.hooks import PREFIX, HookLane

BARE: Final = PREFIX.rstrip("/")


class Front:
    """Sends ``/hooks`` and what is under it to the lane and the rest to the framework."""

    def __init__(self, lane: HookLane, rest: ASGIApp) -> None:
        self._lane, self._rest = lane, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path; no routing table on the lane."""
        if scope["type"] == "http" and (scope["path"].startswith(PREFIX) or scope["path"] == BARE):
            await self._lane(scope, receive, send)
        else:
            await self._rest(scope, receive, send)
