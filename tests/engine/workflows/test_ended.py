"""Who waits for the end of a run hears of it, whichever node does it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hookstation.core.workflows.values import RunState
from tests.support.running import bench, step, workflow

KEEP = step("keep", "set", values={"course": "$$trigger.course$$"})
REST = step("rest", "wait", **{"for": "1h"})


async def test_who_waits_here_is_told_at_once(file: Path | None) -> None:
    async with bench(workflow(KEEP), file=file) as made:
        run_id = await made.start("w", {"course": "A"})
        waiting = asyncio.create_task(made.work.shop.ended.wait(run_id, 60))
        await asyncio.sleep(0)
        await made.work_off()
        run = await waiting
        assert run is not None
        assert RunState.SUCCEEDED is run.state
        assert not made.work.shop.ended.is_awaited


async def test_the_end_on_another_node_is_found_in_the_database(file: Path | None) -> None:
    async with bench(workflow(KEEP), file=file) as made:
        run = await made.run("w", {"course": "A"})
        second = await made.another({})
        found = await second.work.shop.ended.wait(run.id, 60)
        assert found is not None
        assert RunState.SUCCEEDED is found.state


async def test_a_run_that_takes_longer_is_not_waited_for(file: Path | None) -> None:
    async with bench(workflow(REST), file=file) as made:
        run = await made.run("w")
        assert await made.work.shop.ended.wait(run.id, 0) is None
        assert not made.work.shop.ended.waits_for(run.id)
