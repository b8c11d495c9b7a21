"""One after the other: upserts that mean the same row of a target outside our database.

An upsert searches, and adds where it finds nothing.  While another one of the same row is being sent, or its outcome
is not known, the search proves nothing: the other row may still land.  So the job of each upsert holds its row's turn
in the database, from the commit of its intent until its event is settled or left to a person.  The lanes here are the
queue before that: of the calls that one node has for a row, one at a time asks the database for the turn.
"""

from __future__ import annotations

import asyncio
from typing import Final

OCCUPIED: Final = (
    "Another event is writing the same row, and its outcome is not known yet. Nothing was done; send it again"
    " later."
)

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
"""Seconds between two questions whether a turn that another event holds is free."""


class Lanes:
    """Who may ask for the turn at a row, and who waits behind. Events stand in the order in which they came."""

    def __init__(self) -> None:
        self._lanes: dict[bytes, dict[str, asyncio.Event]] = {}
        self._places: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    async def enter(self, turn: bytes, event_id: str, seconds: float) -> bool:
        """Stand in the lane of `turn` until it is the event's, at most `seconds`; return whether it came.

        The event stays there until `leave`.  What needs no turn (empty) always has it.
        """
        if not turn:
            return True
        lane = self._lanes.setdefault(turn, {})
        mine = lane.setdefault(event_id, asyncio.Event())
        self._places[event_id] = turn
        if next(iter(lane)) == event_id:
            return True
        try:
            async with asyncio.timeout(seconds):
                await mine.wait()
        except BaseException as ended:
            self.leave(event_id)
            if isinstance(ended, TimeoutError):
                return False
            raise
        return True

    def leave(self, event_id: str) -> None:
        """Give up the lane, or the wait for it. Safe to repeat."""
        turn = self._places.pop(event_id, None)
        if turn is None:
            return
        lane = self._lanes[turn]
        del lane[event_id]
        if lane:
            next(iter(lane.values())).set()
        else:
            del self._lanes[turn]
