"""The back-test: what a change would have made of the last real events, and nothing written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hookstation.engine.backtest import MOST_AT_ONCE, MOST_EVENTS, BackTest, Compared
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.store import Retention
from tests.support.engine import PANEL, Engine, engine, upsert, webhook

STRICT: Any = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "note": {"type": "string", "maxLength": 3}},
    "required": ["id", "note"],
}


async def begun(bench: Engine, events: int = 100, name: str = "courses", **change: Any) -> BackTest:
    """A back-test of the webhook with this change."""
    changed = await bench.drafts.compile(name, webhook(name, **change))  # type: ignore[arg-type]
    return bench.changing.back_tests.begin(name, changed, events)


async def ran(test: BackTest) -> list[Compared]:
    return [one async for one in test.run()]


def told(one: Compared) -> set[tuple[str, Any, Any]]:
    return {(".".join(map(str, found.path)), found.before, found.after) for found in one.differences}


async def test_each_event_tells_its_record_before_and_after_field_by_field() -> None:
    async with engine(webhook(fields={"Note": "$$note$$"})) as bench:
        await bench.post("courses", {"id": "7", "note": "a"})
        await bench.post("courses", {"id": "8"})
        test = await begun(bench, fields={"Note": "[$$note$$]", "Category": "X"})
        newest, oldest = await ran(test)
        assert {("fields.NOTE", "a", "[a]"), ("fields.CATEGORY", None, "X")} == told(oldest)
        assert {("fields.NOTE", None, "[]"), ("fields.CATEGORY", None, "X")} == told(newest)
        assert (2, 0, 0, "no more events") == (
            test.tally.changed,
            test.tally.same,
            test.tally.unjudged,
            test.tally.ended,
        )


async def test_nothing_is_written_and_no_event_is_added() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "7"})
        before = (await bench.events(), await bench.records(), await bench.store.revision())
        await ran(await begun(bench, fields={"Note": "x"}))
        assert before == (await bench.events(), await bench.records(), await bench.store.revision())


async def test_the_same_configuration_comes_to_the_same() -> None:
    async with engine(webhook(fields={"Note": "{{ event_id }} {{ received_at }}"})) as bench:
        await bench.post("courses", {"id": "7"})
        await bench.clock.advance(3600)
        test = await begun(bench, fields={"Note": "{{ event_id }} {{ received_at }}"})
        [one] = await ran(test)
        assert ((), 1) == (one.differences, test.tally.same)


async def test_events_that_would_be_refused_now_are_counted_and_told_why() -> None:
    async with engine(webhook()) as bench:
        for note in ("abc", "abcd", "ab"):
            await bench.post("courses", {"id": "7", "note": note})
        test = await begun(bench, schema=STRICT)
        _, refused, _ = await ran(test)
        assert ("accepted", "refused", "schema") == (
            refused.before.verdict,
            refused.after.verdict,
            refused.after.stage,
        )
        assert "note" in refused.after.detail
        assert (1, 1, 2) == (test.tally.newly_refused, test.tally.changed, test.tally.same)


async def test_events_that_were_refused_are_judged_where_their_body_was_kept() -> None:
    async with engine(webhook(schema=STRICT, keep_rejected_bodies=True)) as bench:
        await bench.post("courses", {"id": "7", "note": "abcd"})
        await bench.post("courses", b"{")
        test = await begun(bench)
        unreadable, accepted = await ran(test)
        assert ("refused", "body", ()) == (
            unreadable.after.verdict,
            unreadable.after.stage,
            unreadable.differences,
        )
        assert ("refused", "accepted", 1) == (
            accepted.before.verdict,
            accepted.after.verdict,
            test.tally.newly_accepted,
        )


async def test_what_cannot_be_judged_says_why() -> None:
    async with engine(webhook(authentication={"type": "token", "header": "X-Mine", "secret": "s"})) as bench:
        await bench.post("courses", {"id": "7"}, x_mine="s", x_long="y" * 2000)
        test = await begun(bench, fields={"Note": "{{ headers['x-long'] }}"})
        [one] = await ran(test)
        assert ("accepted", "unjudged") == (one.before.verdict, one.after.verdict)
        assert "x-long" in one.after.detail
        await bench.store.prune(Retention(most_bytes=1, now=0), 10)
        await bench.post("courses", {"id": "8"}, x_mine="wrong")
        again = await begun(bench, fields={"Note": "x"})
        assert [] == [one for one in await ran(again) if one.is_judged]


async def test_calls_refused_before_their_body_are_passed_over() -> None:
    async with engine(webhook(access={"rate": "1/h"})) as bench:
        for _ in range(3):
            await bench.post("courses", {"id": "7"})
        test = await begun(bench, access={"rate": "1/h"})
        assert 1 == len(await ran(test))
        assert (3, "no more events") == (test.tally.looked_at, test.tally.ended)


async def test_it_ends_with_what_was_asked_for_and_with_its_time() -> None:
    async with engine(webhook()) as bench:
        for number in range(5):
            await bench.post("courses", {"id": str(number)})
        few = await begun(bench, 2)
        assert (2, "all") == (len(await ran(few)), few.tally.ended)
        quick = await begun(bench)
        quick.seconds = 0
        assert (1, "time") == (len(await ran(quick)), quick.tally.ended)


async def test_whoever_stops_listening_ends_it() -> None:
    async with engine(webhook()) as bench:
        for number in range(5):
            await bench.post("courses", {"id": str(number)})
        test = await begun(bench)
        running = test.run()
        await anext(running)
        await running.aclose()
        assert (1, "") == (test.tally.done, test.tally.ended)


async def test_no_more_run_at_once_than_may() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "7"})
        running = [(await begun(bench)).run() for _ in range(MOST_AT_ONCE)]
        for one in running:
            await anext(one)
        with pytest.raises(Conflict, match="wait until one of them"):
            await begun(bench)
        await running[0].aclose()
        assert 1 == len(await ran(await begun(bench)))
        for one in running[1:]:
            await one.aclose()


async def test_another_target_is_told_too() -> None:
    async with engine(webhook(), panels=[PANEL]) as bench:
        await bench.post("courses", {"id": "7", "note": "a"})
        changed = await bench.drafts.compile("courses", upsert("courses"))  # type: ignore[arg-type]
        [one] = await ran(bench.changing.back_tests.begin("courses", changed))
        assert ("entity", "Activity", "Courses") in told(one)
        assert "Courses" in json.dumps(one.as_json(), default=str)


@pytest.mark.parametrize("events", [0, MOST_EVENTS + 1])
async def test_a_number_that_may_not_be_is_refused(events: int) -> None:
    async with engine(webhook()) as bench:
        with pytest.raises(Invalid, match="from 1 to"):
            await begun(bench, events)


async def test_there_must_be_something_live_to_compare_with() -> None:
    async with engine(webhook()) as bench:
        changed = await bench.drafts.compile("new", webhook("new"))  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            bench.changing.back_tests.begin("new", changed)
        line = bench.switchboard.named("courses")
        assert line is not None
        line.compiled, line.make = None, _broken
        with pytest.raises(Conflict, match="does not work"):
            bench.changing.back_tests.begin("courses", changed)


def _broken() -> Any:
    raise Invalid([])


async def test_a_change_that_is_wrong_is_refused_at_its_fields() -> None:
    async with engine(webhook()) as bench:
        with pytest.raises(Invalid) as refused:
            await begun(bench, fields={"Nope": "x"})
        assert [("action", "fields", "Nope")] == [one.path for one in refused.value.problems]


async def test_the_open_draft_or_a_version_is_tried() -> None:
    async with engine(webhook(fields={"Note": "old"})) as bench:
        await bench.post("courses", {"id": "7"})
        await bench.apply(webhook(fields={"Note": "live"}))
        await bench.drafts.save("courses", webhook(fields={"Note": "draft"}), 2, "anna")  # type: ignore[arg-type]
        for number, note in ((0, "draft"), (1, "old")):
            changed = await bench.drafts.compile_saved("courses", number)
            [one] = await ran(bench.changing.back_tests.begin("courses", changed))
            assert {("fields.NOTE", "live", note)} == told(one)
        with pytest.raises(NotFound):
            await bench.drafts.compile_saved("courses", 9)
