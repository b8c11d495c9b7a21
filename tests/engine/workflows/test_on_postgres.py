"""The same runs on PostgreSQL: steps, a loop, a child, a person's word, and a node that dies in a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.core.workflows.values import RunState
from hookstation.errors import UnknownOutcome
from hookstation.ports.store import Store
from hookstation.testing.connector import ScriptedConnector
from tests.engine.workflows.calling import UNMARKED, Calling, dies_in_its_call
from tests.support.postgres import database, postgres
from tests.support.running import bench, insert, output, step, workflow

__all__ = ["database", "postgres"]

KEEP = step("keep", "set", values={"course": "$$trigger.course$$"})
CHECK = step("check", "validate", schema={"type": "object", "required": ["id"]})


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An empty database."""
    opened = await open_postgres(database)
    yield opened
    await opened.close()


async def test_steps_a_loop_and_a_child_all_end(store: Store) -> None:
    inner = {
        **step("each", "for_each", items="$$trigger.items$$", at_once=3),
        "steps": [step("kid", "workflow", workflow="child", input={"id": "$$item$$", "course": "C"})],
    }
    child = workflow(CHECK, KEEP, insert(), name="child")
    async with bench(child, workflow(inner), store=store) as made:
        run = await made.run("w", {"items": ["1", "2", "3", "4"]})
        assert RunState.SUCCEEDED is run.state, run.error
        assert ["1", "2", "3", "4"] == sorted(one["ID"] for one in await made.records())


async def test_a_person_says_what_became_of_a_call(store: Store) -> None:
    target = ScriptedConnector("far")
    target.outcomes.append(UnknownOutcome("no answer"))
    async with bench(workflow(UNMARKED, KEEP), store=store, connectors={"far": target}) as made:
        run = await made.run("w", {"course": "A"})
        assert RunState.UNKNOWN is run.state
        await made.work.desk.resolve(run.id, "send", "ann", happened=True, output={"key": "5"})
        await made.work_off()
        assert RunState.SUCCEEDED is (await made.get(run.id)).state
        assert {"key": "5"} == output((await made.entries(run.id))["send"])


async def test_what_a_dead_node_had_called_is_unknown_to_who_takes_it_over(store: Store) -> None:
    target = Calling()
    async with bench(workflow(UNMARKED), store=store, connectors={"far": target}) as made:
        target.outcomes.append(asyncio.get_running_loop().create_future())
        run_id = await made.start("w")
        await dies_in_its_call(made, target)
        second = await made.another({"far": target})
        await second.work_off()
        assert (RunState.UNKNOWN, 1) == ((await made.get(run_id)).state, len(target.executed))
