"""Unknown outcomes: found is done, none is believed only in time and with a marker, everything else is a person's."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hookstation.core.answers import LONGEST_ERROR
from hookstation.core.events import State
from hookstation.core.jobs import JobState, StoredJob
from hookstation.engine.execute import FIRST_LOOK_UP
from hookstation.engine.settle import BROKE, DOUBLED, LEFT_TO_A_PERSON, LONGEST_PAUSE, UNDER_WAY
from hookstation.engine.unfinished import CALL_LEASE, read_unfinished
from hookstation.errors import NeedsAuth, Retriable, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import Engine, engine, webhook

SETTLE_AFTER = 300.0
MARKED, PLAIN = webhook("marked", "far", marked=True), webhook("plain", "far")


def found(*keys: str) -> LookUp:
    return LookUp(LookUpVerdict.FOUND if len(keys) == 1 else LookUpVerdict.SEVERAL, keys)


async def lost(bench: Engine, name: str = "marked") -> None:
    """A call whose outcome is not known."""
    bench.far.outcomes.append(UnknownOutcome("the answer did not come"))
    assert 202 == (await bench.post(name, {"id": "7"})).status


async def state(bench: Engine) -> State:
    return (await bench.last()).state


async def job(bench: Engine) -> StoredJob:
    found = await bench.job()
    assert found is not None
    return found


async def test_nothing_is_asked_before_its_time() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.settle_after(FIRST_LOOK_UP - 0.001)
        assert [] == bench.far.looked_up
        await bench.settle_after(0.001)
        assert 1 == len(bench.far.looked_up)


@pytest.mark.parametrize("name", ["marked", "plain"])
async def test_a_record_that_is_found_is_this_events(name: str) -> None:
    async with engine(MARKED, PLAIN) as bench:
        await lost(bench, name)
        bench.far.found.append(found("41"))
        await bench.settle_after(FIRST_LOOK_UP)
        event = await bench.last()
        assert (State.SUCCEEDED, "41", 200, None) == (
            event.state,
            event.record_key,
            event.answer_status,
            await bench.job(),
        )
        assert 1 == len(bench.far.executed)
        [line] = bench.log.told("settled")
        assert (event.id, "41") == (line["event_id"], line["record_key"])


async def test_the_look_up_asks_for_what_was_sent_and_not_for_what_todays_mapping_makes() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.apply(webhook("marked", "far", marked=True, fields={"Note": "another"}))
        await bench.settle_after(FIRST_LOOK_UP)
        assert [(bench.far.executed[0], "SOURCE_CODE")] == bench.far.looked_up


async def test_none_is_believed_at_settle_after_to_the_moment() -> None:
    """Until then it may still land; at that moment, not a pause later, it is sent again."""
    async with engine(MARKED) as bench:
        await lost(bench)
        running = asyncio.ensure_future(bench.worker.run())
        await bench.clock.advance(SETTLE_AFTER - 0.001)
        assert (State.UNKNOWN, 1) == (await state(bench), len(bench.far.executed))
        asked = len(bench.far.looked_up)
        await bench.clock.advance(0.001)
        assert (State.SUCCEEDED, 2, asked + 1) == (
            await state(bench),
            len(bench.far.executed),
            len(bench.far.looked_up),
        )
        running.cancel()


async def test_the_last_look_up_is_due_when_none_may_be_believed() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        since = bench.clock.now()
        dues = []
        for _ in range(30):
            one = await job(bench)
            dues.append(one.due_at)
            if one.due_at >= since + SETTLE_AFTER * 1_000_000:
                break
            await bench.settle_after((one.due_at - bench.clock.now()) / 1_000_000)
        assert since + int(SETTLE_AFTER * 1_000_000) == dues[-1]
        pauses = [later - earlier for earlier, later in itertools.pairwise(dues)]
        assert pauses[:-1] == sorted(pauses[:-1])
        assert max(pauses) <= LONGEST_PAUSE * 1_000_000


async def test_what_surely_was_not_written_is_sent_again_exactly_once() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.settle_after(SETTLE_AFTER)
        first, again = bench.far.executed
        event = await bench.last()
        assert first == again
        assert (State.SUCCEEDED, 2) == (event.state, event.attempts)
        for _ in range(3):
            await bench.settle_after(SETTLE_AFTER)
        assert 2 == len(bench.far.executed)


async def test_a_second_sending_whose_outcome_is_unknown_too_is_looked_up_anew() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        bench.far.outcomes.append(UnknownOutcome("again"))
        await bench.settle_after(SETTLE_AFTER)
        one = (await job(bench)).job
        assert (State.UNKNOWN, bench.clock.now(), 0) == (
            await state(bench),
            read_unfinished(one).since,
            one.tries,
        )
        bench.far.found.append(found("8"))
        await bench.settle_after(FIRST_LOOK_UP)
        assert (State.SUCCEEDED, 2) == (await state(bench), len(bench.far.executed))


async def test_the_intent_to_send_again_is_committed_before_the_call() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.settle_after(SETTLE_AFTER)
        one = await job(bench)
        assert (State.SENDING, JobState.LEASED, bench.membership.node_id) == (
            await state(bench),
            one.state,
            one.node,
        )
        gate.set_result(Written("5"))
        await bench.clock.settle()
        assert State.SUCCEEDED is await state(bench)


async def test_without_a_marker_none_is_left_to_a_person_and_never_sent_again() -> None:
    async with engine(PLAIN) as bench:
        await lost(bench, "plain")
        await bench.settle_after(SETTLE_AFTER)
        event = await bench.last()
        assert (State.UNKNOWN, LEFT_TO_A_PERSON, None) == (event.state, event.error, await bench.job())
        assert [event.id] == [line["event_id"] for line in bench.log.told("left_to_a_person")]
        await bench.settle_after(10 * SETTLE_AFTER)
        assert (1, 1) == (len(bench.far.executed), len(bench.far.looked_up))


async def test_without_a_marker_several_are_left_to_a_person() -> None:
    async with engine(PLAIN) as bench:
        await lost(bench, "plain")
        bench.far.found.extend([found("1", "2"), found("1", "2")])
        await bench.settle_after(FIRST_LOOK_UP)
        assert (State.UNKNOWN, True) == (await state(bench), await bench.job() is not None)
        await bench.settle_after(SETTLE_AFTER)
        assert (State.UNKNOWN, None) == (await state(bench), await bench.job())


async def test_with_a_marker_several_are_a_double_that_is_left_to_a_person_at_once() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        bench.far.found.append(found("31", "32"))
        await bench.settle_after(FIRST_LOOK_UP)
        event = await bench.last()
        assert (State.UNKNOWN, DOUBLED.format(keys="31, 32"), None) == (
            event.state,
            event.error,
            await bench.job(),
        )
        assert [event.id] == [line["event_id"] for line in bench.log.told("left_to_a_person")]
        await bench.settle_after(10 * SETTLE_AFTER)
        assert (1, 1) == (len(bench.far.executed), len(bench.far.looked_up))


async def test_the_keys_of_a_double_are_capped_in_length() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        bench.far.found.append(found(*(f"{number:064}" for number in range(50))))
        await bench.settle_after(FIRST_LOOK_UP)
        assert LONGEST_ERROR >= len((await bench.last()).error)


async def test_without_a_marker_a_record_of_another_event_is_not_this_events() -> None:
    async with engine(PLAIN) as bench:
        bench.far.outcomes.append(Written("41"))
        await bench.post("plain", {"id": "7"})
        await lost(bench, "plain")
        bench.far.found.extend([found("41"), found("41", "42")])
        await bench.settle_after(FIRST_LOOK_UP)
        assert State.UNKNOWN is await state(bench)
        await bench.settle_after(LONGEST_PAUSE)
        assert (State.SUCCEEDED, "42") == (await state(bench), (await bench.last()).record_key)


@pytest.mark.parametrize("refusal", [Retriable("off-line"), NeedsAuth("password changed")])
async def test_a_target_that_cannot_be_asked_is_asked_again_for_as_long_as_it_takes(
    refusal: Exception,
) -> None:
    """Time alone proves nothing: only an answer does."""
    async with engine(MARKED) as bench:
        await lost(bench)
        for _ in range(12):
            bench.far.found.append(refusal)
            await bench.settle_after(LONGEST_PAUSE)
        event = await bench.last()
        assert (State.UNKNOWN, str(refusal), 1) == (event.state, event.error, len(bench.far.executed))
        bench.far.found.append(found("3"))
        await bench.settle_after(LONGEST_PAUSE)
        assert State.SUCCEEDED is await state(bench)


async def test_a_webhook_deleted_meanwhile_keeps_its_events_from_being_lost() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.configurator.delete("webhook", "marked")
        await bench.settle_after(SETTLE_AFTER)
        assert (State.SUCCEEDED, 2) == (await state(bench), len(bench.far.executed))


async def test_an_event_whose_connection_is_gone_waits_until_it_is_back() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.configurator.delete("webhook", "marked")
        await bench.configurator.delete("connection", "far")
        await bench.settle_after(SETTLE_AFTER)
        assert (State.UNKNOWN, "The connection “far” is not configured any more.") == (
            await state(bench),
            (await bench.last()).error,
        )
        await bench.apply(MARKED, connections=[{"name": "far", "type": "scripted", "url": "http://target"}])
        bench.far.found.append(found("3"))
        await bench.settle_after(LONGEST_PAUSE)
        assert State.SUCCEEDED is await state(bench)


async def test_a_call_that_outlives_its_lease_is_let_be_while_its_process_carries_it_out() -> None:
    """Then it is looked up, since what its process says of it comes under a lease that is over."""
    async with engine(webhook("away", "far", limits={"time": "0.01s"})) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.post("away", {"id": "7"})
        await bench.settle_after(CALL_LEASE)
        await bench.membership.beat()
        await bench.membership.reap()
        await bench.settle_after(0)
        assert (State.SENDING, bench.clock.now() + int(UNDER_WAY * 1_000_000)) == (
            await state(bench),
            (await job(bench)).due_at,
        )
        gate.set_result(Written("5"))
        await bench.clock.settle()
        assert (State.SENDING, []) == (await state(bench), bench.far.looked_up)
        bench.far.found.append(found("5"))
        await bench.settle_after(UNDER_WAY)
        event = await bench.last()
        assert (State.SUCCEEDED, "5", 1) == (event.state, event.record_key, event.attempts)


async def test_what_a_dead_process_left_is_looked_up() -> None:
    async with engine(webhook("away", "far", marked=True, limits={"time": "0.01s"})) as bench:
        bench.far.outcomes.append(asyncio.get_running_loop().create_future())
        await bench.post("away", {"id": "7"})
        await bench.dies()
        await bench.is_born()
        bench.far.found.append(found("12"))
        await bench.settle_after(0)
        assert (State.SUCCEEDED, "12") == (await state(bench), (await bench.last()).record_key)


async def test_a_look_up_that_breaks_is_put_off_and_holds_up_no_other() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        await lost(bench)
        bench.far.found.extend([ValueError("our own mistake"), found("2")])
        await bench.settle_after(FIRST_LOOK_UP)
        first, second = await bench.events()
        assert [(State.UNKNOWN, BROKE), (State.SUCCEEDED, "")] == [
            (first.state, first.error),
            (second.state, second.error),
        ]
        bench.far.found.append(found("1"))
        await bench.settle_after(LONGEST_PAUSE)
        assert State.SUCCEEDED is (await bench.events())[0].state


async def test_a_database_that_cannot_commit_leaves_the_work_to_be_done() -> None:
    async with engine(MARKED) as bench:
        await lost(bench)
        bench.far.found.extend([found("1"), found("1")])
        running = asyncio.ensure_future(bench.worker.run())
        bench.store.unavailable = "full"
        await bench.clock.advance(FIRST_LOOK_UP + 10)
        bench.store.unavailable = ""
        assert State.UNKNOWN is await state(bench)
        await bench.clock.advance(LONGEST_PAUSE)
        assert State.SUCCEEDED is await state(bench)
        running.cancel()


async def test_an_event_that_ended_meanwhile_is_passed_over() -> None:
    """A person replayed it in the meantime."""
    async with engine(MARKED) as bench:
        await lost(bench)
        await bench.replay.replay((await bench.last()).id, again=True)
        await bench.settle_after(SETTLE_AFTER)
        assert ([], 2) == (bench.far.looked_up, len(bench.far.executed))
