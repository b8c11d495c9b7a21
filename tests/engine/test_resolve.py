"""Resolve: what the target holds of an unknown outcome is shown, and a person's word settles it."""

from __future__ import annotations

import pytest

from hookstation.core.events import State
from hookstation.core.jobs import EVENTS
from hookstation.errors import Conflict, Invalid, NotFound, Retriable, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict
from tests.support.engine import Engine, engine, webhook

LOST = UnknownOutcome("The connection broke.")
KEYED = webhook("keyed", "far", duplicates={"key": "header:x-id"})
WHO = "Ada"


async def lost(bench: Engine, *, given_up: bool = False) -> str:
    """An event whose outcome is not known; where it is given up, nobody looks it up any more."""
    bench.far.outcomes.append(LOST)
    assert 202 == (await bench.post("keyed", {"id": "1"}, x_id="k")).status
    event_id = (await bench.last()).id
    if given_up:
        for _ in range(2):
            await bench.settle_after(bench.far.settle_after + 60)
        assert await bench.store.find_job(EVENTS, event_id) is None
    return event_id


@pytest.mark.parametrize("given_up", [False, True])
async def test_a_look_up_shows_the_records_and_whose_they_are_and_changes_nothing(given_up: bool) -> None:
    async with engine(KEYED) as bench:
        assert 200 == (await bench.post("keyed", {"id": "1"}, x_id="other")).status
        other = (await bench.last()).id
        event_id = await lost(bench, given_up=given_up)
        bench.far.found.append(LookUp(LookUpVerdict.SEVERAL, ("1", "2")))
        look = await bench.remedies.resolve.look(event_id)
        assert (LookUpVerdict.SEVERAL, [("1", other), ("2", "")]) == (
            look.verdict,
            [(found.key, found.owner) for found in look.found],
        )
        assert (not given_up, "1") == (look.as_sent, look.record.fields["ID"])
        assert State.UNKNOWN is (await bench.last()).state


@pytest.mark.parametrize("given_up", [False, True])
async def test_a_record_that_stands_is_success_and_the_next_call_with_its_key_is_a_repeat(
    given_up: bool,
) -> None:
    async with engine(KEYED) as bench:
        event_id = await lost(bench, given_up=given_up)
        event = await bench.remedies.resolve.written(event_id, "41", WHO)
        assert (State.SUCCEEDED, "41", None) == (event.state, event.record_key, await bench.job())
        assert 200 == (await bench.post("keyed", {"id": "1"}, x_id="k")).status
        assert 1 == len(bench.far.executed)
        assert [(event_id, "succeeded", "41", WHO)] == [
            (line["event_id"], line["state"], line["record_key"], line["by"])
            for line in bench.log.told("outcome_resolved")
        ]


async def test_a_record_that_was_not_written_is_a_failure_and_may_be_replayed() -> None:
    async with engine(KEYED) as bench:
        event_id = await lost(bench)
        event = await bench.remedies.resolve.not_written(event_id, WHO)
        assert (State.FAILED, "Ada looked at the target: the record was not written.") == (
            event.state,
            event.error,
        )
        assert State.SUCCEEDED is (await bench.replay.replay(event_id)).state


async def test_only_an_unknown_outcome_is_resolved() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1"})
        event_id = (await bench.last()).id
        for work in (
            bench.remedies.resolve.look(event_id),
            bench.remedies.resolve.written(event_id, "1", WHO),
            bench.remedies.resolve.not_written(event_id, WHO),
        ):
            with pytest.raises(Conflict, match="only an unknown outcome"):
                await work
        with pytest.raises(NotFound):
            await bench.remedies.resolve.look("01ARZ3NDEKTSV4RRFFQ69G5FAV")


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b"])
async def test_a_key_that_can_be_none_is_refused(key: str) -> None:
    async with engine(KEYED) as bench:
        event_id = await lost(bench)
        with pytest.raises(Invalid, match="printable"):
            await bench.remedies.resolve.written(event_id, key, WHO)


async def test_a_target_that_cannot_be_asked_is_told() -> None:
    async with engine(KEYED) as bench:
        event_id = await lost(bench)
        bench.far.found.append(Retriable("The target is off-line."))
        with pytest.raises(Retriable, match="off-line"):
            await bench.remedies.resolve.look(event_id)
