"""Replay: a new attempt of the same event, its history kept, and every reason to refuse one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from hookstation.core.events import State
from hookstation.core.jobs import JobState
from hookstation.engine.execute import FIRST_HOLD, FIRST_LOOK_UP
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import Conflict, Invalid, NotFound, Retriable, Terminal, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from hookstation.ports.store import ConfigurationChange
from tests.support.engine import Engine, engine, webhook

KEYED: Any = {"duplicates": {"key": "header:webhook-id"}}
LONG: Any = {"Category": "$$note$$"}


async def failed(bench: Engine, name: str = "courses", **headers: str) -> str:
    """An event whose note is too long for the field it goes to."""
    assert 500 == (await bench.post(name, {"id": "7", "note": "x" * 300}, **headers)).status
    return (await bench.last()).id


async def repaired(bench: Engine, name: str = "courses", connection: str = "records", **more: Any) -> None:
    """The mapping as it should have been."""
    await bench.apply(webhook(name, connection, **more))


async def test_a_repaired_mapping_writes_the_record_and_the_history_is_kept() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        await repaired(bench)
        await bench.clock.advance(60)
        event = await bench.replay.replay(event_id)
        assert (State.SUCCEEDED, "1", 200, 2) == (
            event.state,
            event.record_key,
            event.answer_status,
            event.attempts,
        )
        history = await bench.store.list_attempts(event_id)
        assert [State.FAILED, State.SUCCEEDED] == [attempt.state for attempt in history]
        assert 60_000_000 == history[1].started_at - history[0].started_at
        assert "CATEGORY" in history[0].error


async def test_the_reason_follows_each_attempt() -> None:
    """Refused by the mapping, then by the schema, then written: the event says what holds of its last attempt."""
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        reasons = [(await bench.last()).reason]
        for more in ({"fields": LONG}, {"schema": {"required": ["name"]}}, {}):
            await repaired(bench, **more)
            reasons.append((await bench.replay.replay(event_id)).reason)
        assert ["mapping", "mapping", "schema", ""] == reasons
        assert "" == (await bench.last()).error


async def test_a_replay_that_is_called_clears_the_reason_with_its_intent() -> None:
    async with engine(webhook("away", "far", fields={"Category": "{{ note | divided_by: 0 }}"})) as bench:
        assert 500 == (await bench.post("away", {"id": "7", "note": "no number"})).status
        event = await bench.last()
        assert "mapping" == event.reason
        await repaired(bench, "away", "far")
        bench.far.outcomes.append(Terminal("no such person"))
        refused = await bench.replay.replay(event.id)
        assert (State.FAILED, "no such person", "") == (refused.state, refused.error, refused.reason)
        written = await bench.replay.replay(event.id)
        assert (State.SUCCEEDED, "", "") == (written.state, written.error, written.reason)


async def test_a_replay_maps_the_moment_of_receipt_and_not_of_the_replay() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        await repaired(bench, fields={"Note": "{{ received_at }} {{ event_id }}"})
        received = (await bench.last()).received_at
        await bench.clock.advance(86_400)
        await bench.replay.replay(event_id)
        [fields] = await bench.records()
        assert event_id in fields["NOTE"]
        assert received == (await bench.last()).received_at
        assert fields["TRANSACTION_DATE"][:16] == fields["NOTE"][:16]


async def test_a_replay_that_fails_again_is_one_more_attempt() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        event = await bench.replay.replay(event_id)
        assert (State.FAILED, 2) == (event.state, event.attempts)
        assert 2 == len(await bench.store.list_attempts(event_id))


async def test_a_rejected_event_whose_body_was_kept_is_checked_by_todays_schema() -> None:
    async with engine(webhook(keep_rejected_bodies=True)) as bench:
        assert 400 == (await bench.post("courses", {"id": 7})).status
        event_id = (await bench.last()).id
        event = await bench.replay.replay(event_id)
        assert (State.FAILED, 400) == (event.state, event.answer_status)
        await repaired(bench, schema=True, keep_rejected_bodies=True)
        event = await bench.replay.replay(event_id)
        assert (State.SUCCEEDED, "7") == (event.state, (await bench.records())[0]["ID"])


async def test_a_body_that_is_no_json_fails_again() -> None:
    async with engine(webhook(keep_rejected_bodies=True)) as bench:
        await bench.post("courses", b"{")
        event = await bench.replay.replay((await bench.last()).id)
        assert (State.FAILED, 500) == (event.state, event.answer_status)


async def test_an_unknown_event_is_not_found() -> None:
    async with engine() as bench:
        with pytest.raises(NotFound, match="no event"):
            await bench.replay.replay("nobody")


async def test_an_event_whose_body_was_not_kept_is_refused() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": 7})
        with pytest.raises(Conflict, match="body of this event was not kept"):
            await bench.replay.replay((await bench.last()).id)


async def test_an_event_whose_webhook_is_gone_is_refused() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        await bench.configurator.delete("webhook", "courses")
        with pytest.raises(Conflict, match="does not exist any more"):
            await bench.replay.replay(event_id)


async def test_an_event_whose_webhook_cannot_be_compiled_is_refused_with_the_reason() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        row = replace(bench.board.stored.webhooks["courses"], document="{}")
        await bench.store.save_configuration(
            ConfigurationChange(webhooks={"courses": row}), await bench.store.revision()
        )
        await bench.board.refresh()
        with pytest.raises(Invalid, match="name"):
            await bench.replay.replay(event_id)
        assert State.FAILED is (await bench.last()).state


async def test_a_succeeded_event_is_written_again_only_where_it_is_meant() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "7"})
        event_id = (await bench.last()).id
        with pytest.raises(Conflict, match="--again"):
            await bench.replay.replay(event_id)
        assert 1 == len(await bench.records())
        event = await bench.replay.replay(event_id, again=True)
        assert (State.SUCCEEDED, "2", 2) == (event.state, event.record_key, event.attempts)
        assert ["1", "2"] == [one.record_key for one in await bench.store.list_attempts(event_id)]


async def test_an_unknown_event_is_sent_again_only_where_it_is_meant() -> None:
    async with engine(webhook("away", "far")) as bench:
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        await bench.post("away", {"id": "7"})
        event = await bench.last()
        with pytest.raises(Conflict, match="--again"):
            await bench.replay.replay(event.id)
        replayed = await bench.replay.replay(event.id, again=True)
        assert (State.SUCCEEDED, event.run_id, 2) == (replayed.state, replayed.run_id, replayed.attempts)
        assert (2, None) == (len(bench.far.executed), await bench.job())


async def test_an_unknown_event_whose_replay_surely_failed_is_still_looked_up() -> None:
    async with engine(webhook("away", "far", marked=True)) as bench:
        bench.far.outcomes.extend([UnknownOutcome("dropped"), Retriable("off-line")])
        await bench.post("away", {"id": "7"})
        event = await bench.replay.replay((await bench.last()).id, again=True)
        assert (State.UNKNOWN, "A replay failed: off-line") == (event.state, event.error)
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
        await bench.settle_after(FIRST_LOOK_UP)
        assert (State.SUCCEEDED, "41") == ((await bench.last()).state, (await bench.last()).record_key)


async def test_a_replay_of_the_last_event_of_a_webhook_that_holds_ends_the_holding() -> None:
    async with engine(webhook("away", "far", hold=True)) as bench:
        bench.far.outcomes.extend([Retriable("off-line"), UnknownOutcome("dropped")])
        await bench.post("away", {"id": "7"})
        await bench.settle_after(FIRST_HOLD)
        event = await bench.replay.replay((await bench.last()).id, again=True)
        assert State.SUCCEEDED is event.state
        assert (1, 1) == tuple(len(bench.log.told(word)) for word in ("holding_began", "holding_ended"))


@pytest.mark.parametrize("again", [False, True])
async def test_an_event_that_is_still_at_work_is_never_replayed(again: bool) -> None:
    async with engine(webhook("away", "far", limits={"time": "0.01s"})) as bench:
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        await bench.post("away", {"id": "7"})
        with pytest.raises(Conflict, match="still at work"):
            await bench.replay.replay((await bench.last()).id, again=again)
        gate.set_result(Written("1"))


async def test_a_replay_into_a_target_that_is_called_commits_its_intent_first() -> None:
    async with engine(webhook("away", "far", marked=True)) as bench:
        bench.far.outcomes.append(Terminal("no"))
        await bench.post("away", {"id": "7"})
        event = await bench.last()
        gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        bench.far.outcomes.append(gate)
        replaying = asyncio.ensure_future(bench.replay.replay(event.id))
        await bench.clock.settle()
        job = await bench.job()
        assert job is not None
        assert (State.SENDING, JobState.LEASED, "SOURCE_CODE") == (
            (await bench.last()).state,
            job.state,
            read_unfinished(job.job).marker,
        )
        with pytest.raises(Conflict, match="still at work"):
            await bench.replay.replay(event.id)
        gate.set_result(Written("5"))
        assert (State.SUCCEEDED, "5") == ((await replaying).state, (await bench.last()).record_key)
        history = await bench.store.list_attempts(event.id)
        assert [State.FAILED, State.SUCCEEDED] == [attempt.state for attempt in history]


async def test_two_replays_at_once_write_one_record() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench)
        await repaired(bench)
        ends = await asyncio.gather(
            *(bench.replay.replay(event_id) for _ in range(4)), return_exceptions=True
        )
        assert 1 == len(await bench.records())
        assert 3 == sum(isinstance(end, Conflict) for end in ends)


async def test_a_replay_claims_the_dedup_key_anew() -> None:
    """What a failed event let go: after the replay a repeat gets the stored answer."""
    async with engine(webhook(fields=LONG, **KEYED)) as bench:
        event_id = await failed(bench, webhook_id="k")
        await repaired(bench, **KEYED)
        await bench.replay.replay(event_id)
        repeat = await bench.post("courses", {"id": "7", "note": "x" * 300}, webhook_id="k")
        assert {"Hookstation-Replayed": "true", "Hookstation-Event-Id": event_id} == dict(repeat.headers)
        assert 1 == len(await bench.records())
        assert 409 == (await bench.post("courses", {"id": "8"}, webhook_id="k")).status


async def test_a_replay_is_refused_where_another_event_holds_its_key() -> None:
    async with engine(webhook(fields=LONG, **KEYED)) as bench:
        event_id = await failed(bench, webhook_id="k")
        assert 200 == (await bench.post("courses", {"id": "7", "note": "short"}, webhook_id="k")).status
        holder = (await bench.last()).id
        await repaired(bench, **KEYED)
        with pytest.raises(Conflict, match=holder):
            await bench.replay.replay(event_id)
        assert 1 == len(await bench.records())


@pytest.mark.parametrize("header", ["x-token", "x-long"])
async def test_a_replay_that_needs_a_masked_or_cut_header_is_refused(header: str) -> None:
    """What proved the sender then may be read by a mapping today, but the journal never knew it."""
    proof = {"type": "token", "header": "X-Token", "secret": "a secret"}
    async with engine(webhook(fields=LONG, authentication=proof)) as bench:
        event_id = await failed(bench, x_token="a secret", x_long="y" * 20_000)
        await repaired(bench, fields={"Note": f'{{{{ headers["{header}"] }}}}'})
        with pytest.raises(Conflict, match=header):
            await bench.replay.replay(event_id)
        assert ([], 1) == (await bench.records(), (await bench.last()).attempts)


async def test_a_plain_header_is_mapped_again_as_it_came() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench, x_course="Rust")
        await repaired(bench, fields={"Note": '{{ headers["x-course"] }}'})
        await bench.replay.replay(event_id)
        assert ["Rust"] == [fields["NOTE"] for fields in await bench.records()]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("token=abc&x=1", "{{ query.token }}"),
        ("x=1&long=" + "y" * 3_000, "{{ query.x }}"),
        ("token=abc", "{{ query[note] }}"),
    ],
)
async def test_a_replay_that_needs_a_masked_or_cut_query_is_refused(query: str, field: str) -> None:
    async with engine(webhook(fields=LONG)) as bench:
        await bench.post("courses", {"id": "7", "note": "x" * 300}, query=query)
        await repaired(bench, fields={"Note": field})
        with pytest.raises(Conflict, match="query parameter"):
            await bench.replay.replay((await bench.last()).id)
        assert ([], 1) == (await bench.records(), (await bench.last()).attempts)


async def test_a_plain_query_parameter_is_mapped_again_as_it_came() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        await bench.post("courses", {"id": "7", "note": "x" * 300}, query="token=abc&course=Rust")
        await repaired(bench, fields={"Note": "{{ query.course }}"})
        await bench.replay.replay((await bench.last()).id)
        assert ["Rust"] == [fields["NOTE"] for fields in await bench.records()]


async def test_a_replay_that_needs_a_header_beyond_those_that_are_kept_is_refused() -> None:
    many = {f"x_{number}": "1" for number in range(70)}
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench, **many, x_course="Rust")
        await repaired(bench, fields={"Note": '{{ headers["x-course"] }}'})
        with pytest.raises(Conflict, match="x-course"):
            await bench.replay.replay(event_id)
        await repaired(bench, fields={"Note": '{{ headers["x-7"] }}'})
        assert State.SUCCEEDED is (await bench.replay.replay(event_id)).state


async def test_a_replay_takes_the_key_that_was_kept_where_its_header_is_masked() -> None:
    """Two events of different keys, both masked alike: each is replayed under its own."""
    keyed: Any = {"duplicates": {"key": "header:x-dedup-token"}}
    async with engine(webhook(fields=LONG, **keyed)) as bench:
        events = [await failed(bench, x_dedup_token=key) for key in ("one", "two")]
        await repaired(bench, **keyed)
        for event_id in events:
            assert State.SUCCEEDED is (await bench.replay.replay(event_id)).state
        repeat = await bench.post("courses", {"id": "7", "note": "x" * 300}, x_dedup_token="two")
        assert ("Hookstation-Event-Id", events[1]) in repeat.headers
        assert 2 == len(await bench.records())


async def test_a_rejected_event_is_replayed_under_the_key_that_it_was_sent_with() -> None:
    keyed: Any = {"duplicates": {"key": "header:x-dedup-token"}, "keep_rejected_bodies": True}
    async with engine(webhook(**keyed)) as bench:
        assert 400 == (await bench.post("courses", {"id": 7}, x_dedup_token="one")).status
        event_id = (await bench.last()).id
        await repaired(bench, schema=True, **keyed)
        await bench.replay.replay(event_id)
        repeat = await bench.post("courses", {"id": 7}, x_dedup_token="one")
        assert ("Hookstation-Event-Id", event_id) in repeat.headers


async def test_a_replay_whose_masked_key_was_never_read_is_refused() -> None:
    async with engine(webhook(fields=LONG)) as bench:
        event_id = await failed(bench, x_dedup_token="one")
        await repaired(bench, duplicates={"key": "header:x-dedup-token"})
        with pytest.raises(Conflict, match="x-dedup-token"):
            await bench.replay.replay(event_id)
        assert [] == await bench.records()


async def test_a_succeeded_event_stays_so_where_a_replay_would_fail_today() -> None:
    """The record that stands is not forgotten because the mapping was changed, and its key stays taken."""
    async with engine(webhook(**KEYED)) as bench:
        assert 200 == (await bench.post("courses", {"id": "7"}, **{"webhook-id": "k"})).status
        before = await bench.last()
        await repaired(bench, schema={"required": ["name"]}, **KEYED)
        with pytest.raises(Conflict, match="it stays succeeded"):
            await bench.replay.replay(before.id, again=True)
        assert before == await bench.last()
        assert 200 == (await bench.post("courses", {"id": "7"}, **{"webhook-id": "k"})).status
        assert 1 == await bench.store.count_records("Activity")


async def test_a_succeeded_event_stays_so_where_the_target_refuses_its_replay() -> None:
    async with engine(webhook("away", "far")) as bench:
        assert 200 == (await bench.post("away", {"id": "7"})).status
        before = await bench.last()
        bench.far.outcomes.append(Terminal("no such person"))
        after = await bench.replay.replay(before.id, again=True)
        assert (State.SUCCEEDED, before.record_key, 200) == (
            after.state,
            after.record_key,
            after.answer_status,
        )
        assert "A replay failed: no such person" == after.error
