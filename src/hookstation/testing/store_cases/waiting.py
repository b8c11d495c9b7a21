"""What runs wait for: signals, one-time tokens, decisions; and how a run is ended by somebody."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.events import State
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.run_rules import child_told, event_cancelled
from hookstation.core.workflows.values import Entry, EntryState, Hashes, RunState
from hookstation.ports.runs import TurnEnd
from hookstation.ports.store import Acceptance, Store
from hookstation.testing.store_cases.chaining import (
    SUCCEEDED,
    approval,
    begin,
    call,
    done,
    finish,
    go,
    held,
    hold,
    is_due,
    rest,
    run_id,
    signal,
    stands,
    start,
    turn_of,
    waiting,
)
from hookstation.testing.store_cases.emitting import waits
from hookstation.testing.store_cases.making import (
    LATER,
    NOW,
    entry,
    event_id,
    join,
    mark,
    states,
)

WHY = "Cancelled by ada."


class SignalCases:
    """What signals owe."""

    async def test_a_signal_makes_its_run_due(self, store: Store) -> None:
        """A run that rests is due at once when what it waits for has come."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await rest(store, leased, waiting("wait"), delay=LATER)
        before = await is_due(store, 1)

        told = await store.signal([signal(1, payload='{"a": "ü"}')])

        assert ([True], False, True) == (list(told), before, await is_due(store, 1))
        [again] = await hold(store)
        assert (signal(1, payload='{"a": "ü"}'),) == tuple(again.signals)

    async def test_of_one_path_the_first_signal_counts(self, store: Store) -> None:
        """A path takes one signal, also of several at once; those of other paths and runs are taken."""
        await begin(store, start(1), start(2))

        told = await store.signal([signal(1, payload="1"), signal(1, payload="2"), signal(1, "b"), signal(2)])
        later = await store.signal([signal(1, payload="3"), signal(2, "b", at=NOW + 1)])

        assert ([True, False, True, True], [False, True]) == (list(told), list(later))
        assert {("wait", "1"), ("b", "true")} == {
            (o.path, o.payload) for o in await store.list_signals(run_id(1))
        }
        assert [signal(2), signal(2, "b", at=NOW + 1)] == list(await store.list_signals(run_id(2)))
        assert [] == list(await store.signal([]))

    async def test_of_many_at_once_the_first_signal_counts(self, store: Store) -> None:
        """Of many who signal one path at the same moment one is taken."""
        await begin(store, start(1))

        told = await asyncio.gather(*(store.signal([signal(1, payload=str(n))]) for n in range(8)))

        assert 1 == sum(one for [one] in told)
        assert 1 == len(await store.list_signals(run_id(1)))

    async def test_a_run_that_ended_takes_no_signal(self, store: Store) -> None:
        """A run that has ended, or that is not there, takes no signal, and others of the same call do."""
        await join(store, "n1")
        leased, _ = await held(store, start(1), start(2))
        await finish(store, leased)

        assert [False, False, True] == list(await store.signal([signal(1), signal(9), signal(2)]))

        assert [] == list(await store.list_signals(run_id(1)))

    async def test_a_signal_to_a_run_at_work(self, store: Store) -> None:
        """A signal leaves the lease of a run that is at work alone, and is there when it is leased again."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        await store.signal([signal(1)])
        await go(store, leased, TurnEnd((done("a"),)))
        await rest(store, leased, delay=LATER)

        [again] = await hold(store)
        assert 1 == len(again.signals)

    async def test_signals_of_a_turn(self, store: Store) -> None:
        """A turn that ends a run tells its parent, which is due at once; a second word is no harm."""
        await join(store, "n1")
        parent, child = await held(store, start(1), start(2, parent=run_id(1), parent_path="sub"))
        await rest(store, parent, waiting("sub"), delay=LATER)

        await finish(store, child, signals=(signal(1, "sub", "[1]"), signal(1, "sub", "[2]"), signal(9)))

        assert await is_due(store, 1)
        assert [signal(1, "sub", "[1]")] == list(await store.list_signals(run_id(1)))


class WaitCases:
    """What one-time tokens and decisions owe."""

    async def test_a_token_is_good_once(self, store: Store) -> None:
        """What waits for a call is found by its token's digest until the call has come."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        waits = call(1, expires_at=NOW + 5, title="the bank")
        await rest(store, leased, waiting("wait"), delay=LATER, waits=(waits, call(1, "b")))

        assert waits == await store.find_wait(waits.digest)
        assert await store.find_wait(b"nobody") is None
        assert [True] == list(await store.signal([signal(1)]))
        assert await store.find_wait(waits.digest) is None
        assert call(1, "b") == await store.find_wait(call(1, "b").digest)

    async def test_a_step_that_is_over_waits_no_more(self, store: Store) -> None:
        """The wait of a step goes with the entry that ends its try, and only then; all go with their run."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        named = ("done", "failed", "skipped", "cancelled", "waiting", "unknown", "other")
        await go(store, leased, TurnEnd(waits=tuple(call(1, path) for path in named)))

        entries = tuple(Entry(path, EntryState(path)) for path in named[:6])
        await go(store, leased, TurnEnd(entries, waits=(call(1, "done"),)))

        left = await store.list_waits(run_id=run_id(1))
        assert ["other", "unknown", "waiting"] == [one.path for one in left]
        await finish(store, leased)
        assert [] == list(await store.list_waits(run_id=run_id(1)))

    async def test_a_wait_takes_the_place_of_its_path(self, store: Store) -> None:
        """A step that waits anew has one token, the new one."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        first, second = approval(1), approval(1, person="ada", digest=b"2", title="Two", expires_at=7)

        await go(store, leased, TurnEnd((waiting("ask"),), waits=(first,)))
        await go(store, leased, TurnEnd((waiting("ask"),), waits=(second,)))

        assert (None, second) == (await store.find_wait(first.digest), await store.find_wait(b"2"))
        assert [second] == list(await store.list_waits(run_id=run_id(1)))

    async def test_waits_are_listed(self, store: Store) -> None:
        """Decisions are listed for a person or for all, anything for one run; the oldest run first."""
        await join(store, "n1")
        second, first = await held(store, start(2), start(1))
        await go(store, second, TurnEnd(waits=(approval(2), call(2), approval(2, "b", "ada"))))
        await go(store, first, TurnEnd(waits=(call(1), approval(1))))

        asked = (approval(1), approval(2), approval(2, "b", "ada"))
        assert asked == tuple(await store.list_waits())
        assert asked[:2] == tuple(await store.list_waits("grace"))
        assert (*asked[1:], call(2)) == tuple(await store.list_waits(run_id=run_id(2)))
        assert [] == list(await store.list_waits("nobody"))


