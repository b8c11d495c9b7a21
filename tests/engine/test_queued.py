"""Modes `queued` and `poll`: acknowledged when event and work are safe, done afterwards, by the webhook's rules."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.core.events import State
from hookstation.core.values import JSON
from hookstation.errors import Busy
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import PANEL, engine, upsert, webhook
from tests.support.queued import AFAR, AWAY, HERE, LOST, NO, ORDERED, PLAN, queued, states, status, told


class TestAcceptance:
    async def test_the_answer_comes_before_the_work_and_the_work_follows(self) -> None:
        async with engine(HERE) as bench:
            answer = await bench.post("here", {"id": "1"})
            event = await bench.last()
            assert (200, {"error": False, "id": event.run_id, "queueTime": told(answer)["queueTime"]}) == (
                answer.status,
                told(answer),
            )
            assert (State.WORKING, 0, []) == (event.state, event.attempts, await bench.records())
            async with bench.working():
                await bench.clock.settle()
            event = await bench.last()
            assert (State.SUCCEEDED, 1, ["1"]) == (
                event.state,
                event.attempts,
                [record["ID"] for record in await bench.records()],
            )
            assert await bench.job() is None

    async def test_a_target_elsewhere_is_called_once_after_the_answer(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            assert ["1"] == [record.fields["ID"] for record in bench.far.executed]
            event = await bench.last()
            assert (State.SUCCEEDED, 1) == (event.state, event.attempts)
            assert [State.SUCCEEDED] == [one.state for one in await bench.store.list_attempts(event.id)]

    async def test_what_does_not_fit_is_refused_before_the_answer_in_the_shape_of_the_mode(self) -> None:
        async with engine(HERE) as bench:
            answer = await bench.post("here", {"id": 5})
            body = told(answer)
            assert (400, True) == (answer.status, body["error"])
            assert body["message"] == "Invalid JSON body: " + body["validationErrors"][0]
            assert ["/id"] == [error["path"] for error in body["errors"]]
            assert ["rejected"] == await states(bench)

    @pytest.mark.parametrize(("body", "reason"), [({"id": 5}, "schema"), ({"note": "x"}, "mapping")])
    async def test_checked_later_it_is_acknowledged_and_stands_failed(self, body: JSON, reason: str) -> None:
        async with engine(queued("later", check="later")) as bench:
            answer = await bench.post("later", body)
            event = await bench.last()
            assert (200, False, event.run_id) == (answer.status, told(answer)["error"], told(answer)["id"])
            assert (State.FAILED, reason) == (event.state, event.reason)
            shown = await status(bench)
            assert (200, "failed", event.error) == (shown["code"], shown["status"], shown["error"])

    async def test_what_is_not_json_is_never_acknowledged(self) -> None:
        async with engine(queued("later", check="later")) as bench:
            answer = await bench.post("later", b"{")
            assert (400, True) == (answer.status, told(answer)["error"])
            assert told(answer)["message"].startswith("Invalid JSON body: ")

    async def test_an_acknowledgement_may_be_202_and_without_a_body(self) -> None:
        async with engine(queued(acknowledge=202, omit_body=True)) as bench:
            answer = await bench.post("queued", {"id": "1"})
            assert (202, b"") == (answer.status, answer.body)

    async def test_a_sender_that_prefers_not_to_wait_gets_the_answer_of_poll(self) -> None:
        patient = webhook("patient", "records", respond_async=True)
        async with engine(patient) as bench:
            answer = await bench.post("patient", {"id": "1"}, prefer="wait=5, Respond-Async; x=1")
            run_id = (await bench.last()).run_id
            assert (202, {"id": run_id, "status": "queued"}) == (answer.status, told(answer))
            headers = dict(answer.headers)
            assert (f"/hooks/runs/{run_id}", "respond-async") == (
                headers["Location"],
                headers["Preference-Applied"],
            )
            refused = await bench.post("patient", {"id": 5}, prefer="respond-async")
            assert (400, True) == (refused.status, told(refused)["error"])
            assert {"success": True} == told(await bench.post("patient", {"id": "2"}))

    async def test_a_webhook_that_does_not_allow_it_takes_no_notice_of_the_preference(self) -> None:
        async with engine(webhook()) as bench:
            assert {"success": True} == told(await bench.post("courses", {"id": "1"}, prefer="respond-async"))


class TestRuns:
    async def test_a_run_is_shown_from_the_queue_to_its_end(self) -> None:
        async with engine(queued(answer="poll")) as bench:
            bench.far.outcomes += [waiting := asyncio.get_running_loop().create_future()]
            answer = await bench.post("queued", {"id": "1"})
            assert (202, "queued") == ((shown := await status(bench))["code"], shown["status"])
            async with bench.working():
                await bench.clock.settle()
                assert (202, "running") == ((shown := await status(bench))["code"], shown["status"])
                waiting.set_result(Written("7"))
                await bench.clock.settle()
            shown = await status(bench)
            assert (200, "succeeded", {"success": True}) == (shown["code"], shown["status"], shown["result"])
            assert ["code", "id", "status", "result", "queued_at", "started_at", "ended_at"] == list(shown)
            assert dict(answer.headers)["Location"].endswith(shown["id"])

    async def test_one_that_was_given_up_says_why(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [NO]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            event = await bench.last()
            assert (State.FAILED, "gave_up") == (event.state, event.reason)
            shown = await status(bench)
            assert (200, "failed", NO.message) == (shown["code"], shown["status"], shown["error"])


class TestDuplicates:
    async def test_a_repeat_gets_the_same_acknowledgement_while_it_works_and_afterwards(self) -> None:
        async with engine(queued(duplicates={"key": "header:x-id"})) as bench:
            first = await bench.post("queued", {"id": "1"}, x_id="k")
            again = await bench.post("queued", {"id": "1"}, x_id="k")
            async with bench.working():
                await bench.clock.advance(5)
            later = await bench.post("queued", {"id": "1"}, x_id="k")
            assert (200, first.body) == (again.status, again.body) == (later.status, later.body)
            assert ["true", "true"] == [
                dict(answer.headers)["Hookstation-Replayed"] for answer in (again, later)
            ]
            other = await bench.post("queued", {"id": "2"}, x_id="k")
            assert (409, True, 1) == (other.status, told(other)["error"], len(bench.far.executed))

    async def test_one_that_failed_frees_its_key(self) -> None:
        async with engine(queued(duplicates={"key": "header:x-id"})) as bench, bench.working():
            bench.far.outcomes += [NO]
            await bench.post("queued", {"id": "1"}, x_id="k")
            await bench.clock.settle()
            await bench.post("queued", {"id": "2"}, x_id="k")
            await bench.clock.settle()
            assert ["failed", "succeeded"] == await states(bench)

    async def test_an_unknown_one_is_never_written_twice(self) -> None:
        async with engine(queued(duplicates={"key": "header:x-id"})) as bench, bench.working():
            bench.far.outcomes += [LOST]
            await bench.post("queued", {"id": "1"}, x_id="k")
            await bench.clock.settle()
            again = await bench.post("queued", {"id": "1"}, x_id="k")
            run_id = (await bench.last()).run_id
            assert (202, f"/hooks/runs/{run_id}") == (again.status, dict(again.headers)["Location"])

    async def test_a_repeat_in_mode_poll_gets_its_address_again(self) -> None:
        async with engine(queued(answer="poll", duplicates={"key": "header:x-id"})) as bench:
            first = await bench.post("queued", {"id": "1"}, x_id="k")
            again = await bench.post("queued", {"id": "1"}, x_id="k")
            assert (202, first.body) == (again.status, again.body)
            assert dict(first.headers)["Location"] == dict(again.headers)["Location"]


class TestUnknown:
    async def test_it_is_looked_up_under_the_same_job_and_its_key_waits(self) -> None:
        async with engine(ORDERED) as bench, bench.working():
            bench.far.outcomes += [LOST]
            bench.far.found += [LookUp(LookUpVerdict.FOUND, ["9"])]
            for _ in range(2):
                await bench.post("ordered", {"id": "1"})
            await bench.clock.settle()
            first, second = await bench.events()
            assert (State.UNKNOWN, State.WORKING, 1) == (first.state, second.state, len(bench.far.executed))
            await bench.clock.advance(2)
            first, second = await bench.events()
            assert (State.SUCCEEDED, "9", State.SUCCEEDED) == (first.state, first.record_key, second.state)

    async def test_what_surely_was_not_written_is_tried_again_by_the_plan(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [LOST]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(bench.far.settle_after + 60)
            await bench.clock.advance(60)
            event = await bench.last()
            assert (State.SUCCEEDED, 2, 2) == (event.state, event.attempts, len(bench.far.executed))
            kept = await bench.store.list_attempts(event.id)
            assert [State.FAILED, State.SUCCEEDED] == [one.state for one in kept]

    async def test_a_node_that_dies_while_it_sends_leaves_the_look_up_to_another(self) -> None:
        async with engine(AFAR) as bench:
            other = await bench.another_node()
            async with bench.working():
                bench.far.outcomes += [asyncio.get_running_loop().create_future()]
                await bench.post("queued", {"id": "1"})
                await bench.clock.settle()
                assert ["sending"] == await states(bench)
            await bench.dies()
            bench.far.found.append(LookUp(LookUpVerdict.FOUND, ["9"]))
            async with other.working():
                await bench.clock.advance(3)
            assert (["succeeded"], 1) == (await states(bench), len(bench.far.executed))


class TestTries:
    async def test_it_is_tried_by_its_plan_with_an_attempt_kept_for_each(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [AWAY, AWAY]
            await bench.post("queued", {"id": "1"})
            await bench.clock.settle()
            assert (1, ["working"]) == (len(bench.far.executed), await states(bench))
            await bench.clock.advance(9.999)
            assert 1 == len(bench.far.executed)
            await bench.clock.advance(0.001)
            assert 2 == len(bench.far.executed)
            await bench.clock.advance(20)
            event = await bench.last()
            assert (3, 3, State.SUCCEEDED) == (len(bench.far.executed), event.attempts, event.state)
            kept = await bench.store.list_attempts(event.id)
            assert [(1, State.FAILED), (2, State.FAILED), (3, State.SUCCEEDED)] == [
                (one.number, one.state) for one in kept
            ]
            assert AWAY.message == kept[0].error

    async def test_after_its_last_try_it_is_a_dead_letter_that_can_be_replayed(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [AWAY, AWAY, AWAY]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(30)
            event = await bench.last()
            assert (State.FAILED, "gave_up", 3) == (event.state, event.reason, event.attempts)
            assert 1 == len(bench.log.told("event_given_up"))
            replayed = await bench.replay.replay(event.id)
            assert (State.WORKING, event.run_id) == (replayed.state, replayed.run_id)
            await bench.clock.settle()
            event = await bench.last()
            assert (State.SUCCEEDED, 4, 4) == (event.state, event.attempts, len(bench.far.executed))

    async def test_jitter_spreads_the_pauses(self) -> None:
        async with engine(queued(work={"retry": {**PLAN, "jitter": "20%"}})) as bench, bench.working():  # type: ignore[dict-item]
            bench.luck = 1.0
            bench.far.outcomes += [AWAY]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(11.999)
            assert 1 == len(bench.far.executed)
            await bench.clock.advance(0.001)
            assert 2 == len(bench.far.executed)

    async def test_a_target_that_asks_us_to_wait_is_given_that_time(self) -> None:
        async with engine(AFAR) as bench, bench.working():
            bench.far.outcomes += [Busy("busy", seconds=60)]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(59)
            assert 1 == len(bench.far.executed)
            await bench.clock.advance(1)
            assert 2 == len(bench.far.executed)

    async def test_no_try_begins_after_its_time(self) -> None:
        async with engine(queued(work={"time": "12s"})) as bench, bench.working():
            bench.far.outcomes += [AWAY, AWAY]
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(10)
            event = await bench.last()
            assert (State.FAILED, 2) == (event.state, len(bench.far.executed))
            assert event.error.endswith("It is given up, since the webhook allows no more than 12 s for it.")

    async def test_one_that_waits_beyond_its_time_is_not_tried_at_all(self) -> None:
        async with engine(queued(work={"time": "12s"})) as bench:
            await bench.post("queued", {"id": "1"})
            await bench.clock.advance(12)
            async with bench.working():
                await bench.clock.settle()
            event = await bench.last()
            assert (State.FAILED, "gave_up", 0, []) == (
                event.state,
                event.reason,
                event.attempts,
                bench.far.executed,
            )

    async def test_a_refusal_is_tried_again_only_where_the_webhook_says_so(self) -> None:
        plan = {**PLAN, "on": ["refused"]}  # type: ignore[dict-item]
        async with engine(upsert("here", answer="queued", work={"retry": plan}), panels=[PANEL]) as bench:
            async with bench.working():
                await bench.post("here", {"id": "1", "note": "too long for it"})
                await bench.clock.settle()
            assert ["failed"] == await states(bench)

    async def test_no_more_are_at_work_than_the_webhook_says(self) -> None:
        async with engine(queued(work={"concurrency": 2})) as bench, bench.working():
            loop = asyncio.get_running_loop()
            gates = [loop.create_future() for _ in range(3)]
            bench.far.outcomes += gates
            for person in "123":
                await bench.post("queued", {"id": person})
            await bench.clock.settle()
            assert 2 == len(bench.far.executed)
            gates[0].set_result(Written("1"))
            await bench.clock.settle()
            assert 3 == len(bench.far.executed)
            for gate in gates[1:]:
                gate.set_result(Written("2"))
            await bench.clock.settle()
            assert ["succeeded"] * 3 == await states(bench)
