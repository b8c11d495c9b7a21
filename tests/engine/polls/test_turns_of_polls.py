"""What a turn is: items become events as if they had been posted, in one commit with how far the source was read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookstation.core.documents.poll import decode_poll
from hookstation.core.events import State
from hookstation.core.jobs import POLLS, JobState
from hookstation.core.polling.definitions import Poll
from hookstation.engine.polls import polling
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.ports.runs import RunFilter
from tests.support.polls import ACTION, LOOPBACK, WHO, PollBench, poll_bench
from tests.support.receiver import HANG, Answer, Receiver

HOUR = 3_600
SOURCE = {"type": "http", "connection": "lms", "path": "/done"}
BY_ID = {**SOURCE, "cursor": {"type": "field", "field": "id"}}
REFUSED = Answer(500, body=b"oops")


def items(*found: object) -> Answer:
    return Answer(200, body=json.dumps(found).encode())


def numbered(*numbers: int) -> Answer:
    return items(*({"id": number} for number in numbers))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver(numbered()) as one:
        yield one


@pytest.fixture
async def bench(tmp_path: Path, receiver: Receiver) -> AsyncIterator[PollBench]:
    lms = {"name": "lms", "type": "http", "url": receiver.url, "networks": LOOPBACK}
    async with poll_bench(tmp_path, lms) as one:
        yield one


async def told(bench: PollBench) -> list[str]:
    """The types of events that were raised for a destination, in their order."""
    page = await bench.station.store.list_deliveries(DeliveryFilter(), 100)
    return [one.type for one in reversed(page.items)]


async def due_in(bench: PollBench) -> float:
    """Seconds from now on until the poll looks by itself."""
    return (await bench.job()).due_at / 1e6 - bench.station.services.clock.now() / 1e6


async def test_an_item_that_does_not_fit_fails_alone(bench: PollBench, receiver: Receiver) -> None:
    """What breaks the schema or has no key is an event that has failed; the others are done."""
    receiver.usual = items({"id": 1, "no": "a"}, {"id": 2}, {"id": "three", "no": "c"}, {"id": 4, "no": "d"})
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    await bench.put(SOURCE, schema=schema, key="$$no$$")
    turn = await bench.look()
    states = [one.state for one in await bench.events()]
    assert [State.WORKING, State.FAILED, State.FAILED, State.WORKING] == states
    assert (4, 4, 2) == (turn.found, turn.accepted, await bench.waiting())
    assert ["", "mapping", "schema", ""] == [one.reason for one in await bench.events()]
    assert (0, 0) == ((await bench.look()).accepted, (await bench.look()).found)


async def test_items_go_one_after_the_other_where_they_share_an_order_key(
    bench: PollBench, receiver: Receiver
) -> None:
    """In the order in which the source has them, though all came in one turn."""
    receiver.usual = numbered(*range(20))
    await bench.put(SOURCE, work={"order": "same", "concurrency": 1})
    await bench.look()
    assert list(range(20)) == [(await bench.payload(one))["id"] for one in await bench.events()]


async def test_an_item_that_comes_several_times_is_one_event(bench: PollBench, receiver: Receiver) -> None:
    """In one answer, in a later one, and after a new beginning."""
    receiver.usual = items({"id": 1, "n": 1}, {"id": 1, "n": 2}, {"id": 2})
    await bench.put(BY_ID, key="$$id$$")
    assert 2 == (await bench.look()).accepted
    await bench.polls.reset("feed", "everything", WHO)
    turn = await bench.look()
    assert (3, 0, True) == (turn.found, turn.accepted, turn.began)


async def test_an_item_starts_a_workflow(bench: PollBench, receiver: Receiver) -> None:
    """The run begins in the commit that takes the item."""
    receiver.usual = numbered(7)
    steps = [{"name": "keep", "type": "set", "with": {"values": {"id": "$$trigger.id$$"}}}]
    await bench.apply(workflows=[{"name": "item-came", "trigger": {"type": "poll"}, "steps": steps}])
    await bench.put(SOURCE, action=None, workflow="item-came")
    await bench.look()
    [run] = (await bench.station.store.list_runs(RunFilter(), 10)).items
    [event] = await bench.events()
    assert ("item-came", event.run_id) == (run.workflow, run.id)


async def test_a_source_that_fails_is_asked_more_and_more_seldom(
    bench: PollBench, receiver: Receiver
) -> None:
    """Each time twice as late; when it is well again it is asked as usual, and what came meanwhile comes."""
    destination = {"name": "ops", "url": f"{receiver.url}/ops", "networks": LOOPBACK}
    subscription = {"name": "ops", "destination": "ops", "events": ["poll.*"]}
    await bench.apply(destinations=[destination], subscriptions=[subscription])
    await bench.put(SOURCE, every="1m")
    receiver.plan(REFUSED, REFUSED, Answer(200, body=b"{"), numbered(1))
    pauses = []
    for _ in range(4):
        await bench.look()
        pauses.append(round(await due_in(bench) / 60))
    assert [1, 2, 4, 1] == pauses
    assert ["poll.failed", "poll.recovered"] == await told(bench)
    assert 1 == len(await bench.events())
    assert 0 == (await bench.standing()).standing.failures


@pytest.mark.parametrize("every", ["1m", None])
async def test_a_source_is_not_asked_before_the_time_it_named(
    bench: PollBench, receiver: Receiver, every: str | None
) -> None:
    """Neither at its interval nor because a schedule says so."""
    await bench.put(SOURCE, every=every)
    receiver.plan(Answer(503, (("Retry-After", str(2 * HOUR)),)))
    assert "503" in (await bench.look()).error
    assert 2 * HOUR == pytest.approx(await due_in(bench), abs=60)
    await bench.station.store.hurry(POLLS, "feed")
    worker = bench.station.ticking.polling
    worker.ring("feed")
    assert 1 == await worker.take()
    await worker.drain(10)
    assert 1 == len(receiver.calls)
    assert 2 * HOUR == pytest.approx(await due_in(bench), abs=60)


async def test_a_poll_that_cannot_be_done_says_so(bench: PollBench, receiver: Receiver) -> None:
    """What was set up and is wrong by now is a failure like one of the source, which is not even asked."""
    await bench.put(SOURCE, every="1m")
    bench.station.services.targets.replace({}, {})
    assert "there is no connection “records”" in (await bench.look()).error
    assert [] == receiver.calls
    assert 60 == pytest.approx(await due_in(bench), abs=5)


async def test_a_turn_that_takes_too_long_is_given_up(
    bench: PollBench, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its lease is over; what it had asked for is not taken."""
    monkeypatch.setattr(polling, "LONGEST_TURN", 0.05)
    receiver.plan(HANG)
    await bench.put(SOURCE, every="1m")
    assert "took longer than 0.05 s" in (await bench.look()).error
    assert 60 == pytest.approx(await due_in(bench), abs=5)
    receiver.release()