class RunCancelCases:
    """What `cancel_runs` owes."""

    async def test_a_run_is_cancelled_in_every_state(self, store: Store) -> None:
        """A run is ended whether it waits for its turn, is at work, rests or is unknown; one that ended is not."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in (1, 2, 3)))
        await begin(store, start(4))
        await rest(store, leased[1], delay=LATER, waits=(call(2),))
        await finish(store, leased[2])

        told = await store.cancel_runs([run_id(n) for n in (1, 2, 3, 4, 9)], NOW + 9, WHY)

        assert {run_id(1), run_id(2), run_id(4)} == set(told)
        assert 3 == len(told)
        run = await store.get_run(run_id(1))
        assert run is not None
        assert (RunState.CANCELLED, NOW + 9, WHY) == (run.state, run.ended_at, run.error)
        assert RunState.SUCCEEDED is await stands(store, 3)
        assert {} == await states(store, queue=RUNS)
        assert await store.find_wait(call(2).digest) is None
        assert [] == list(await store.cancel_runs([run_id(1)], NOW + 10, "again"))

    async def test_whoever_held_it_writes_nothing_more(self, store: Store) -> None:
        """The turn of a run that was cancelled meanwhile is not held, and the run stays cancelled."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        await store.cancel_runs([run_id(1)], NOW + 9, WHY)

        assert not (await store.turn(turn_of(leased, TurnEnd((done("a"),), SUCCEEDED)))).held
        assert RunState.CANCELLED is await stands(store, 1)

    async def test_children_go_with_it(self, store: Store) -> None:
        """The runs that a cancelled one waits for are cancelled with it, and theirs; its parent is not."""
        await join(store, "n1")
        family = {2: 1, 3: 2, 4: 3, 5: 2, 6: 1}
        await begin(store, start(1), *(start(n, parent=run_id(of)) for n, of in family.items()))
        leased = {int(one.run.id[-16:]): one for one in await hold(store)}
        await finish(store, leased[5])

        told = await store.cancel_runs([run_id(2)], NOW + 9, WHY)

        assert {run_id(n) for n in (2, 3, 4)} == set(told)
        assert [RunState.CANCELLED] * 3 == [await stands(store, n) for n in (2, 3, 4)]
        assert [RunState.QUEUED, RunState.SUCCEEDED] == [await stands(store, n) for n in (1, 5)]

    async def test_its_parent_is_told(self, store: Store) -> None:
        """Whoever waits for a cancelled run hears of it and is due; one that waits for none does not."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in (1, 2)))
        await begin(
            store,
            start(3, parent=run_id(1), parent_path="call"),
            start(4, parent=run_id(3), parent_path="call"),
        )
        await begin(store, start(5, parent=run_id(2)))
        for one in leased:
            await rest(store, one, delay=LATER)

        await store.cancel_runs([run_id(3), run_id(5)], NOW + 9, WHY)

        told = child_told((run_id(3), run_id(1), "call"), RunState.CANCELLED, WHY, NOW + 9)
        assert [told] == list(await store.list_signals(run_id(1)))
        assert [[], [], []] == [list(await store.list_signals(run_id(n))) for n in (2, 3, 4)]
        assert [run_id(1)] == [one.run.id for one in await hold(store)]

    async def test_the_event_fails_with_it(self, store: Store) -> None:
        """The journal's event that a cancelled run would have ended is failed, and its key is free."""
        await store.accept(
            Acceptance(entry(1), waits, mark=mark(1), starts=(start(1, event_id=event_id(1)),))
        )

        await store.cancel_runs([run_id(1)], NOW + 9, WHY)

        event = await store.get_event(event_id(1))
        assert event is not None
        told = (event.state, event.answer_status, event.error, event.reason, event.settled_at)
        assert (State.FAILED, 500, WHY, "cancelled", NOW + 9) == told
        assert event_cancelled(WHY).answer_body == event.answer_body
        assert await store.find_mark("courses", "k1", NOW) is None

    async def test_the_next_of_its_key_moves_up(self, store: Store) -> None:
        """What stood behind a cancelled run goes on."""
        await join(store, "n1")
        await begin(store, start(1, key="7"), start(2, key="7"))
        await hold(store)

        await store.cancel_runs([run_id(1)], NOW, WHY)

        assert [run_id(2)] == [one.run.id for one in await hold(store)]

    async def test_what_a_cancelled_run_had_hashed_is_forgotten(self, store: Store) -> None:
        """Hashes of a run that is cancelled never count."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await go(store, leased, TurnEnd(hashes=Hashes("delta", {"a": b"1"})))

        await store.cancel_runs([run_id(1)], NOW, WHY)

        assert {} == await store.known_hashes("delta", ["a"])

    async def test_cancelled_while_at_work(self, store: Store) -> None:
        """Of runs that end at the moment they are cancelled, each stands as one of both says; no job is left."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(20)))
        ids = [one.run.id for one in leased]

        ending = [store.turn(turn_of(one, TurnEnd(run=SUCCEEDED))) for one in leased]
        told = await store.cancel_runs(ids, NOW, WHY)
        ended = await asyncio.gather(*ending)

        gone = [one.run.id for one, turned in zip(leased, ended, strict=True) if not turned.held]
        assert set(gone) == set(told)
        assert {} == await states(store, queue=RUNS)
