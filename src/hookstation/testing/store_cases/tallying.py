"""Roll-ups, findings, and what is remembered."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from msgspec import structs

from hookstation.core.detect.findings import Finding, Kind, Remedy, Signal
from hookstation.core.events import State
from hookstation.core.tallies import LAST, MINUTE, STATION, Span, Tally
from hookstation.ports.store import Acceptance, Store
from hookstation.testing.store_cases.making import NOW, entry, fails, journal, move, rejects, sends, succeeds

HOUR = 3_600_000_000
BEGAN = NOW - NOW % HOUR
ODD = "ü\0\x1a"


def tally(webhook: str, hours: int, **counts: int) -> Tally:
    """Counts of an hour."""
    return Tally(webhook, Span.HOUR, BEGAN + hours * HOUR, counts)


def finding(name: str, **more: object) -> Finding:
    """Something that was noticed."""
    signal = Signal(Kind.HELD, "courses", f"It is {ODD!r}.", {"held": 3}, Remedy.CONNECTION, "imis")
    return Finding(name, signal, NOW, NOW, **more)  # type: ignore[arg-type]


class TallyCases:
    """What roll-ups owe."""

    async def test_tallies_add_up(self, store: Store) -> None:
        """Counts of one place are added, the latest call stands, and what comes to nothing is not there any more."""
        await store.add_tallies([tally("courses", 0, sending=2, bytes=7, last=5), tally(ODD, 0, failed=1)])
        await store.add_tallies([tally("courses", 0, sending=-2, succeeded=2, last=3)])
        await store.add_tallies([tally("shop", 1, failed=1), tally("shop", 1, failed=-1)])

        expected = [tally("courses", 0, bytes=7, last=5, succeeded=2), tally(ODD, 0, failed=1)]
        assert expected == [*await store.list_tallies(Span.HOUR, BEGAN, BEGAN + 2 * HOUR)]

    async def test_tallies_at_once(self, store: Store) -> None:
        """What is told at the same moment is all counted."""
        await asyncio.gather(*(store.add_tallies([tally("courses", 0, succeeded=1)]) for _ in range(10)))

        [told] = await store.list_tallies(Span.HOUR, 0, BEGAN + HOUR)
        assert {"succeeded": 10} == told.counts

    async def test_tallies_are_chosen(self, store: Store) -> None:
        """They are listed by span, by time and by webhook, the oldest first, those of one time by name."""
        places = [("b", 1), ("a", 1), (STATION, 1), ("a", 0), ("b", 2)]
        await store.add_tallies([tally(name, hours, succeeded=1) for name, hours in places])
        await store.add_tallies(
            [Tally("a", Span.MINUTE, BEGAN, {"failed": 1}), Tally("a", Span.EVER, 0, {LAST: 9})]
        )

        hours = await store.list_tallies(Span.HOUR, BEGAN, BEGAN + 2 * HOUR)
        chosen = await store.list_tallies(Span.HOUR, BEGAN + HOUR, BEGAN + 9 * HOUR, ["b", STATION, "c"])

        found = [((one.at - BEGAN) // HOUR, one.webhook) for one in hours]
        assert [(0, "a"), (1, STATION), (1, "a"), (1, "b")] == found
        assert [(1, STATION), (1, "b"), (2, "b")] == [
            ((one.at - BEGAN) // HOUR, one.webhook) for one in chosen
        ]
        assert [{"failed": 1}] == [one.counts for one in await store.list_tallies(Span.MINUTE, 0, BEGAN + 1)]
        assert [{LAST: 9}] == [one.counts for one in await store.list_tallies(Span.EVER, 0, 1)]
        assert [] == [*await store.list_tallies(Span.HOUR, 0, BEGAN + HOUR, [])]

    async def test_tellers(self, store: Store) -> None:
        """A node that told something is remembered with until when, until it is forgotten."""
        await store.add_tallies([tally("a", 0, succeeded=1)], "n1", 5)
        await store.add_tallies([], "n2", 6)
        await store.add_tallies([], "n1", 7)
        told = dict(await store.list_tellers())
        await store.forget_teller("n1")

        assert {"n1": 7, "n2": 6} == told
        assert {"n2": 6} == dict(await store.list_tellers())

    async def test_recount(self, store: Store) -> None:
        """The journal is counted by webhook and minute of receipt, as its events stand now, within a span."""
        base = (MINUTE - NOW % MINUTE) // 1_000_000
        for number in (0, 1, 59):
            await journal(store, base + number, succeeds)
        await journal(store, base + 2, sends)
        await move(store, base + 2, State.SENDING, fails)
        await journal(store, base + 3, succeeds, webhook=ODD)
        await store.accept(Acceptance(entry(base + 4, reason="schema"), rejects))
        for outside in (-1, 60):
            await journal(store, base + outside, succeeds)
        began = NOW + base * 1_000_000
        began -= began % MINUTE

        counted = await store.recount(began, began + MINUTE)

        found = {one.webhook: dict(one.counts) for one in counted}
        last = {name: counts.pop(LAST) for name, counts in found.items()}
        assert {
            "courses": {"succeeded": 3, "failed": 1, "rejected:schema": 1},
            ODD: {"succeeded": 1},
        } == found
        assert {"courses": NOW + (base + 59) * 1_000_000, ODD: NOW + (base + 3) * 1_000_000} == last
        assert {(Span.MINUTE, began)} == {(one.span, one.at) for one in counted}

    async def test_old_tallies_go(self, store: Store) -> None:
        """Hours and minutes go by their age, at most so many at once; what stands for all time stays."""
        minutes = [Tally("a", Span.MINUTE, BEGAN + at * MINUTE, {"failed": 1}) for at in range(3)]
        lasting = Tally("a", Span.EVER, 0, {"failed": 9})
        await store.add_tallies([tally("a", 0, failed=1), tally("a", 1, failed=2), lasting, *minutes])
        bounds = (BEGAN + HOUR, BEGAN + 2 * MINUTE)

        gone = [await store.prune_tallies(*bounds, 2), await store.prune_tallies(*bounds, 2)]

        assert [2, 1] == gone
        assert 0 == await store.prune_tallies(*bounds, 2)
        assert [tally("a", 1, failed=2)] == [*await store.list_tallies(Span.HOUR, 0, BEGAN + 9 * HOUR)]
        assert minutes[2:] == [*await store.list_tallies(Span.MINUTE, 0, BEGAN + HOUR)]
        assert [lasting] == [*await store.list_tallies(Span.EVER, 0, 1)]


class FindingCases:
    """What findings and what is remembered owe."""

    async def test_findings_come_back(self, store: Store) -> None:
        """Findings are listed the latest first in pages, and those that are open by themselves."""
        first, second, third = finding("1"), finding("2", closed_at=NOW), finding("3")
        await store.save_findings([third, first, second])

        assert [third, second] == [*await store.list_findings(2)]
        assert [first] == [*await store.list_findings(2, "2")]
        assert [third, first] == [*await store.list_findings(9, is_open=True)]
        assert second == await store.get_finding("2")
        assert None is await store.get_finding("4")

    async def test_dismissal_stays(self, store: Store) -> None:
        """The first one who dismisses a finding stands, also when it is written anew."""
        await store.save_findings([finding("1")])
        dismissed = await store.dismiss_finding("1", ODD, NOW + 1)
        await store.dismiss_finding("1", "somebody else", NOW + 2)
        await store.save_findings([structs.replace(finding("1"), seen_at=NOW + 9, closed_at=NOW + 9)])

        assert structs.replace(finding("1"), dismissed_by=ODD, dismissed_at=NOW + 1) == dismissed
        expected = finding("1", closed_at=NOW + 9, dismissed_by=ODD, dismissed_at=NOW + 1)
        assert structs.replace(expected, seen_at=NOW + 9) == await store.get_finding("1")
        assert None is await store.dismiss_finding("2", ODD, NOW)

    async def test_old_findings_go(self, store: Store) -> None:
        """Findings that were closed long ago go, a few at once; open ones stay."""
        closed = [finding(name, closed_at=NOW + int(name)) for name in ("1", "2", "3")]
        await store.save_findings([*closed, finding("4")])

        gone = [await store.prune_findings(NOW + 3, 1) for _ in range(3)]

        assert [1, 1, 0] == gone
        assert ["4", "3"] == [one.id for one in await store.list_findings(9)]

    async def test_learned(self, store: Store) -> None:
        """What is remembered of a webhook comes back, is replaced, and forgotten."""
        await store.save_learned(ODD, "one")
        await store.save_learned(ODD, '{"two": "\\u0000"}')
        known = await store.get_learned(ODD)
        await store.save_learned(ODD, "")

        assert '{"two": "\\u0000"}' == known
        assert ("", "") == (await store.get_learned(ODD), await store.get_learned("other"))
