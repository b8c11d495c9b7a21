"""Roll-ups of calls: what is counted, how counts are added up, and what is read off them.

An event is counted at the time of its receipt, under how it stands now: what is settled later moves.  So the counts of
states always add up to what the journal holds, and can be counted again from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

import msgspec

from hookstation.core.events import OPEN_STATES, State

MINUTE: Final = 60 * 1_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
"""Microseconds."""

STATION: Final = ""
"""The name under which all webhooks are counted together; no webhook has it."""

REPEATED: Final = "repeated"
"""Calls that were answered from what became of an earlier one."""

BYTES: Final = "bytes"
LAST: Final = "last"
"""When the last call came, microseconds since the epoch; of several the latest counts, they are not added."""

CREDENTIALS: Final = "credentials"
"""How often a target refused the credentials of its connection."""

FROM: Final = "from:"
"""The beginning of a count of accepted calls from an address, which follows; in minutes only."""

MOST_ADDRESSES: Final = 50
"""Addresses of one webhook that a node counts in a minute."""

BUCKETS: Final = (
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 60_000_000,
)  # fmt: skip
"""Upper bounds in microseconds of how long answers took, each within its bucket; one more takes what is above."""

TOOK: Final = tuple(f"took:{number}" for number in range(len(BUCKETS) + 1))
"""The name of each bucket's count."""

ANSWERS: Final = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
"""The name of the count of each class of answers; the first one: nobody was there to be answered."""

_OPEN: Final = frozenset(state.value for state in OPEN_STATES)
_PLAIN: Final = frozenset(state.value for state in State)


class Span(IntEnum):
    """What one roll-up covers: all time since the station began, an hour, or a minute."""

    EVER = 0
    HOUR = 1
    MINUTE = 2


class Tally(msgspec.Struct, frozen=True):
    """Counts of one webhook over one span. `at`: when the span begins, microseconds since the epoch; 0 for `EVER`.

    Names of counts: a state of events, with ``:reason`` where one was given; `REPEATED`; a class of `ANSWERS`; a
    bucket of `TOOK`; `BYTES`, `LAST`, `CREDENTIALS`, and `FROM` with an address.
    """

    webhook: str
    span: Span
    at: int
    counts: Mapping[str, int]

    @property
    def place(self) -> tuple[str, Span, int]:
        """What tells it apart."""
        return self.webhook, self.span, self.at


def end_name(state: State, reason: str) -> str:
    """The count of events that stand like this."""
    return f"{state.value}:{reason}" if reason else state.value


