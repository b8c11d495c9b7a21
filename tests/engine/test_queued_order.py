"""What waits for its work: its order, what becomes of a poison event, and what a person does with it."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.core.events import State
from hookstation.core.jobs import EVENTS, JobState
from hookstation.engine.dashboard import Backlog
from hookstation.engine.waiting_room import Kind, WaitingRoom
from hookstation.errors import Conflict, NeedsAuth, NotFound
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from hookstation.ports.store import EventFilter
from tests.support.engine import FAR, connection, engine, webhook
from tests.support.queued import AFAR, AWAY, LOST, NO, ORDERED, queued, states, status, told


class TestOrder:
    async def test_events_of_one_key_go_one_after_the_other_and_other_keys_pass_by(self) -> None:
        async with engine(ORDERED) as bench, bench.working():
            bench.far.outcomes += [slow := asyncio.get_running_loop().create_future()]
            for person in "112":
                await bench.post("ordered", {"id": person, "note": person})
            await bench.clock.settle()
            assert ["1", "2"] == [record.fields["ID"] for record in bench.far.executed]
            slow.set_result(Written("1"))
            await bench.clock.settle()
            assert ["1", "2", "1"] == [record.fields["ID"] for record in bench.far.executed]

    async def test_a_poison_event_is_held_at_the_head_of_its_key_with_one_alert(self) -> None:
        async with engine(ORDERED) as bench, bench.working():
            bench.far.outcomes += [NO]
            for person in "112":
                await bench.post("ordered", {"id": person})
            await bench.clock.advance(3600)
            assert ["held", "working", "succeeded"] == await states(bench)
            assert [("1", "ordered")] == [
                (line["key"], line["webhook"]) for line in bench.log.told("key_parked")
            ]
            first, second, _ = await bench.events()
            assert (1, "queued") == (first.attempts, (await status(bench, second))["status"])
            await bench.remedies.run_again.retry(first.id, "Ada")
            await bench.clock.settle()
            assert ["succeeded"] * 3 == await states(bench)

    async def test_cancelling_the_parked_one_lets_the_next_go(self) -> None:
        async with engine(ORDERED) as bench, bench.working():
            bench.far.outcomes += [NO]
            for person in "11":
                await bench.post("ordered", {"id": person})
            await bench.clock.settle()
            first, _ = await bench.events()
            await bench.remedies.cancel.cancel(first.id, "Ada")
            await bench.clock.settle()
            assert ["failed", "succeeded"] == await states(bench)
            assert [] == bench.log.told("holding_ended")

    async def test_skip_lets_the_others_pass_and_tries_on(self) -> None:
        rule = {"order": "$$id$$", "poison": "skip", "skip_after": 1}
        async with engine(queued("ordered", work=rule)) as bench, bench.working():
            bench.far.outcomes += [AWAY]
            for person in "11":
                await bench.post("ordered", {"id": person})
            await bench.clock.settle()
            assert ["working", "succeeded"] == await states(bench)
            await bench.clock.advance(10)
            assert ["succeeded", "succeeded"] == await states(bench)

    async def test_drop_gives_it_up_and_the_next_goes(self) -> None:
        rule = {"order": "$$id$$", "poison": "drop"}
        async with engine(queued("ordered", work=rule)) as bench, bench.working():
            bench.far.outcomes += [NO]
            for person in "11":
                await bench.post("ordered", {"id": person})
            await bench.clock.settle()
            assert ["failed", "succeeded"] == await states(bench)

    async def test_an_unknown_outcome_that_nobody_can_settle_parks_its_key(self) -> None:
        unmarked = queued("ordered", marked=False, work={"order": "$$id$$"})
        async with engine(unmarked) as bench, bench.working():
            bench.far.outcomes += [LOST]
            for person in "11":
                await bench.post("ordered", {"id": person})
            await bench.clock.advance(600)
            assert ["unknown", "working"] == await states(bench)
            first, _ = await bench.events()
            shown = await status(bench, first)
            assert (200, "unknown") == (shown["code"], shown["status"])
            await bench.remedies.resolve.written(first.id, "7", "Ada")
            await bench.clock.settle()
            assert ["succeeded", "succeeded"] == await states(bench)


class TestCancel:
    async def test_what_waits_is_cancelled_at_once(self) -> None:
        async with engine(AFAR) as bench:
            await bench.post("queued", {"id": "1"})
            event = await bench.last()
            await bench.remedies.cancel.cancel(event.id, "Ada")
            async with bench.working():
                await bench.clock.settle()
            shown = await status(bench)
            assert (200, "cancelled", None, []) == (
                shown["code"],
                shown["status"],
                shown["started_at"],
                bench.far.executed,
            )

    async def test_what_is_leased_already_is_cancelled_too(self) -> None:
        async with engine(AFAR) as bench:
            await bench.post("queued", {"id": "1"})
            [leased] = await bench.waiting.lease("queued", 1, 0)
            await bench.remedies.cancel.cancel((await bench.last()).id, "Ada")
            await bench.waiting.do(leased)
            assert (["failed"], []) == (await states(bench), bench.far.executed)

    @pytest.mark.parametrize(
        ("found", "state", "word"),
        [
            ([LookUp(LookUpVerdict.FOUND, ["9"])], State.SUCCEEDED, "succeeded"),
            ([], State.FAILED, "cancelled"),
        ],
    )
    async def test_one_under_way_is_taken_from_its_worker_looked_up_and_never_sent_again(
        self, found: list[LookUp], state: State, word: str
    ) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [call := asyncio.get_running_loop().create_future()]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            taken = await bench.remedies.cancel.cancel((await bench.last()).id, "Ada")
            assert State.UNKNOWN is taken.state
            call.set_result(Written("5"))
            await bench.clock.settle()
            assert ["unknown"] == await states(bench)
            bench.far.found += found
            await bench.clock.advance(bench.far.settle_after + 60)
            event = await bench.last()
            assert (state, word, 1) == (
                event.state,
                (await status(bench))["status"],
                len(bench.far.executed),
            )


class TestManyNodes:
    async def test_a_person_at_another_node_takes_it_from_the_one_that_sends_it(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            other = await bench.another_node()
            bench.far.outcomes += [call := asyncio.get_running_loop().create_future()]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            await other.remedies.cancel.cancel((await bench.last()).id, "Ada")
            call.set_result(Written("5"))
            bench.far.found.append(LookUp(LookUpVerdict.FOUND, ["5"]))
            async with other.working():
                await bench.clock.advance(10)
            assert (["succeeded"], 1) == (await states(bench), len(bench.far.executed))

    async def test_they_keep_the_order_and_the_number_that_may_be_at_work(self) -> None:
        narrow = queued("ordered", work={"order": "$$id$$", "concurrency": 2})
        async with engine(narrow) as bench, bench.working():
            other = await bench.another_node()
            async with other.working():
                gates = [asyncio.get_running_loop().create_future() for _ in range(6)]
                bench.far.outcomes += gates
                for number, person in enumerate("112233"):
                    await bench.post("ordered", {"id": person, "note": str(number)})
                most = 0
                for gate in gates:
                    await bench.clock.advance(1)
                    under_way = sum(state == "sending" for state in await states(bench))
                    most = max(most, under_way)
                    gate.set_result(Written("1"))
                await bench.clock.advance(2)
            assert (["succeeded"] * 6, 2) == (await states(bench), most)
            events = await bench.events()
            assert all(
                one.settled_at <= other.started_at
                for one, other in zip(events[::2], events[1::2], strict=True)
            )


class TestRunAgain:
    async def test_what_waits_for_its_next_try_is_tried_now_with_all_tries_before_it(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [AWAY]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            await bench.remedies.run_again.retry((await bench.last()).id, "Ada")
            await bench.clock.settle()
            assert (["succeeded"], 2) == (await states(bench), len(bench.far.executed))
            assert ["Ada"] == [line["by"] for line in bench.log.told("event_retried")]

    async def test_what_is_at_work_or_done_is_left_alone(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [call := asyncio.get_running_loop().create_future()]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            event = await bench.last()
            with pytest.raises(Conflict):
                await bench.remedies.run_again.retry(event.id, "Ada")
            call.set_result(Written("1"))
            await bench.clock.settle()
            with pytest.raises(Conflict):
                await bench.remedies.run_again.retry(event.id, "Ada")
            with pytest.raises(NotFound):
                await bench.remedies.run_again.retry("nobody", "Ada")

    async def test_a_dead_letter_is_replayed(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [NO]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            await bench.remedies.run_again.retry((await bench.last()).id, "Ada")
            await bench.clock.settle()
            assert ["succeeded"] == await states(bench)

    async def test_an_unknown_outcome_is_looked_up_now(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [LOST]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(10)
            looked, event = len(bench.far.looked_up), await bench.last()
            await bench.remedies.run_again.retry(event.id, "Ada")
            await bench.clock.settle()
            assert (looked + 1, ["unknown"]) == (len(bench.far.looked_up), await states(bench))

    async def test_all_dead_letters_of_a_webhook_go_back_to_their_places(self) -> None:
        async with engine(AFAR) as bench:
            bench.far.outcomes += [NO] * 3
            for person in "123":
                await bench.post("queued", {"id": person})
            async with bench.working():
                await bench.clock.settle()
            assert ["failed"] * 3 == await states(bench)
            await bench.remedies.many.begin(EventFilter("queued", frozenset({State.FAILED})), "Ada")
            while await bench.replays.take():
                await bench.clock.settle()
            assert ["working"] * 3 == await states(bench)
            async with bench.working():
                await bench.clock.settle()
            assert ["succeeded"] * 3 == await states(bench)


class TestAtAGlance:
    async def test_what_waits_is_parked_or_was_given_up_is_counted(self) -> None:
        dropped = queued("dropped")
        async with engine(ORDERED, dropped, AFAR) as bench:
            bench.far.outcomes += [NO, NO]
            await bench.post("ordered", {"id": "1"})
            await bench.post("dropped", {"id": "1"})
            async with bench.working():
                await bench.clock.settle()
            await bench.post("queued", {"id": "1"})
            await bench.tallying.tell()
            assert Backlog(waiting=1, parked=1, dead=1) == (await bench.glance.dashboard()).backlog

    async def test_runs_are_listed_by_what_they_wait_for(self) -> None:
        kinds = ("parked", "dead", "waiting", "succeeded", "all")
        async with engine(ORDERED, queued("plain")) as bench, bench.working():
            bench.far.outcomes += [NO, NO]
            await bench.post("ordered", {"id": "1"})
            await bench.clock.settle()
            await bench.post("plain", {"id": "2"})
            await bench.clock.settle()
            await bench.post("plain", {"id": "3"})
            await bench.clock.settle()
            room = WaitingRoom(bench.store)
            listed = {kind: (await room.list("", Kind(kind), 50))[0] for kind in kinds}
            assert {"parked": 1, "dead": 1, "waiting": 1, "succeeded": 1, "all": 3} == {
                kind: len(found) for kind, found in listed.items()
            }
            [parked] = listed["parked"]
            assert ("1", True, 0, "queued") == (parked.order, parked.parked, parked.due_at, parked.status)
            shown = await room.show(parked.event.run_id)
            assert parked == shown == await room.show(parked.event.id)
            with pytest.raises(NotFound):
                await room.show("nobody")


class TestHolding:
    HOLDS = queued(hold=True, work={"concurrency": 5})

    async def test_while_the_target_is_away_its_lane_rests_and_no_try_is_used_up(self) -> None:
        async with engine(self.HOLDS) as bench, bench.working():
            bench.far.outcomes += [AWAY] * 12
            for person in range(20):
                await bench.post("queued", {"id": str(person)})
            await bench.clock.advance(60)
            assert 5 + 7 == len(bench.far.executed)
            assert {"held", "working"} == set(await states(bench))
            await bench.clock.advance(60)
            assert ["succeeded"] * 20 == await states(bench)

    async def test_a_changed_connection_is_tried_at_once(self) -> None:
        async with engine(self.HOLDS) as bench, bench.working():
            bench.far.outcomes += [NeedsAuth("no")] * 20
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(70)
            bench.far.outcomes.clear()
            assert ["held"] == await states(bench)
            await bench.apply(connections=[connection(password="new")])
            await bench.clock.advance(1)
            assert ["succeeded"] == await states(bench)


class TestChanges:
    async def test_a_paused_webhook_keeps_what_it_has_and_goes_on_when_it_is_active_again(self) -> None:
        async with engine(AFAR) as bench:
            await bench.post("queued", {"id": "1"})
            await bench.apply(queued(state="paused"), connections=FAR)
            async with bench.working():
                await bench.clock.advance(30)
                assert ["working"] == await states(bench)
                refused = await bench.post("queued", {"id": "2"})
                assert (503, True) == (refused.status, told(refused)["error"])
                await bench.apply(AFAR, connections=FAR)
                await bench.clock.advance(1)
                assert "succeeded" == (await states(bench))[0]

    @pytest.mark.parametrize("state", ["disabled", "archived"])
    async def test_what_a_closed_webhook_acknowledged_is_still_done(self, state: str) -> None:
        async with engine(AFAR) as bench:
            await bench.post("queued", {"id": "1"})
            await bench.apply(queued(state=state), connections=FAR)
            async with bench.working():
                await bench.clock.settle()
            assert ["succeeded"] == await states(bench)

    async def test_what_a_deleted_webhook_left_fails_with_the_reason_and_can_be_replayed(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            await bench.apply(AFAR, connections=FAR)
            await bench.post("queued", {"id": "1"})
            await bench.apply(connections=FAR, prune=True)
            await bench.clock.advance(1)
            event = await bench.last()
            assert (State.FAILED, "gave_up", 0) == (event.state, event.reason, event.attempts)
            assert event.error.startswith("The webhook “queued” was deleted while this event waited")
            await bench.apply(AFAR, connections=FAR)
            await bench.replay.replay(event.id)
            await bench.clock.settle()
            assert ["succeeded"] == await states(bench)

    async def test_after_a_change_of_mode_what_was_acknowledged_is_done(self) -> None:
        async with engine(AFAR) as bench:
            await bench.post("queued", {"id": "1"})
            await bench.apply(webhook("queued", "far", marked=True), connections=FAR)
            async with bench.working():
                await bench.clock.settle()
            assert {"success": True} == told(await bench.post("queued", {"id": "2"}))
            assert ["succeeded", "succeeded"] == await states(bench)

    async def test_without_its_connection_an_event_is_tried_by_its_plan(self) -> None:
        async with engine(AFAR, connections=FAR) as bench:
            await bench.post("queued", {"id": "1"})
            [job] = await bench.store.list_jobs(EVENTS, "", 10)
            assert (JobState.READY, "queued") == (job.state, job.job.lane)
