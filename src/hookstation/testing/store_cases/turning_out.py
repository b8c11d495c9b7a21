"""What turns and events bring about: events that end, runs that begin, and events that come in."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import structs

from hookstation.core.events import Attempt, MarkState, Settlement, State
from hookstation.core.jobs import POLLS, RUNS, Job, Leased
from hookstation.core.outgoing.values import Emission
from hookstation.core.workflows.values import EventEnd, Kept
from hookstation.errors import Conflict
from hookstation.ports.runs import Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, Committed, EventFilter, Finish, Hold, Store
from hookstation.testing.store_cases.chaining import (
    begin,
    begun,
    go,
    held,
    hold,
    run_id,
    runs,
    start,
)
from hookstation.testing.store_cases.making import (
    COURSES,
    HOUR,
    LATER,
    NOW,
    ends,
    entry,
    event_id,
    event_job,
    fails,
    insert,
    join,
    journal,
    mark,
    put,
    rejects,
    states,
    succeeds,
)
from hookstation.testing.store_cases.outgoing import emission, event_out

waits = ends(State.WORKING, 202)
FAILURE = Settlement(State.FAILED, 500, b'{"success": false}', "it said no", reason="workflow")


class EventRunCases:
    """What `Acceptance.starts`, `Emission.starts` and `TurnEnd.event` owe."""

    async def test_an_event_that_begins_a_run(self, store: Store) -> None:
        """An event that is accepted begins its runs in the same commit."""
        await store.accept(
            Acceptance(entry(1), waits, mark=mark(1), starts=(start(1, event_id=event_id(1)),))
        )

        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.WORKING is event.state
        assert begun(1, event_id=event_id(1)) == await store.get_run(run_id(1))
        assert {run_id(1): "ready"} == await states(store, queue=RUNS)

    async def test_what_is_turned_away_begins_nothing(self, store: Store) -> None:
        """Neither a rejected event begins a run, nor a repeat, nor one that is there; the others of a batch do."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))
        given = [
            Acceptance(entry(2), rejects, starts=(start(2),)),
            Acceptance(entry(3), succeeds, mark=mark(3), starts=(start(3),)),
            Acceptance(entry(1), succeeds, starts=(start(4),)),
            Acceptance(entry(5), succeeds, starts=(start(5), start(6, "other"))),
        ]

        await asyncio.gather(*(store.accept(one) for one in given), return_exceptions=True)

        assert [6, 5] == await runs(store)

    async def test_a_start_that_is_there_holds_up_no_event(self, store: Store) -> None:
        """An event whose run is there already is accepted, and the run is left alone."""
        await begin(store, start(1))

        accepted = await store.accept(Acceptance(entry(1), waits, starts=(start(1, input="2"),)))

        assert accepted.settlement is not None
        assert begun(1) == await store.get_run(run_id(1))

    async def test_many_events_that_begin_runs(self, store: Store) -> None:
        """Events that come at once begin each its own run, and one that is the same only once."""
        await asyncio.gather(
            *(store.accept(Acceptance(entry(n), waits, starts=(start(n), start(1000)))) for n in range(64))
        )

        assert [1000, *reversed(range(64))] == await runs(store)
        assert 65 == len(await states(store, queue=RUNS))

    async def test_an_event_that_stands_behind_others(self, store: Store) -> None:
        """A held event begins its runs too: what it stands for is no rejection."""
        await store.enqueue([event_job(9, key="k")])
        hold = Hold("k", Settlement(State.HELD))

        await store.accept(Acceptance(entry(1), succeeds, job=event_job(1), hold=hold, starts=(start(1),)))

        assert [1] == await runs(store)

    async def test_an_event_out_that_begins_runs(self, store: Store) -> None:
        """What goes out begins its runs with it, once for each idempotency key."""
        first = Emission(event_out(1, key="order-7"), starts=(start(1),))
        second = Emission(event_out(2, key="order-7"), starts=(start(2),))
        caused = Emission(event_out(3), emission(3).deliveries, (start(3), start(1)))

        await store.emit([first, second])
        await store.accept(Acceptance(entry(1), succeeds, emit=lambda _, __: [caused]))

        assert [3, 1] == await runs(store)
        assert {run_id(1): "ready", run_id(3): "ready"} == await states(store, queue=RUNS)

    async def test_a_turn_that_emits(self, store: Store) -> None:
        """A turn's event out brings its deliveries and its runs with it."""
        await join(store, "n1")
        [leased] = await held(store, start(1))

        await go(store, leased, TurnEnd(emissions=(structs.replace(emission(5), starts=(start(5),)),)))

        assert event_out(5) == await store.get_event_out(event_id(5))
        assert [5, 1] == await runs(store)
        assert 1 == (await store.count_waiting_deliveries())["shop"]

    async def test_the_event_ends_with_its_run(self, store: Store) -> None:
        """The event that waited for a run ends as the turn says, with answer, times, attempt and mark."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(1), waits, mark=mark(1), starts=(start(1),)))
        [leased] = await hold(store)
        end = Settlement(State.SUCCEEDED, 200, b'{"n": 1}')

        await go(store, leased, TurnEnd(event=EventEnd(event_id(1), end, NOW + 9)))

        event = await store.get_event(event_id(1))
        assert event is not None
        told = (event.state, event.answer_status, event.answer_body, event.settled_at)
        assert (State.SUCCEEDED, 200, b'{"n": 1}', NOW + 9) == told
        kept = await store.find_mark("courses", "k1", NOW)
        assert kept is not None
        assert (MarkState.SUCCEEDED, b'{"n": 1}') == (kept.state, kept.answer_body)
        expected = [Attempt(1, event.received_at, NOW + 9, State.SUCCEEDED, "", "")]
        assert expected == list(await store.list_attempts(event_id(1)))

    async def test_a_failed_run_frees_the_key(self, store: Store) -> None:
        """The event of a run that failed is failed, with the reason that was given, and its key is free again."""
        await join(store, "n1")
        await store.accept(Acceptance(entry(1), waits, mark=mark(1)))
        [leased] = await held(store, start(1))

        await go(store, leased, TurnEnd(event=EventEnd(event_id(1), FAILURE, NOW + 9)))

        event = await store.get_event(event_id(1))
        assert event is not None
        assert (State.FAILED, "it said no", "workflow") == (event.state, event.error, event.reason)
        assert await store.find_mark("courses", "k1", NOW) is None

    async def test_an_event_that_has_ended_is_left_alone(self, store: Store) -> None:
        """A turn that ends an event which somebody ended before changes nothing of it, nor one that is not there."""
        await join(store, "n1")
        await journal(store, 1)
        leased = await held(store, start(1), start(2))

        await go(store, leased[0], TurnEnd(event=EventEnd(event_id(1), FAILURE, NOW + 9)))
        await go(store, leased[1], TurnEnd(event=EventEnd("nobody", FAILURE, NOW + 9)))

        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.SUCCEEDED is event.state


class TurnAcceptingCases:
    """What `TurnEnd.accepts` owes."""

    async def test_items_of_one_turn(self, store: Store) -> None:
        """Items that come in with a turn are events as if posted, with their effects, runs and what follows."""
        turn = await _poll(store)
        items = [
            Acceptance(entry(1), succeeds, insert(COURSES, ID="7"), mark(1, "a")),
            Acceptance(entry(2), succeeds, insert(COURSES, ID="7"), emit=lambda _, __: [emission(2)]),
            Acceptance(entry(3), waits, job=event_job(3), mark=mark(3, "c"), starts=(start(3),)),
            Acceptance(entry(4), fails, mark=mark(4, "d")),
        ]

        turned = await store.turn(_with(turn, *items))

        assert ["7|1", "7|2", "", ""] == [one.effect.key if one.effect else "" for one in turned.accepted]
        found = [await store.get_event(event_id(n)) for n in (1, 2, 3, 4)]
        expected = [State.SUCCEEDED, State.SUCCEEDED, State.WORKING, State.FAILED]
        assert expected == [one.state for one in found if one]
        marks = [await store.find_mark("courses", key, NOW) for key in ("a", "c", "d")]
        assert [event_id(1), event_id(3), None] == [one and one.event_id for one in marks]
        assert ([3], [event_id(2)]) == (await runs(store), [one.id for one in await store.list_events_out(9)])
        payload = await store.get_payload(event_id(2))
        assert payload is not None
        assert entry(2).body == payload.body

    async def test_repeats_within_one_turn(self, store: Store) -> None:
        """A conflict of one item, with what is there or with another of its turn, keeps none of the others."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1, "a")))
        turn = await _poll(store)
        keys = {2: "a", 3: "b", 4: "b", 5: "c"}
        effect = insert(COURSES, ID="7")

        turned = await store.turn(
            _with(turn, *(Acceptance(entry(n), succeeds, effect, mark(n, key)) for n, key in keys.items()))
        )

        conflicts = [one.conflict.event_id if one.conflict else "" for one in turned.accepted]
        assert [event_id(1), "", event_id(3), ""] == conflicts
        assert [None, None] == [turned.accepted[place].settlement for place in (0, 2)]
        assert [event_id(5), event_id(3), event_id(1)] == await _events(store)
        assert 2 == await store.count_records(COURSES.name)
        assert {"cursor": "9"} == await store.get_kept("polls", "lms")

    async def test_a_failed_item_frees_its_key_for_the_next(self, store: Store) -> None:
        """Items are written one after the other: the key of one that failed is free for the next of its turn."""
        turn = await _poll(store)
        items = [Acceptance(entry(n), settle, mark=mark(n)) for n, settle in ((1, fails), (2, succeeds))]

        turned = await store.turn(_with(turn, *items))

        assert [None, None] == [one.conflict for one in turned.accepted]
        held = await store.find_mark("courses", "k1", NOW)
        assert held is not None
        assert event_id(2) == held.event_id

    async def test_an_item_that_cannot_be_written(self, store: Store) -> None:
        """Where one item raises, its turn is as if it had not been: no item, no cursor, and the lease stands."""
        await journal(store, 1)
        turn = await _poll(store)
        items = [Acceptance(entry(n), succeeds, insert(COURSES, ID="7"), mark(n, f"k{n}")) for n in (2, 1, 3)]

        [refused] = await asyncio.gather(store.turn(_with(turn, *items)), return_exceptions=True)

        assert isinstance(refused, Conflict)
        assert ([event_id(1)], 0) == (await _events(store), await store.count_records(COURSES.name))
        assert {} == await store.get_kept("polls", "lms")
        assert await store.find_mark("courses", "k2", NOW) is None
        assert (await store.turn(_with(turn, items[0]))).held

    async def test_items_under_a_lost_lease(self, store: Store) -> None:
        """Of a poll that another node took over not one item comes in, and its cursor stays."""
        turn = await _poll(store)
        await store.cancel(POLLS, "lms")

        assert Turned(held=False) == await store.turn(_with(turn, Acceptance(entry(1), succeeds)))

        assert [] == await _events(store)
        assert {} == await store.get_kept("polls", "lms")

    async def test_polls_at_once(self, store: Store) -> None:
        """Polls that find the same items at the same moment bring each of them in once."""
        turns = [await _poll(store, f"p{n}") for n in range(8)]
        given = [
            _with(turn, *(Acceptance(entry(n * 100 + k), succeeds, mark=mark(n, f"k{k}")) for k in range(20)))
            for n, turn in enumerate(turns)
        ]

        told = await asyncio.gather(*(store.turn(one) for one in given))

        accepted = [one for turned in told for one in turned.accepted]
        assert (20, 140) == (
            len([one for one in accepted if one.conflict is None]),
            len([one for one in accepted if one.conflict]),
        )
        assert 20 == len(await _events(store))

    async def test_who_observes_hears_of_turns(self, store: Store) -> None:
        """Whoever observes the journal hears of items that came in and of the event that ended, and how it stood."""
        turn = await _poll(store)
        await store.accept(Acceptance(entry(1), waits))
        heard: list[tuple[str, str, str]] = []
        store.observe(_noting(heard))
        ending = EventEnd(event_id(1), FAILURE, NOW + 9)

        await store.turn(_with(turn, Acceptance(entry(2), succeeds), event=ending))

        assert {("accept", event_id(2), "succeeded"), ("finish", event_id(1), "failed, was working")} == set(
            heard
        )
        assert 2 == len(heard)