async def test_a_node_that_stops_leaves_the_turn_to_another_one(bench: PollBench, receiver: Receiver) -> None:
    """What its source had not answered by then was not asked at all, and is due at once."""
    await bench.put(SOURCE, every="1m")
    await bench.look()
    before = (await bench.job()).job.payload
    receiver.plan(HANG)
    worker, station = bench.station.ticking.polling, bench.station
    await station.store.hurry(POLLS, "feed")
    worker.ring("feed")
    await worker.take()
    await receiver.until(2)
    assert 1 == await worker.drain(0)
    await station.store.leave(station.membership.node_id)
    job = await bench.job()
    assert (JobState.READY, before) == (job.state, job.job.payload)
    assert await due_in(bench) <= 0
    receiver.release()


async def test_a_turn_whose_lease_is_over_counts_for_nothing(bench: PollBench, receiver: Receiver) -> None:
    """While it asked, somebody began anew: neither its items nor its place are written."""
    await bench.put(SOURCE)
    receiver.plan(Answer(200, body=b'[{"id": 1}]', hang=True))
    turn = asyncio.ensure_future(bench.look())
    await receiver.until(1)
    await bench.station.store.cancel(POLLS, "feed")
    receiver.release()
    assert "took this poll over" in (await turn).error
    assert [] == await bench.events()


async def test_what_is_remembered_stays_when_the_poll_is_changed(
    bench: PollBench, receiver: Receiver
) -> None:
    """How it asks may change; another source begins as its poll says."""
    receiver.usual = numbered(1, 2)
    await bench.put(BY_ID, first="now")
    assert [] == await bench.come()
    receiver.usual = numbered(1, 2, 3)
    await bench.put({**BY_ID, "query": {"more": "1"}, "path": "/done?x=1"}, first="now", most=7)
    assert [{"id": 3}] == await bench.come()
    await bench.put({**BY_ID, "path": "/other"}, first="now")
    assert (0, True) == ((turn := await bench.look()).found, turn.began)


