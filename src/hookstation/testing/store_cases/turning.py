"""Turns: what is written under a lease, all of it or nothing, and what becomes of the job."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import structs

from hookstation.core.events import State
from hookstation.core.jobs import RUNS, SCHEDULES, Job, JobState
from hookstation.core.records import EffectResult, EffectVerdict, Operation
from hookstation.core.workflows.values import (
    EventEnd,
    Hashes,
    Kept,
    Outcome,
    RunChange,
    RunState,
)
from hookstation.errors import MappingFailed
from hookstation.ports.runs import Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, EventFilter, Store
from hookstation.testing.store_cases.chaining import (
    FLOW,
    SUCCEEDED,
    begin,
    begun,
    call,
    done,
    finish,
    go,
    held,
    hold,
    is_due,
    lost,
    paths,
    rest,
    run_id,
    runs,
    signal,
    stands,
    start,
    turn_of,
    waiting,
)
from hookstation.testing.store_cases.emitting import waits
from hookstation.testing.store_cases.making import (
    COURSES,
    HOUR,
    LATER,
    NOW,
    PROFILE,
    entry,
    event_id,
    insert,
    join,
    journal,
    mark,
    put,
    states,
    succeeds,
    take,
    update,
)
from hookstation.testing.store_cases.outgoing import emission

WENT_WELL = succeeds(None)


class TurnWritingCases:
    """What a turn writes, and when it writes nothing."""

    async def test_a_turn_under_a_lost_lease_writes_nothing(self, store: Store) -> None:
        """Of a turn whose lease is over not one thing is there, whatever it carries."""
        await join(store, "n1")
        await journal(store, 90, waits)
        other, leased = await held(store, start(1), start(2, event_id=event_id(90)))
        await rest(store, other, delay=LATER)
        turn = turn_of(leased, everything(leased.leased.job), insert(COURSES, ID="7"))
        turn.lease = lost(turn.lease)

        assert Turned(held=False) == await store.turn(turn)

        assert begun(2, event_id=event_id(90)) == await store.get_run(run_id(2))
        assert ([], [2, 1]) == (await paths(store, 2), await runs(store))
        assert [event_id(90)] == await _events(store)
        assert 0 == await store.count_records(COURSES.name)
        assert ([], []) == (list(await store.list_events_out(9)), list(await store.list_signals(run_id(1))))
        assert ({}, {}) == (await store.get_kept("polls", "lms"), await store.standings("schedules"))
        assert [] == list(await store.list_waits(run_id=run_id(2)))
        assert {run_id(1): "ready", run_id(2): "leased"} == await states(store, queue=RUNS)
        await finish(store, leased)
        assert {} == await store.known_hashes("delta", ["a"])

    async def test_a_turn_writes_everything(self, store: Store) -> None:
        """Whatever a turn carries is there after it, and it says what came of each."""
        await join(store, "n1")
        await journal(store, 90, waits)
        other, leased = await held(store, start(1), start(2, event_id=event_id(90)))
        await rest(store, other, delay=LATER)

        turned = await store.turn(turn_of(leased, everything(leased.leased.job), insert(COURSES, ID="7")))

        assert (True, EffectResult(EffectVerdict.WRITTEN, "7|1"), [True]) == (
            turned.held, turned.effect, list(turned.begun),
        )  # fmt: skip
        assert [State.SUCCEEDED] == [one.settlement.state for one in turned.accepted if one.settlement]
        assert RunState.WAITING is await stands(store, 2)
        assert (["a", "w"], [80, 2, 1]) == (await paths(store, 2), await runs(store))
        assert [event_id(91), event_id(90)] == await _events(store)
        assert [event_id(95)] == [one.id for one in await store.list_events_out(9)]
        assert [signal(1)] == list(await store.list_signals(run_id(1)))
        assert {"cursor": "41"} == await store.get_kept("polls", "lms")
        assert 1 == (await store.standings("schedules"))["nightly"].failures
        assert [call(2, "w")] == list(await store.list_waits(run_id=run_id(2)))
        ended = await store.get_event(event_id(90))
        assert ended is not None
        assert (State.SUCCEEDED, NOW + 5) == (ended.state, ended.settled_at)

    async def test_the_effect_of_a_turn(self, store: Store) -> None:
        """The end of a turn is asked with what its effect did, and the record names the run as its event."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        turned = await store.turn(
            Turn(leased.leased.lease, _telling("a"), run_id(1), insert(COURSES, ID="7", Code="X"))
        )
        again = await store.turn(
            Turn(leased.leased.lease, _telling("b"), run_id(1), update(COURSES, {"ID": "8"}, Code="Y"))
        )

        assert ["7|1", "none found"] == [one.output for one in await store.list_entries(run_id(1), 9)]
        assert [True, True] == [turned.held, again.held]
        assert EffectResult(EffectVerdict.NONE_FOUND, inserted=False) == again.effect
        record = await store.get_record(COURSES.name, "7|1")
        assert record is not None
        assert run_id(1) == record.event_id

    async def test_what_was_written_under_one_lease_is_once_there(self, store: Store) -> None:
        """A run that went to another node takes nothing more from the first one, neither record nor step nor end."""
        await join(store, "n1", "n2")
        await begin(store, start(1))
        [first] = await store.lease_runs(FLOW, "n1", 0, 9)
        await store.reap(HOUR)
        [second] = await hold(store, node_id="n2")
        effect, end = insert(COURSES, ID="7"), TurnEnd((done("a"),), SUCCEEDED)

        told = [(await store.turn(turn_of(one, end, effect))).held for one in (first, second, first, second)]

        assert [False, True, False, False] == told
        assert (1, ["a"]) == (await store.count_records(COURSES.name), await paths(store, 1))

    async def test_an_end_that_raises(self, store: Store) -> None:
        """Where the end of a turn raises, its caller is told, nothing is written, and the lease still stands."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        turn = Turn(leased.leased.lease, _raising, run_id(1), insert(COURSES, ID="7"))

        [refused] = await asyncio.gather(store.turn(turn), return_exceptions=True)

        assert "this step is broken" in str(refused)
        assert (0, []) == (await store.count_records(COURSES.name), await paths(store, 1))
        await finish(store, leased)
        assert RunState.SUCCEEDED is await stands(store, 1)

    async def test_an_effect_that_is_refused(self, store: Store) -> None:
        """Where the effect itself cannot be tried, nothing of the turn is written and its caller is told why."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        [refused] = await asyncio.gather(
            store.turn(turn_of(leased, TurnEnd((done("a"),)), insert(COURSES, Code="X"))),
            return_exceptions=True,
        )

        assert isinstance(refused, MappingFailed)
        assert [] == await paths(store, 1)
        await finish(store, leased)

    async def test_many_turns_at_once(self, store: Store) -> None:
        """Of 64 turns that come at once each stands for itself: one raises, one lost its lease, one has no party."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(64)))
        turns = [turn_of(one, TurnEnd((done("a"),), SUCCEEDED), insert(COURSES, ID="7")) for one in leased]
        turns[10] = Turn(turns[10].lease, _raising, run_id(10), turns[10].effect)
        turns[20].lease = lost(turns[20].lease)
        turns[30].effect = insert(COURSES, Code="X")

        told = await asyncio.gather(*(store.turn(one) for one in turns), return_exceptions=True)

        assert 61 == len([one for one in told if isinstance(one, Turned) and one.held])
        assert [10, 30] == [n for n, one in enumerate(told) if isinstance(one, BaseException)]
        assert Turned(held=False) == told[20]
        assert 61 == await store.count_records(COURSES.name)
        assert 61 == len(await runs(store, states=frozenset({RunState.SUCCEEDED})))
        assert [run_id(n) for n in (10, 20, 30)] == list(await states(store, queue=RUNS))

    async def test_turns_and_events_at_once(self, store: Store) -> None:
        """Turns that are committed with events that come in see each other's records, and disturb nobody."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(20)))
        alone = insert(PROFILE, ID="7")

        accepting = [store.accept(Acceptance(entry(n), succeeds, alone)) for n in range(20)]
        turned = await asyncio.gather(
            *(store.turn(turn_of(one, TurnEnd(run=SUCCEEDED), alone)) for one in leased)
        )
        accepted = await asyncio.gather(*accepting)

        effects = [one.effect for one in turned] + [one.effect for one in accepted]
        verdicts = [one.verdict for one in effects if one]
        assert (1, 39) == (verdicts.count(EffectVerdict.WRITTEN), verdicts.count(EffectVerdict.EXISTS))
        assert 20 == len(await _events(store))

    async def test_many_turns_of_one_run(self, store: Store) -> None:
        """Turns of one run under one lease that come at once are all written, each with a number of its own."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        ends = [TurnEnd((done(f"s{n}"),), keep_seconds=HOUR) for n in range(30)]

        await asyncio.gather(*(store.turn(turn_of(leased, one)) for one in ends))

        found = await store.list_entries(run_id(1), 100)
        assert {f"s{n}" for n in range(30)} == {one.path for one in found}
        assert 30 == len({one.number for one in found})

    async def test_a_deletion_in_a_turn(self, store: Store) -> None:
        """A turn may delete a record too."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await go(store, leased, TurnEnd(), insert(COURSES, ID="7", Code="X"))
        gone = structs.replace(update(COURSES, {"Code": "X"}), operation=Operation.DELETE)

        turned = await go(store, leased, TurnEnd(), gone)

        assert EffectResult(EffectVerdict.WRITTEN, "7|1", inserted=False) == turned.effect
        assert 0 == await store.count_records(COURSES.name)