async def _poll(store: Store, name: str = "lms") -> Leased:
    """A leased poll."""
    await join(store, "n1")
    await put(store, Job(POLLS, name, lane=name))
    [leased] = await store.lease(POLLS, "n1", HOUR, 9, name)
    return leased


def _with(leased: Leased, *items: Acceptance, event: EventEnd | None = None) -> Turn:
    """A turn of a poll that found these, and keeps its cursor."""
    again = structs.replace(leased.job, delay=LATER)
    kept = Kept("polls", leased.job.id, "cursor", "9")
    end = TurnEnd(again=again, accepts=items, kept=(kept,), event=event)
    return Turn(leased.lease, lambda _: end)


def _noting(heard: list[tuple[str, str, str]]) -> Callable[[Acceptance | Finish, Committed], None]:
    """A listener that writes down what it hears."""

    def note(unit: Acceptance | Finish, committed: Committed) -> None:
        assert committed.settlement is not None
        state = committed.settlement.state.value
        was = f", was {committed.before.state.value}" if committed.before else ""
        named = ("accept", unit.entry.id) if isinstance(unit, Acceptance) else ("finish", unit.event_id)
        heard.append((*named, f"{state}{was}"))

    return note


async def _events(store: Store) -> list[str]:
    return [one.id for one in (await store.list_events(EventFilter(), 200)).items]
