"""What work keeps from one turn to the next: small values, hashes of rows, and how its things stand."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.jobs import SCHEDULES, Job
from hookstation.core.workflows.values import Hashes, Kept, Outcome, RunChange, RunState, Standing
from hookstation.ports.runs import Turn, TurnEnd
from hookstation.ports.store import Store
from hookstation.testing.store_cases.chaining import FAILED, SUCCEEDED, finish, go, held, start
from hookstation.testing.store_cases.making import HOUR, NOW, join, put

NIGHTLY = ("schedules", "nightly")


class KeptCases:
    """What kept values and standings owe."""

    async def test_kept_values(self, store: Store) -> None:
        """What is kept comes back for its own thing; a new value takes its place, an empty text none."""
        await store.keep([Kept("polls", "lms", "cursor", "4"), Kept("polls", "lms", "etag", 'W/"ü"')])
        await store.keep([Kept("polls", "shop", "cursor", "7"), Kept("schedules", "lms", "cursor", "8")])

        await store.keep([Kept("polls", "lms", "cursor", "5"), Kept("polls", "shop", "cursor", "")])

        assert {"cursor": "5", "etag": 'W/"ü"'} == await store.get_kept("polls", "lms")
        assert {} == await store.get_kept("polls", "shop")
        assert {"cursor": "8"} == await store.get_kept("schedules", "lms")

    async def test_kept_by_turns(self, store: Store) -> None:
        """A turn keeps and removes values with all else that it writes."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await store.keep([Kept("polls", "lms", "etag", "x")])

        await go(
            store,
            leased,
            TurnEnd(kept=(Kept("polls", "lms", "cursor", "1"), Kept("polls", "lms", "etag", ""))),
        )

        assert {"cursor": "1"} == await store.get_kept("polls", "lms")

    async def test_outcomes_move_a_standing(self, store: Store) -> None:
        """Failures are counted in a row, each thing for itself; a success sets them to nothing."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(4)))
        bad = [Outcome(*NIGHTLY, False, NOW + n, f"it said no {n}") for n in (1, 2)]
        await go(store, leased[0], TurnEnd(outcomes=(bad[0], Outcome("polls", "nightly", True, NOW + 5))))
        await go(store, leased[1], TurnEnd(outcomes=(bad[1],)))
        between = await store.standings("schedules")
        await go(store, leased[2], TurnEnd(outcomes=(Outcome(*NIGHTLY, True, NOW + 3),)))

        assert {"nightly": Standing(*NIGHTLY, 2, 0, NOW + 2, why="it said no 2")} == between
        assert {"nightly": Standing(*NIGHTLY, 0, NOW + 3, NOW + 2)} == await store.standings("schedules")
        assert {"nightly": Standing("polls", "nightly", 0, NOW + 5)} == await store.standings("polls")
        assert {} == await store.standings("transfers")

    async def test_outcomes_at_once(self, store: Store) -> None:
        """No outcome is lost of those that come at once, in one turn or in many."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(30)))
        bad = Outcome(*NIGHTLY, False, NOW + 1, "no")

        await asyncio.gather(*(finish(store, one, FAILED, outcomes=(bad, bad)) for one in leased))

        assert 60 == (await store.standings("schedules"))["nightly"].failures

    async def test_switched_off(self, store: Store) -> None:
        """A standing that is saved stays as it was said; outcomes leave it switched off, with the reason."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        off = Standing(*NIGHTLY, 5, 1, 2, True, "five times in a row")

        await store.save_standing(off)
        saved = await store.standings("schedules")
        await go(store, leased, TurnEnd(outcomes=(Outcome(*NIGHTLY, True, NOW),)))

        assert {"nightly": off} == saved
        assert Standing(*NIGHTLY, 0, NOW, 2, True, off.why) == (await store.standings("schedules"))["nightly"]
        await store.save_standing(Standing(*NIGHTLY))
        assert {"nightly": Standing(*NIGHTLY)} == await store.standings("schedules")


class HashCases:
    """What the hashes of a delta owe."""

    async def test_hashes_count_when_the_run_succeeds(self, store: Store) -> None:
        """What a run saw counts from its success on; until then what counted before does."""
        await join(store, "n1")
        first, second = await held(store, start(1), start(2))
        await finish(store, first, hashes=Hashes("delta", {"a": b"1", "b": b"1"}))
        await go(store, second, TurnEnd(hashes=Hashes("delta", {"b": b"2", "c": b"2"})))
        await go(store, second, TurnEnd(hashes=Hashes("delta", {"c": b"3", "d": b"3"})))

        before = await _known(store)
        await finish(store, second, hashes=Hashes("delta", {"e": b"4"}))

        assert {"a": b"1", "b": b"1"} == before
        assert {"a": b"1", "b": b"2", "c": b"3", "d": b"3", "e": b"4"} == await _known(store)

    async def test_hashes_of_a_failed_run(self, store: Store) -> None:
        """What a failed run saw is forgotten, also where it comes with the end itself."""
        await join(store, "n1")
        first, second, third = await held(store, start(1), start(2), start(3))
        await go(store, first, TurnEnd(hashes=Hashes("delta", {"a": b"1"})))
        await finish(store, first, FAILED, hashes=Hashes("delta", {"b": b"1"}))
        cancelled = RunChange(RunState.CANCELLED, ended_at=NOW)
        await finish(store, second, cancelled, hashes=Hashes("delta", {"c": b"1"}))
        await finish(store, third)

        assert {} == await _known(store)

    async def test_runs_that_hash_at_once(self, store: Store) -> None:
        """What one run saw counts without the other's, though both are at work on the same rows."""
        await join(store, "n1")
        first, second = await held(store, start(1), start(2))
        await go(store, first, TurnEnd(hashes=Hashes("delta", {"a": b"1", "b": b"1"})))
        await go(store, second, TurnEnd(hashes=Hashes("delta", {"a": b"2"})))

        await finish(store, second)
        between = await _known(store)
        await finish(store, first)

        assert ({"a": b"2"}, {"a": b"1", "b": b"1"}) == (between, await _known(store))

    async def test_a_great_many_hashes(self, store: Store) -> None:
        """However many a run saw, all count from its success on, and none of a failed one does; the last one counts."""
        await join(store, "n1")
        first, second, third = await held(store, start(1), start(2), start(3))
        many = {f"k{number}": b"%d" % number for number in range(3_000)}
        await go(store, first, TurnEnd(hashes=Hashes("delta", many)))
        await go(store, second, TurnEnd(hashes=Hashes("delta", dict.fromkeys(many, b"never"))))
        await finish(store, second, FAILED)
        await finish(store, first)
        at_once = await store.known_hashes("delta", [*many, "k3000"])
        await finish(store, third, hashes=Hashes("delta", {"k7": b"new"}))

        assert many == at_once
        assert {"k6": b"6", "k7": b"new"} == await store.known_hashes("delta", ["k6", "k7"])
        assert 3_000 == sum([await store.forget_hashes("delta", 1_000) for _ in range(9)])
        assert {} == await store.known_hashes("delta", [*many])

    async def test_hashes_of_a_turn_without_a_run(self, store: Store) -> None:
        """What is seen by a turn that is no run's counts at once."""
        await join(store, "n1")
        await put(store, Job(SCHEDULES, "nightly", lane=SCHEDULES))
        [leased] = await store.lease(SCHEDULES, "n1", HOUR, 9, SCHEDULES)

        await store.turn(Turn(leased.lease, lambda _: TurnEnd(hashes=Hashes("delta", {"a": b"1"}))))

        assert {"a": b"1"} == await _known(store)

    async def test_hashes_by_owner(self, store: Store) -> None:
        """Each owner has its own, and forgets them in steps."""
        await join(store, "n1")
        first, second = await held(store, start(1), start(2))
        await finish(store, first, hashes=Hashes("delta", dict.fromkeys(("a", "b", "ü", "c"), b"\x00\xff")))
        await finish(store, second, SUCCEEDED, hashes=Hashes("other", {"a": b"2"}))

        asked = await store.known_hashes("delta", ["a", "ü", "x"])
        gone = [await store.forget_hashes("delta", 3) for _ in range(3)]

        assert {"a": b"\0\xff", "ü": b"\0\xff"} == asked
        assert [3, 1, 0] == gone
        assert ({}, {"a": b"2"}) == (await _known(store), await store.known_hashes("other", ["a"]))
        assert {} == await store.known_hashes("other", [])


async def _known(store: Store) -> dict[str, bytes]:
    return dict(await store.known_hashes("delta", ["a", "b", "c", "d", "e"]))
