"""The live configuration: what is kept, what is replaced, and what one damaged row may not do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from hookstation.core.records import ACTIVITY, RECORDS
from hookstation.engine.board import WATCH_PAUSE
from hookstation.engine.ingest import MISCONFIGURED
from hookstation.engine.switchboard import Switchboard
from hookstation.engine.targets import Targets
from hookstation.errors import StoreUnavailable
from hookstation.ports.store import ConfigurationChange, StoredConfiguration
from hookstation.testing.connector import ScriptedConnector
from tests.support.engine import FAR, PANEL, Engine, connection, engine, upsert, webhook


async def damage(bench: Engine, **change: Any) -> None:
    """Write past every check, as a fault would, and take it up."""
    await bench.store.save_configuration(ConfigurationChange(**change), await bench.store.revision())
    await bench.board.refresh()


def status(answer: Any) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("error", "")


async def test_nothing_is_read_anew_while_the_revision_is_the_same() -> None:
    async with engine(webhook()) as bench:
        before = bench.board.stored
        await bench.board.refresh()
        assert before is bench.board.stored


async def test_of_two_refreshes_at_once_the_newer_one_stays() -> None:
    """They may read in one order and end in the other."""
    async with engine(webhook()) as bench:
        store, older = bench.store, bench.board.stored
        read = store.load_configuration
        has_read, may_end = asyncio.Event(), asyncio.Event()

        async def read_slowly() -> StoredConfiguration:
            has_read.set()
            await may_end.wait()
            return older

        store.load_configuration = read_slowly  # type: ignore[method-assign]
        late = asyncio.create_task(bench.board.refresh())
        await has_read.wait()
        store.load_configuration = read  # type: ignore[method-assign]
        await bench.apply(webhook("second"))
        newer = bench.board.stored
        may_end.set()
        await late
        assert newer is bench.board.stored
        assert older.revision < newer.revision


async def test_a_database_that_was_put_back_is_followed() -> None:
    async with engine(webhook()) as bench:
        before = bench.board.stored
        await bench.apply(webhook("second"))
        bench.store._configuration = before
        await bench.board.refresh()
        assert before is bench.board.stored
        assert bench.switchboard.named("second") is None
        await bench.apply(webhook("third"))
        assert {"courses", "third"} == set(bench.board.stored.webhooks)


async def test_a_webhook_that_did_not_change_keeps_what_was_compiled_for_it() -> None:
    async with engine(webhook("same"), webhook("other")) as bench:
        await bench.post("same", {"id": "1"})
        await bench.post("other", {"id": "1"})
        same, other = bench.switchboard.named("same"), bench.switchboard.named("other")
        await bench.apply(webhook("other", title="changed"))
        assert same is bench.switchboard.named("same")
        assert other is not bench.switchboard.named("other")


async def test_a_changed_connection_changes_every_webhook_that_writes_to_it() -> None:
    async with engine(webhook("away", "far"), webhook("here")) as bench:
        away, here = bench.switchboard.named("away"), bench.switchboard.named("here")
        await bench.apply(connections=[connection(url="http://moved")])
        assert away is not bench.switchboard.named("away")
        assert here is bench.switchboard.named("here")


async def test_a_connector_is_kept_until_its_connection_changes_and_closed_then() -> None:
    async with engine(webhook("away", "far")) as bench:
        first = bench.targets.connectors["far"]
        assert isinstance(first, ScriptedConnector)
        await bench.apply(webhook("more"))
        assert first is bench.targets.connectors["far"]
        await bench.apply(connections=[connection(url="http://moved")])
        assert first is not bench.targets.connectors["far"]
        assert 1 == first.closed


async def test_the_connector_of_a_deleted_connection_is_closed() -> None:
    async with engine() as bench:
        gone: Any = bench.targets.connectors["far"]
        await bench.configurator.delete("connection", "far")
        assert {RECORDS} == bench.targets.connectors.keys()
        assert 1 == gone.closed


async def test_another_process_follows_a_change_by_watching() -> None:
    async with engine(webhook("first")) as bench:
        there = Switchboard()
        board = bench.another_board(Targets(), there)
        watching = asyncio.create_task(board.watch())
        await bench.clock.advance(WATCH_PAUSE)
        assert ["first"] == [line.name for line in there.lines()]
        await bench.configurator.delete("webhook", "first")
        await bench.clock.advance(WATCH_PAUSE)
        assert [] == list(there.lines())
        watching.cancel()


async def test_a_hint_puts_a_change_live_on_every_node_without_any_time_passing() -> None:
    async with engine(webhook()) as bench:
        other = await bench.another_node()
        watching = asyncio.create_task(other.board.watch())
        await bench.clock.settle()
        await bench.apply(webhook("new"))
        await bench.clock.settle()
        assert other.switchboard.named("new") is not None
        watching.cancel()


async def test_watching_goes_on_after_a_connector_that_cannot_be_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with engine(webhook("away", "far")) as bench:
        other = await bench.another_node()
        watching = asyncio.create_task(other.board.watch())
        await bench.clock.settle()
        other.built[0].close = broken  # type: ignore[method-assign]
        await bench.apply(connections=[connection(password="new")])
        await bench.clock.settle()
        await bench.apply(webhook("new"))
        await bench.clock.advance(WATCH_PAUSE)
        assert other.switchboard.named("new") is not None
        assert "will not close" in caplog.text
        watching.cancel()


async def broken() -> None:
    raise RuntimeError("will not close")


async def test_watching_goes_on_after_the_database_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse() -> int:
        raise StoreUnavailable("gone")

    async with engine(webhook("first")) as bench:
        board = bench.another_board(Targets(), there := Switchboard())
        watching = asyncio.create_task(board.watch())
        with monkeypatch.context() as patched:
            patched.setattr(bench.store, "revision", refuse)
            await bench.clock.advance(2 * WATCH_PAUSE)
        assert "configuration not read: gone" in caplog.text
        await bench.clock.advance(WATCH_PAUSE)
        assert ["first"] == [line.name for line in there.lines()]
        watching.cancel()


@pytest.mark.parametrize("document", ["", "not JSON", "[]", "{}", '{"action": 7}', '{"state": "odd"}'])
async def test_a_damaged_webhook_answers_misconfigured_and_the_others_go_on(document: str) -> None:
    async with engine(webhook("sound"), webhook("broken")) as bench:
        row = bench.board.stored.webhooks["broken"]
        await damage(bench, webhooks={"broken": replace(row, document=document)})
        assert (500, MISCONFIGURED) == status(await bench.post("broken", {"id": "1"}))
        assert 200 == (await bench.post("sound", {"id": "1"})).status
        assert 1 == bench.counters.snapshot()["misconfigured", "broken"]


async def test_a_station_starts_on_damaged_rows() -> None:
    """A new board on a database with one bad row of each kind: what is sound is live."""
    async with engine(webhook("sound"), upsert(), panels=[PANEL]) as bench:
        row = bench.board.stored.webhooks["sound"]
        await damage(
            bench,
            webhooks={
                "no-token": replace(row, name="no-token", token="v1.AAAA"),
                "bad-rate": replace(row, name="bad-rate", document='{"access": {"rate": "often"}}'),
            },
            connections={"far": '{"name": "far", "type": "gone"}', "worse": "{"},
            panels={"Bad": "7"},
            specs={("far", ACTIVITY): "no field list"},
        )
        board = bench.another_board(targets := Targets(), there := Switchboard())
        await board.refresh()
        assert {"sound", "panel"} == {line.name for line in there.lines()}
        assert {RECORDS} == targets.connectors.keys()
        assert {"Courses"} == board.panels.keys()
        assert {} == board.specs()


async def test_a_webhook_whose_connection_cannot_be_read_is_misconfigured_until_it_can() -> None:
    async with engine(webhook("away", "far")) as bench:
        row = bench.board.stored.connections["far"]
        await damage(bench, connections={"far": "{"})
        assert (500, MISCONFIGURED) == status(await bench.post("away", {"id": "1"}))
        await damage(bench, connections={"far": row})
        assert 200 == (await bench.post("away", {"id": "1"})).status


async def test_damaged_rows_are_left_out_of_an_export_and_can_be_replaced_and_deleted() -> None:
    async with engine(webhook("sound"), webhook("broken"), webhook("worse")) as bench:
        rows = bench.board.stored.webhooks
        await damage(
            bench, webhooks={name: replace(rows[name], document="{") for name in ("broken", "worse")}
        )
        exported: Any = await bench.configurator.export()
        assert ["sound"] == [one["name"] for one in exported["webhooks"]]
        await bench.apply(webhook("broken"))
        await bench.configurator.delete("webhook", "worse")
        assert 200 == (await bench.post("broken", {"id": "1"})).status
        assert {"sound", "broken"} == bench.board.stored.webhooks.keys()
        assert rows["broken"].token == bench.board.stored.webhooks["broken"].token


async def test_what_a_target_said_of_its_fields_is_what_mappings_go_by() -> None:
    async with engine(webhook("away", "far"), connections=FAR) as bench:
        assert bench.far.entities[ACTIVITY] == bench.board.specs()["far", ACTIVITY]