def add(into: dict[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add counts; what comes to nothing is left out."""
    for name, count in more.items():
        total = max(into.get(name, 0), count) if name == LAST else into.get(name, 0) + count
        if total:
            into[name] = total
        else:
            into.pop(name, None)
    return into


def total(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """All of them together."""
    found: dict[str, int] = {}
    for counts in many:
        add(found, counts)
    return found


def spread(webhook: str, minute: int, counts: Mapping[str, int], *, minutes: bool = True) -> list[Tally]:
    """The roll-ups that counts of one minute belong to, of the webhook and of the station."""
    lasting = {name: count for name, count in counts.items() if not name.startswith(FROM)}
    wide = [(Span.HOUR, minute - minute % HOUR), (Span.EVER, 0)]
    found = [Tally(webhook, Span.MINUTE, minute, counts), Tally(STATION, Span.MINUTE, minute, lasting)]
    return (found if minutes else []) + [
        Tally(name, span, at, lasting) for name in (webhook, STATION) for span, at in wide
    ]


def gathered(tallies: Iterable[Tally]) -> list[Tally]:
    """One tally for each place, in the order of places; empty ones are left out."""
    found: dict[tuple[str, Span, int], dict[str, int]] = {}
    for one in tallies:
        add(found.setdefault(one.place, {}), one.counts)
    return [Tally(*place, counts) for place, counts in sorted(found.items()) if counts]


def missing(journal: Mapping[str, int], told: Mapping[str, int], *, pruned: bool = False) -> dict[str, int]:
    """What has to be added to `told` so that its events are those of the journal.

    Of rejected ones more may have been told than the journal keeps: these stay.  `pruned`: so it is of whatever has
    ended, since events of that time may have gone.
    """
    names = {name for name in told if is_event(name)} | journal.keys() - {LAST}
    found = {name: journal.get(name, 0) - told.get(name, 0) for name in names}
    more = {
        name: count for name, count in found.items() if count > 0 or (count and _exact(name, pruned=pruned))
    }
    if more and journal.get(LAST, 0) > told.get(LAST, 0):
        more[LAST] = journal[LAST]
    return more


def _exact(name: str, *, pruned: bool) -> bool:
    state = name.partition(":")[0]
    return state in _OPEN if pruned else state != State.REJECTED.value


def percentile(counts: Mapping[str, int], share: float) -> int | None:
    """Microseconds within which this share of answers was given, ``None`` without any.

    Between the bounds of a bucket it is taken as even; what is above the last one counts as that.
    """
    whole = sum(counts.get(name, 0) for name in TOOK)
    if whole <= 0:
        return None
    wanted, passed = share * whole, 0
    for number, name in enumerate(TOOK):
        inside = counts.get(name, 0)
        if inside and passed + inside >= wanted:
            low = BUCKETS[number - 1] if number else 0
            high = BUCKETS[min(number, len(BUCKETS) - 1)]
            return round(low + (high - low) * (wanted - passed) / inside)
        passed += inside
    return BUCKETS[-1]


def is_event(name: str) -> bool:
    """Whether it counts events that stand in a state."""
    return name.partition(":")[0] in _PLAIN


def _of(counts: Mapping[str, int], state: State) -> int:
    return sum(count for name, count in counts.items() if name.partition(":")[0] == state.value)


class Figures(msgspec.Struct, frozen=True):
    """What counts say: calls by how they ended, `reasons` of the failed and rejected ones, answers, bytes, times.

    `open`: not ended yet.  `p50`, `p95`, `p99`: microseconds, ``None`` where nothing was answered.  `last`: of the last
    call, microseconds since the epoch, 0 without one.  `reasons`: a rejection's step of the staircase, ``mapping`` and
    the like, or ``target`` for what the target refused.
    """

    calls: int = 0
    succeeded: int = 0
    failed: int = 0
    rejected: int = 0
    repeated: int = 0
    open: int = 0
    bytes: int = 0
    last: int = 0
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None
    reasons: Mapping[str, int] = {}
    answers: Mapping[str, int] = {}

    @property
    def failures(self) -> int:
        """Calls that ended badly, wherever."""
        return self.failed + self.rejected


def figures(counts: Mapping[str, int]) -> Figures:
    """Read counts."""
    succeeded, failed = _of(counts, State.SUCCEEDED), _of(counts, State.FAILED)
    rejected, repeated = _of(counts, State.REJECTED), counts.get(REPEATED, 0)
    waiting = open_events(counts)
    return Figures(
        calls=succeeded + failed + rejected + repeated + waiting,
        succeeded=succeeded,
        failed=failed,
        rejected=rejected,
        repeated=repeated,
        open=waiting,
        bytes=counts.get(BYTES, 0),
        last=counts.get(LAST, 0),
        p50=percentile(counts, 0.5),
        p95=percentile(counts, 0.95),
        p99=percentile(counts, 0.99),
        reasons=_reasons(counts),
        answers={name: counts[name] for name in ANSWERS if counts.get(name)},
    )


def open_events(counts: Mapping[str, int]) -> int:
    """Events that have not reached their end; other than 0 also where counts were lost."""
    return sum(count for name, count in counts.items() if name.partition(":")[0] in _OPEN)


def _reasons(counts: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in counts.items():
        state, _, reason = name.partition(":")
        if count > 0 and state in (State.FAILED.value, State.REJECTED.value):
            found[reason or "target"] = found.get(reason or "target", 0) + count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
