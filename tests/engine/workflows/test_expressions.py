"""Templates and conditions tried on a run: they read what a step behind the last one would, and no secret."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.values import JSON
from hookstation.engine.workflows.expressions import Given
from hookstation.errors import Invalid, NotFound
from tests.support.running import bench, step, workflow

LOOP: dict[str, Any] = {
    **step("each", "for_each", items="$$trigger.list$$"),
    "steps": [step("one", "set", values={"last": "$$item$$"})],
}
STEPS = (
    step("keep", "set", values={"course": "$$trigger.course$$"}),
    LOOP,
    step("open", "gate", condition="trigger.good == true"),
    step("after", "set", values={"never": 1}),
)
GIVEN: JSON = {"course": "A", "list": [1, 2], "token": "hush", "n": 19}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$$trigger.list$$", Given([1, 2])),
        ("$$vars.course$$/{{ vars.last | plus: 1 }}", Given("A/3")),
        ("$$n$$", Given(19)),
        ({"a": ["$$steps.each.results.count$$", "x"]}, Given({"a": [2, "x"]})),
        ("$$vars.never$$", Given(missing=True)),
        ("$$trigger.token$$", Given("***")),
        ("$$run.workflow$$ $$run.trigger$$", Given("w manual:test")),
    ],
)
async def test_a_template_gives_what_a_step_would_read_there(source: JSON, expected: Given) -> None:
    async with bench(workflow(*STEPS)) as made:
        run = await made.run("w", GIVEN)
        assert expected == await made.work.desk.try_template(run.id, source)


async def test_a_template_that_fails_says_why() -> None:
    async with bench(workflow(*STEPS)) as made:
        run = await made.run("w", GIVEN)
        given = await made.work.desk.try_template(run.id, "{{ trigger.course | plus: 1 }}")
        assert (None, True) == (given.value, "plus" in given.error), given


@pytest.mark.parametrize(("source", "holds"), [('vars.course == "A"', True), ("n > 20", False)])
async def test_a_condition_holds_or_does_not(source: str, holds: bool) -> None:
    async with bench(workflow(*STEPS)) as made:
        run = await made.run("w", GIVEN)
        assert Given(holds) == await made.work.desk.try_condition(run.id, source)


async def test_a_run_that_waits_can_be_asked_too() -> None:
    async with bench(workflow(STEPS[0], step("rest", "wait", **{"for": "2h"}))) as made:
        run = await made.run("w", GIVEN)
        assert Given("A") == await made.work.desk.try_template(run.id, "$$vars.course$$")


async def test_what_cannot_be_read_and_what_is_not_there_is_refused() -> None:
    async with bench(workflow(*STEPS)) as made:
        run = await made.run("w", GIVEN)
        with pytest.raises(Invalid):
            await made.work.desk.try_template(run.id, "{{ trigger.course | nothing }}")
        with pytest.raises(Invalid):
            await made.work.desk.try_condition(run.id, "trigger.course ==")
        with pytest.raises(NotFound):
            await made.work.desk.try_template("01KAP2M8C0EXAMPLE000000002", "x")
