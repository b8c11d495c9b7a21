"""Schemas are compiled for the first time in a child process that may die of them."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.adapters import schema_child, schema_trial
from hookstation.adapters.schema_trial import ProcessSchemaTrial
from hookstation.core.values import JSON, Number
from hookstation.ports.trial import SchemaTrial

GOOD: JSON = {
    "type": "object",
    "properties": {"amount": {"minimum": Number("19.90")}, "code": {"pattern": "^[A-Z]{2}$"}},
    "required": ["amount"],
}
BAD_PATTERN: JSON = {"properties": {"é": {"pattern": "(a"}}}
TOO_COSTLY: JSON = {"allOf": [{"pattern": f"[\\p{{L}}]{{1,3}}x{number}"} for number in range(5_000)]}
"""No single pattern is over its own limit, but together they are far over the child's memory."""


@pytest.fixture
def trial() -> SchemaTrial:
    return ProcessSchemaTrial()


async def test_a_good_schema_has_no_problems(trial: SchemaTrial) -> None:
    assert await trial.compile(GOOD) == []
    assert await trial.compile(True) == []


async def test_a_schema_that_does_not_compile_says_where(trial: SchemaTrial) -> None:
    (problem,) = await trial.compile(BAD_PATTERN)
    assert problem.path == ("properties", "é", "pattern")
    assert "This pattern cannot be used" in problem.message


async def test_an_empty_batch_needs_no_process(trial: SchemaTrial) -> None:
    assert await trial.compile_many([]) == []


async def test_a_guilty_schema_harms_no_other_in_its_batch(trial: SchemaTrial) -> None:
    verdicts = await trial.compile_many([GOOD, TOO_COSTLY, BAD_PATTERN, GOOD])
    assert [0, 1, 1, 0] == [len(verdict) for verdict in verdicts]
    assert "costs too much to compile" in verdicts[1][0].message
    assert "This pattern cannot be used" in verdicts[2][0].message


async def test_a_large_batch_is_answered_in_order(trial: SchemaTrial) -> None:
    schemas: list[JSON] = [{"minimum": number, "title": "x" * 1_000} for number in range(500)]
    schemas[250] = BAD_PATTERN
    verdicts = await trial.compile_many(schemas)
    assert [250] == [index for index, verdict in enumerate(verdicts) if verdict]
    assert len(verdicts) == 500


async def test_several_callers_are_served(trial: SchemaTrial) -> None:
    verdicts = await asyncio.gather(*(trial.compile(schema) for schema in (GOOD, BAD_PATTERN) * 3))
    assert [0, 1, 0, 1, 0, 1] == [len(verdict) for verdict in verdicts]


async def test_a_child_that_is_not_heard_of_in_time_is_ended() -> None:
    (problem,) = await ProcessSchemaTrial(wall_seconds=0).compile(GOOD)
    assert "costs too much to compile" in problem.message


async def test_after_too_many_guilty_schemas_the_rest_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_trial, "MOST_CRASHES", 2)
    verdicts = await ProcessSchemaTrial(wall_seconds=0).compile_many([GOOD] * 4)
    assert "costs too much" in verdicts[1][0].message
    assert ["The schema was not tried"] * 2 == [verdict[0].message[:24] for verdict in verdicts[2:]]


async def test_a_child_that_cannot_start_is_not_blamed_on_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_trial, "_CHILD", schema_child.__file__ + ".missing")
    (problem,) = await ProcessSchemaTrial().compile(GOOD)
    assert "a fault of the installation" in problem.message


async def test_what_compiled_once_needs_no_process_again(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = ProcessSchemaTrial()
    assert [0, 0, 1] == [len(one) for one in await trial.compile_many([GOOD, True, BAD_PATTERN])]
    monkeypatch.setattr(schema_trial, "_CHILD", schema_child.__file__ + ".missing")
    good, bad = await trial.compile_many([GOOD, BAD_PATTERN])
    assert [] == good
    assert "a fault of the installation" in bad[0].message


async def test_only_so_many_schemas_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_trial, "REMEMBERED", 1)
    trial = ProcessSchemaTrial()
    assert [[], []] == await trial.compile_many([GOOD, True])
    monkeypatch.setattr(schema_trial, "_CHILD", schema_child.__file__ + ".missing")
    assert [1, 0] == [len(one) for one in await trial.compile_many([GOOD, True])]


async def test_the_child_is_not_told_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKSTATION_MASTER_KEY", "secret")
    assert "HOOKSTATION_MASTER_KEY" not in schema_trial.child_environment()


async def test_a_cancelled_trial_leaves_no_process() -> None:
    trial = ProcessSchemaTrial()
    task = asyncio.create_task(trial.compile_many([GOOD] * 2_000))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await trial.compile(GOOD) == []