class TurnJobCases:
    """What becomes of the job and the run with a turn."""

    async def test_a_turn_that_ends_the_job(self, store: Store) -> None:
        """Where nothing is said of the job it goes, and the next of its key moves up."""
        await join(store, "n1")
        await begin(store, start(1, key="7"), start(2, key="7"))
        [leased] = await hold(store)

        await finish(store, leased)

        assert {run_id(2): "ready"} == await states(store, queue=RUNS)

    async def test_a_lease_that_goes_on(self, store: Store) -> None:
        """A lease that is kept goes on under the same token, for as long as was said from now."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        await go(store, leased, TurnEnd(keep_seconds=HOUR))
        kept = await store.reap(HOUR)
        await go(store, leased, TurnEnd((done("a"),), keep_seconds=0.000_001))
        over = await store.reap(HOUR)

        assert (0, 1) == (kept.leases, over.leases)
        assert not (await store.turn(turn_of(leased, TurnEnd((done("b"),))))).held
        assert ["a"] == await paths(store, 1)

    async def test_done_again(self, store: Store) -> None:
        """A job that is to be done again is as it was said, in its lane, and due when its time comes."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        again = structs.replace(leased.leased.job, payload="p", tries=3, delay=LATER, lane="elsewhere")

        await go(store, leased, TurnEnd(again=again))

        found = await store.find_job(RUNS, run_id(1))
        assert found is not None
        assert ("p", 3, FLOW, JobState.READY) == (
            found.job.payload,
            found.job.tries,
            found.job.lane,
            found.state,
        )
        assert not await is_due(store, 1)
        assert [] == list(await hold(store))

    async def test_signals_that_were_not_seen(self, store: Store) -> None:
        """A run that goes to rest while a signal comes that its holder has not seen is due at once; else it rests."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await store.signal([signal(1)])

        await rest(store, leased, delay=LATER, signals_seen=0)
        due = await is_due(store, 1)
        [again] = await hold(store)
        await rest(store, again, delay=LATER, signals_seen=len(again.signals))

        assert (True, False) == (due, await is_due(store, 1))

    async def test_what_a_run_says_of_itself(self, store: Store) -> None:
        """Each turn changes what it names; texts that are not given and moments that are 0 stay."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await go(
            store, leased, TurnEnd(run=RunChange(RunState.RUNNING, NOW + 1, 0, NOW + 2, "e", "[1]", "{}"))
        )
        first = await store.get_run(run_id(1))
        await go(store, leased, TurnEnd(run=RunChange(RunState.WAITING, error="")))
        second = await store.get_run(run_id(1))

        assert first is not None
        told = (RunState.RUNNING, NOW + 1, NOW + 2, "e", "[1]", "{}")
        assert told == (first.state, first.started_at, first.due_at, first.error, first.output, first.answer)
        assert structs.replace(first, state=RunState.WAITING, error="") == second

    async def test_a_turn_without_a_run(self, store: Store) -> None:
        """A schedule's turn begins runs, keeps what it has to and is done again, all at once and only once."""
        await join(store, "n1")
        await put(store, Job(SCHEDULES, "nightly", lane=SCHEDULES))
        [leased] = await store.lease(SCHEDULES, "n1", HOUR, 9, SCHEDULES)
        kept = Kept("schedules", "nightly", "last", "x")
        end = TurnEnd(again=structs.replace(leased.job, delay=LATER), starts=(start(1),), kept=(kept,))

        told = [await store.turn(Turn(leased.lease, lambda _: end)) for _ in range(2)]

        assert [True, False] == [one.held for one in told]
        assert ([True], []) == (list(told[0].begun), list(told[1].begun))
        assert ([1], {"last": "x"}) == (await runs(store), await store.get_kept("schedules", "nightly"))
        assert [] == list(await take(store, queue=SCHEDULES))


