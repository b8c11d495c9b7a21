"""What the store keeps of captures: temporary URLs that listen for calls.

Nothing of them is in the journal.  All methods may raise `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from hookstation.errors import Conflict

CAPTURES_CHANGED: Final = "captures"
"""The hint that a capture was opened or closed."""

MOST_CAPTURES: Final = 20
"""Captures that may be open at once."""

MOST_CALLS: Final = 50
"""Calls that a capture keeps."""

MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of all bodies together that a capture keeps: whoever knows its URL fills it, and whoever looks reads it all."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A URL that listens. `token` is sealed; `by` opened it, perhaps for the draft of `webhook`.

    `status` is that of the answer which its callers get.  Times in microseconds since the epoch, UTC; at `until` it is
    over.
    """

    id: str
    token: str
    by: str
    webhook: str
    opened_at: int
    until: int
    status: int = 200


@dataclass(frozen=True, slots=True)
class CapturedCall:
    """A call that a capture got. `headers` are masked already, by lower-case name; `number` begins with 1."""

    capture: str
    number: int
    received_at: int
    sender: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


def too_many() -> Conflict:
    """The refusal of one capture more than may be open."""
    return Conflict(
        f"{MOST_CAPTURES} captures are open, and no more may be at once: close one of them, or wait until one is over."
    )


class Captures(Protocol):
    """Captures and what they heard."""

    async def open_capture(self, capture: Capture, now: int) -> None:
        """Keep a capture. Raises `Conflict` where `MOST_CAPTURES` are open at `now`."""
        ...

    async def open_captures(self, now: int) -> Sequence[Capture]:
        """Every capture that is not over at `now`, the oldest first; cheap, asked often."""
        ...

    async def get_capture(self, capture_id: str) -> Capture | None:
        """One capture, also one that is over but not yet forgotten."""
        ...

    async def keep_call(self, call: CapturedCall) -> int:
        """Keep a call under the next number, whatever its own is, and return that.

        0, and nothing is kept, where the capture is not there, is over by the time of the call, has `MOST_CALLS`, or
        would have more than `MOST_BYTES`.
        """
        ...

    async def captured_calls(self, capture_id: str, after: int = 0) -> Sequence[CapturedCall]:
        """Calls of a capture in the order in which they came, those after number `after`."""
        ...

    async def close_capture(self, capture_id: str) -> bool:
        """Forget a capture and its calls; false where it was not there."""
        ...

    async def forget_captures(self, now: int) -> int:
        """Forget captures that are over at `now`, with their calls; how many there were."""
        ...