async def test_a_poll_that_is_not_active_is_not_asked(bench: PollBench, receiver: Receiver) -> None:
    """Neither by itself nor because a person wants it; a try is harmless."""
    receiver.usual = numbered(1)
    await bench.put(SOURCE, state="paused")
    with pytest.raises(Conflict, match="set its state to active first"):
        await bench.look()
    assert 1 == len(await bench.polls.try_it("feed"))
    with pytest.raises(NotFound):
        await bench.look("none")


def unsaved(**more: Any) -> Poll:
    document = {"name": "new", "source": SOURCE, "schema": True, "action": ACTION, **more}
    poll, problems = decode_poll(document)
    assert poll is not None, problems
    return poll


async def test_a_poll_that_is_not_saved_is_tried(bench: PollBench, receiver: Receiver) -> None:
    """It says what would come and what would be written of it, and nothing is written."""
    receiver.usual = items({"id": 1, "who": "10420"}, {"id": "x", "who": "1"})
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "who": {"type": "string"}}}
    fields = {"ID": "$$who$$", "ActivityType": "TEST"}
    tried = await bench.polls.try_it(
        unsaved(schema=schema, action={**ACTION, "fields": fields}, key="$$id$$")
    )
    assert [("1", True, ""), ("x", True, "id: ")] == [(one.item.key, one.new, one.error[:4]) for one in tried]
    assert "10420" in json.dumps(tried[0].record)
    assert ([], []) == (await bench.events("new"), await bench.polls.all())


async def test_a_try_says_what_a_poll_lacks(bench: PollBench, receiver: Receiver) -> None:
    """Before its source is asked."""
    with pytest.raises(Invalid, match="nowhere"):
        await bench.polls.try_it(unsaved(action={**ACTION, "connection": "nowhere"}))
    assert [] == receiver.calls


async def test_a_try_knows_what_came_before(bench: PollBench, receiver: Receiver) -> None:
    """Of what would come it says what is new."""
    receiver.usual = numbered(1)
    await bench.put(BY_ID, key="$$id$$")
    await bench.come()
    await bench.polls.reset("feed", "everything", WHO)
    receiver.usual = numbered(1, 2)
    assert [("1", False), ("2", True)] == [
        (one.item.key, one.new) for one in await bench.polls.try_it("feed")
    ]


async def test_a_range_is_asked_for_again_page_after_page(bench: PollBench, receiver: Receiver) -> None:
    """What is remembered stays as it is."""
    receiver.usual = numbered(*range(1, 2_501))
    await bench.put(BY_ID, first="now")
    await bench.come()
    done = await bench.polls.repair("feed", "100", "2299", WHO)
    assert (2_200, 2_200) == (done.found, done.accepted)
    assert [] == await bench.come()


@pytest.mark.parametrize(
    ("source", "since", "until"),
    [
        (SOURCE, "5", ""),
        ({"type": "rss", "connection": "lms", "path": "/feed"}, "yesterday", ""),
        ({"type": "rss", "connection": "lms", "path": "/feed"}, "", "2026-01-01"),
    ],
)
async def test_a_range_that_the_source_has_not_is_refused(
    bench: PollBench, source: dict[str, Any], since: str, until: str
) -> None:
    """Instead of asking for something else."""
    await bench.put(source)
    with pytest.raises(Invalid):
        await bench.polls.repair("feed", since, until, WHO)


@pytest.mark.parametrize("first", ["2026-01-01", "soon"])
async def test_a_beginning_that_the_source_has_not_is_refused(bench: PollBench, first: str) -> None:
    """Only a source that says when its items came can begin with a date, in its document too."""
    await bench.put(SOURCE)
    with pytest.raises(Invalid):
        await bench.polls.reset("feed", first, WHO)
    with pytest.raises(Invalid):
        await bench.put(SOURCE, first={"since": first})


async def test_polls_look_by_themselves_where_a_station_works(bench: PollBench, receiver: Receiver) -> None:
    """As soon as they are set up, and at once again while there is more."""
    receiver.usual = numbered(*range(6))
    await bench.put(SOURCE, every="1h", most=2)
    await bench.station.start()
    await receiver.until(3)
    assert 0 == await bench.station.ticking.drain(10)
    assert 6 == len(await bench.events())