def everything(job: Job) -> TurnEnd:
    """A turn that carries something of each kind; run 1 has to rest, and event 90 has to be open."""
    return TurnEnd(
        entries=(done("a"), waiting("w")),
        run=RunChange(RunState.WAITING, due_at=NOW + 7),
        again=structs.replace(job, delay=LATER),
        event=EventEnd(event_id(90), WENT_WELL, NOW + 5),
        starts=(start(80, "other"),),
        signals=(signal(1),),
        waits=(call(2, "w"),),
        emissions=(emission(95),),
        accepts=(Acceptance(entry(91), succeeds, mark=mark(91)),),
        kept=(Kept("polls", "lms", "cursor", "41"),),
        hashes=Hashes("delta", {"a": b"1"}),
        outcomes=(Outcome("schedules", "nightly", False, NOW + 5, "it said no"),),
    )


def _telling(path: str) -> Callable[[EffectResult | None], TurnEnd]:
    """An end that writes down what the effect did."""

    def end(effect: EffectResult | None) -> TurnEnd:
        assert effect is not None
        return TurnEnd((done(path, output=effect.key or effect.verdict.value),), keep_seconds=HOUR)

    return end


def _raising(_: EffectResult | None) -> TurnEnd:
    raise ValueError("this step is broken")


async def _events(store: Store) -> list[str]:
    """The ids in the journal, the newest first."""
    return [one.id for one in (await store.list_events(EventFilter(), 200)).items]
