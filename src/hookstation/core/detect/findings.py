"""What was noticed, and how it goes on: a signal opens a finding, which is closed when no signal came for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from hookstation.core.tallies import DAY, MINUTE


class Kind(StrEnum):
    """What is noticed."""

    SIGNATURE = "signature refused"
    ADDRESS = "new address"
    BURST = "burst"
    SILENCE = "silence"
    SCHEMA = "schema failures"
    SHAPE = "new field"
    CREDENTIALS = "credentials refused"
    HELD = "events held"
    UNKNOWN = "unknown outcomes"
    FAILING = "webhook failing"


class Remedy(StrEnum):
    """Where a person goes to set it right: the name of a place, for pages and programs to link to."""

    ACCESS = "access"
    JOURNAL = "journal"
    SCHEMA = "schema"
    CONNECTION = "connection"
    WEBHOOK = "webhook"


NEEDS_A_PERSON: Final = frozenset({Kind.CREDENTIALS, Kind.HELD, Kind.UNKNOWN, Kind.FAILING})
"""What does not go on by itself, before what is only unusual."""

QUIET: Final[Mapping[Kind, int]] = {
    Kind.SIGNATURE: 60 * MINUTE,
    Kind.ADDRESS: 7 * DAY,
    Kind.BURST: 30 * MINUTE,
    Kind.SILENCE: 0,
    Kind.SCHEMA: 30 * MINUTE,
    Kind.SHAPE: 7 * DAY,
    Kind.CREDENTIALS: 15 * MINUTE,
    Kind.HELD: 0,
    Kind.UNKNOWN: 0,
    Kind.FAILING: 10 * MINUTE,
}
"""How long after its last signal a finding is closed, microseconds: what comes again within is the same one."""

Figure: TypeAlias = int | float | str


class Signal(msgspec.Struct, frozen=True):
    """Something that is so now. `about` tells signals of one kind and webhook apart (an address, a field).

    `figures` are the numbers of the sentence, by name.  `remedy` with `connection` or `webhook` says what to open.
    """

    kind: Kind
    webhook: str
    sentence: str
    figures: Mapping[str, Figure]
    remedy: Remedy
    connection: str = ""
    about: str = ""

    @property
    def place(self) -> tuple[Kind, str, str, str]:
        """What tells it apart."""
        return self.kind, self.webhook, self.connection, self.about


class Finding(msgspec.Struct, frozen=True):
    """What was noticed. `since`: when it began, `seen_at`: when it was last so, `closed_at`: 0 while it is open.

    `dismissed_at` 0: nobody has said that it is seen to.  Times in microseconds since the epoch.
    """

    id: str
    signal: Signal
    since: int
    seen_at: int
    closed_at: int = 0
    dismissed_by: str = ""
    dismissed_at: int = 0

    @property
    def needs_attention(self) -> bool:
        """Whether it is still so and nobody has dismissed it."""
        return not self.closed_at and not self.dismissed_at


class Followed(msgspec.Struct, frozen=True):
    """What a round of watching changes: findings that begin, that go on, and that are over."""

    opened: Sequence[Finding] = ()
    kept: Sequence[Finding] = ()
    closed: Sequence[Finding] = ()


def follow(
    standing: Iterable[Finding], signals: Iterable[Signal], now: int, new_id: Callable[[], str]
) -> Followed:
    """Put what is so now beside the findings that are open."""
    seen = {signal.place: signal for signal in signals}
    kept, closed = [], []
    for one in standing:
        signal = seen.pop(one.signal.place, None)
        if signal is not None:
            kept.append(msgspec.structs.replace(one, signal=signal, seen_at=now))
        elif now - one.seen_at >= QUIET[one.signal.kind]:
            closed.append(msgspec.structs.replace(one, closed_at=now))
    return Followed([Finding(new_id(), signal, now, now) for signal in seen.values()], kept, closed)
