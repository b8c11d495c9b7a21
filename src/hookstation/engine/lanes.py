"""One after the other: upserts that mean the same row of a target outside our database.

An upsert searches, and adds where it finds nothing.  While another one of the same row is being sent, or its outcome
is not known, the search proves nothing: the other row may still land.  So each upsert has its turn in the lane of its
row before its intent is committed, and keeps it until its event is settled or left to a person, which is after the
time that the target itself may take.  The lanes are in the memory of the one process that holds the data folder; what
they hold follows from the due work, from which they are filled when the station is opened.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hookstation.core.records import Operation, Record
from hookstation.core.rowkey import RowKey, row_key

OCCUPIED: Final = (
    "Another event is writing the same row, and its outcome is not known yet. Nothing was done; send it again"
    " later."
)


class Lanes:
    """Who has the turn at a row, and who waits for it. Events stand in the order in which they came."""

    def __init__(self) -> None:
        self._lanes: dict[RowKey, dict[str, asyncio.Event]] = {}
        self._places: dict[str, set[RowKey]] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def stands(self, event_id: str) -> bool:
        """Whether the event has or awaits a turn."""
        return event_id in self._places

    def stand(self, record: Record, event_id: str) -> bool:
        """Queue up, and return whether it is the event's turn. What is no upsert needs no turn and always has it."""
        if record.operation is not Operation.UPSERT:
            return True
        key = row_key(record)
        lane = self._lanes.setdefault(key, {})
        lane.setdefault(event_id, asyncio.Event())
        self._places.setdefault(event_id, set()).add(key)
        return next(iter(lane)) == event_id

    async def enter(self, record: Record, event_id: str, seconds: float) -> bool:
        """Wait for the event's turn, at most `seconds`; return whether it came. The event stands there until `leave`,
        also where its turn did not come but it stood there before."""
        stood = self.stands(event_id)
        if self.stand(record, event_id):
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._lanes[row_key(record)][event_id].wait()
        except BaseException as ended:
            if not stood:
                self.leave(event_id)
            if isinstance(ended, TimeoutError):
                return False
            raise
        return True

    def leave(self, event_id: str) -> None:
        """Give up the turn, or the wait for it. Safe to repeat."""
        for key in self._places.pop(event_id, ()):
            lane = self._lanes[key]
            del lane[event_id]
            if lane:
                next(iter(lane.values())).set()
            else:
                del self._lanes[key]
