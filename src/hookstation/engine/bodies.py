"""The bodies that senders are still sending, bounded over all connections: who sends slowly holds memory for long."""

from __future__ import annotations

from typing import Final

MOST_BODY_BYTES: Final = 256 * 1024 * 1024


class Bodies:
    """All bodies that did not come in one piece: how many are not whole yet, and the bytes that are held for them.

    `most`: bytes.  A body that came in one piece is not counted; so many of those as may be at work are bounded.
    """

    def __init__(self, most: int = MOST_BODY_BYTES) -> None:
        self.most = most
        self.open = 0
        self.bytes = 0

    def begin(self) -> Share:
        """Count a body that is not whole. The caller ends it by `Share.release`, whatever becomes of it."""
        self.open += 1
        return Share(self)


class Share:
    """What one body takes."""

    __slots__ = ("_all", "_bytes", "_open")

    def __init__(self, bodies: Bodies) -> None:
        self._all, self._bytes, self._open = bodies, 0, True

    def grow(self, size: int) -> bool:
        """Whether there is room for the body, which has `size` bytes by now; without room nothing more is counted."""
        more = size - self._bytes
        if self._all.bytes + more > self._all.most:
            return False
        self._all.bytes += more
        self._bytes = size
        return True

    def whole(self) -> None:
        """The body is there; its bytes are held until its call is answered."""
        if self._open:
            self._open = False
            self._all.open -= 1

    def release(self) -> None:
        """The call is answered, or its sender is gone."""
        self.whole()
        self._all.bytes -= self._bytes
        self._bytes = 0
