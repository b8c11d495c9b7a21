"""Runs go on: step after step, each result kept before the next begins, by whichever node has them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hookstation.core.values import JSON
from hookstation.core.workflows.values import EntryState, RunState
from hookstation.errors import Busy, Terminal, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from hookstation.testing.connector import ScriptedConnector
from tests.engine.workflows.calling import UNMARKED, Calling, dies_in_its_call
from tests.support.running import bench, insert, output, step, workflow

KEEP = step("keep", "set", values={"course": "$$trigger.course$$"})
SCHEMA = {"type": "object", "required": ["id", "course"]}
CHECK = step("check", "validate", schema=SCHEMA)


def far(name: str = "send", **more: object) -> dict[str, object]:
    """A step that inserts into a target elsewhere, marked so that it can be looked up."""
    fields = {"ID": "$$trigger.id$$", "ActivityType": "TEST", "Note": "$$run.id$$/" + name}
    return step(name, "insert_activity", connection="far", fields=fields, **more)


async def test_steps_put_out_what_later_ones_read_and_the_record_is_there_once(file: Path | None) -> None:
    async with bench(workflow(CHECK, KEEP, insert()), file=file) as made:
        run = await made.run("w", {"id": "1", "course": "A"})
        assert (RunState.SUCCEEDED, "") == (run.state, run.error)
        assert [("1", "A")] == [(one["ID"], one["Course"]) for one in await made.records()]
        entries = await made.entries(run.id)
        assert ["check", "keep", "insert"] == list(entries)
        key = {"connection": "records", "entity": "Courses", "key": "1|1", "inserted": True}
        assert [[], {"course": "A"}, key] == [output(one) for one in entries.values()]
        assert run.output == entries["insert"].output
        assert "run_ended" == made.log.lines[-1][0]


async def test_what_does_not_fit_the_schema_fails_the_run_with_the_reason(file: Path | None) -> None:
    async with bench(workflow(CHECK, KEEP, insert()), file=file) as made:
        run = await made.run("w", {"id": "1"})
        assert RunState.FAILED is run.state
        assert run.error.startswith("check: The data does not fit the schema: course")
        assert [] == await made.records()


@pytest.mark.parametrize(
    ("schema", "state", "told"),
    [
        (SCHEMA, RunState.SUCCEEDED, ""),
        ('{"type": "object", "required": ["id", "course"]}', RunState.SUCCEEDED, ""),
        ({"required": ["other"]}, RunState.FAILED, "does not fit"),
        ("{", RunState.FAILED, "The schema is not JSON"),
        ({"$ref": "https://example.org/schema"}, RunState.FAILED, "The schema cannot be used"),
    ],
)
async def test_a_schema_may_come_from_an_earlier_step(schema: JSON, state: RunState, told: str) -> None:
    """It is looked at before it is compiled, as one that a person saves is."""
    check = step("check", "validate", schema_from="$$trigger.schema$$", data="$$trigger.data$$")
    async with bench(workflow(check)) as made:
        run = await made.run("w", {"schema": schema, "data": {"id": "1", "course": "A"}})
        assert state is run.state
        assert told in run.error


async def test_a_failed_step_may_lead_to_a_later_one(file: Path | None) -> None:
    rescue = step("rescue", "set", values={"why": "$$steps.check$$"})
    document = workflow({**CHECK, "on_failure": {"go_to": "rescue"}}, KEEP, rescue)
    async with bench(document, file=file) as made:
        run = await made.run("w", {})
        assert RunState.SUCCEEDED is run.state
        entries = await made.entries(run.id)
        assert EntryState.SKIPPED is entries["keep"].state
        assert "does not fit" in str(output(entries["rescue"]))


async def test_inputs_are_shown_with_secrets_masked_and_long_ones_end_in_a_mark(file: Path | None) -> None:
    long = step("long", "set", values={"text": "$$trigger.long$$$$trigger.long$$"})
    secret = step("secret", "set", values={"api_key": "$$trigger.id$$", "id": "$$trigger.id$$"})
    async with bench(workflow(secret, long), file=file) as made:
        run = await made.run("w", {"id": "1", "long": "x" * 32_000})
        entries = await made.entries(run.id)
        assert '{"values":{"api_key":"***","id":"1"}}' == entries["secret"].input
        assert {"api_key": "1", "id": "1"} == output(entries["secret"])
        shown = {one.path: one for one in (await made.work.desk.steps(run.id)).items}
        assert {"api_key": "***", "id": "1"} == output(shown["secret"])
        assert entries["long"].output == shown["long"].output
        assert entries["long"].input.endswith('characters)"') or len(entries["long"].input) < 65_536 + 100


async def test_a_loop_inserts_one_record_for_each_item(file: Path | None) -> None:
    inner = step(
        "insert",
        "insert_panel",
        connection="records",
        panel="Courses",
        fields={"ID": "$$item.id$$", "Course": "$$index$$"},
    )
    loop = {**step("each", "for_each", items="$$trigger$$", at_once=3), "steps": [inner]}
    async with bench(workflow(loop), file=file) as made:
        run = await made.run("w", [{"id": str(number)} for number in range(7)])
        assert RunState.SUCCEEDED is run.state, run.error
        found = sorted((one["ID"], one["Course"]) for one in await made.records())
        assert [(str(number), str(number)) for number in range(7)] == found
        results = output((await made.entries(run.id))["each"])
        assert isinstance(results, dict)
        assert (7, 0) == (results["count"], results["failed"])


async def test_branches_run_side_by_side_and_all_end_before_what_follows(file: Path | None) -> None:
    branches = [
        {"name": side, "steps": [step(f"keep-{side}", "set", values={side: "$$trigger.id$$"})]}
        for side in ("a", "b")
    ]
    both = {"name": "both", "type": "parallel", "branches": branches}
    after = step("after", "set", values={"sum": "$$vars.a$$-$$vars.b$$"})
    async with bench(workflow(both, after), file=file) as made:
        run = await made.run("w", {"id": "1"})
        assert RunState.SUCCEEDED is run.state, run.error
        assert {"sum": "1-1"} == output((await made.entries(run.id))["after"])


async def test_a_wait_ends_when_its_time_has_come(file: Path | None) -> None:
    async with bench(workflow(step("rest", "wait", **{"for": "2h"}), KEEP), file=file) as made:
        run = await made.run("w", {"course": "A"})
        assert RunState.WAITING is run.state
        assert run.due_at == made.clock.now() + 7_200_000_000
        await made.after(7_199)
        assert RunState.WAITING is (await made.get(run.id)).state
        await made.after(1.1)
        assert RunState.SUCCEEDED is (await made.get(run.id)).state


async def test_a_wait_for_a_moment_that_is_not_there_fails(file: Path | None) -> None:
    async with bench(workflow(step("rest", "wait", until="$$trigger.at$$")), file=file) as made:
        run = await made.run("w", {})
        assert (RunState.FAILED, "rest: “until” is empty; this step cannot be done without it.") == (
            run.state,
            run.error,
        )


async def test_steps_stand_in_the_order_in_which_they_were_done(file: Path | None) -> None:
    gate = step("open", "gate", condition="exists(run.id)")
    off = {**step("off", "set", values={"a": 1}), "enabled": False}
    async with bench(workflow(gate, off, KEEP, insert()), file=file) as made:
        run = await made.run("w", {"id": "1", "course": "A"})
        assert ["open", "off", "keep", "insert"] == list(await made.entries(run.id))


async def test_a_run_over_its_time_fails_and_nothing_waits_any_more(file: Path | None) -> None:
    document = workflow(step("rest", "wait", **{"for": "2h"}), time="10m")
    async with bench(document, file=file) as made:
        run = await made.run("w")
        await made.after(601)
        run = await made.get(run.id)
        assert (RunState.FAILED, True) == (run.state, "took longer" in run.error)
        assert EntryState.CANCELLED is (await made.entries(run.id))["rest"].state


async def test_a_workflow_waits_for_the_end_of_another_and_gets_what_it_put_out(file: Path | None) -> None:
    child = workflow(KEEP, insert(), name="child")
    parent = workflow(step("call", "workflow", workflow="child", input={"id": "9", "course": "C"}))
    async with bench(child, parent, file=file) as made:
        run = await made.run("w")
        assert RunState.SUCCEEDED is run.state, run.error
        told = output((await made.entries(run.id))["call"])
        assert isinstance(told, dict)
        assert ("succeeded", "9|1") == (told["state"], told["output"]["key"])  # type: ignore[index,call-overload]


async def test_a_child_that_fails_fails_the_step_that_waits(file: Path | None) -> None:
    child = workflow(step("no", "stop", **{"as": "failure", "message": "never"}), name="child")
    async with bench(child, workflow(step("call", "workflow", workflow="child")), file=file) as made:
        run = await made.run("w")
        assert "call: The workflow “child” has failed: no: never" == run.error


async def test_workflows_that_call_themselves_come_to_an_end(file: Path | None) -> None:
    async with bench(workflow(step("call", "workflow", workflow="w")), file=file) as made:
        run = await made.run("w")
        assert RunState.FAILED is run.state
        assert "8 deep" in run.error


async def test_a_node_that_stops_hands_its_runs_over_between_two_steps(file: Path | None) -> None:
    async with bench(workflow(CHECK, KEEP, insert()), file=file) as made:
        run_id = await made.start("w", {"id": "1", "course": "A"})
        await made.lookout.look()
        await made.work.worker.take()
        made.work.shop.stopping = True
        assert 0 == await made.work.drain(5)
        assert ["check"] == list(await made.entries(run_id))
        second = await made.another({})
        await second.work_off()
        assert RunState.SUCCEEDED is (await made.get(run_id)).state
        assert 1 == len(await made.records())


async def test_at_most_so_many_runs_of_a_workflow_are_at_work(file: Path | None) -> None:
    target = Calling()
    document = workflow(UNMARKED, concurrency={"runs": 2})
    async with bench(document, file=file, connectors={"far": target}) as made:
        held = [asyncio.get_running_loop().create_future() for _ in range(3)]
        target.outcomes += held
        for _ in held:
            await made.start("w")
        await made.lookout.look()
        assert 2 == await made.work.worker.take()
        assert 0 == await made.work.worker.take()
        for future in held:
            future.set_result(Written("1"))
        await made.work.worker.drain(5)
        await made.work_off()
        assert 3 == len(target.executed)


class TestElsewhere:
    async def test_the_intent_is_kept_before_the_call(self, file: Path | None) -> None:
        target = ScriptedConnector("far")
        async with bench(workflow(far()), file=file, connectors={"far": target}) as made:
            target.outcomes.append(Written("77"))
            run = await made.run("w", {"id": "1"})
            assert RunState.SUCCEEDED is run.state, run.error
            assert [("1", f"{run.id}/send")] == [
                (one.fields["ID"], one.fields["NOTE"]) for one in target.executed
            ]
            assert "step_ended" in {name for name, _ in made.log.lines}

    async def test_a_busy_target_is_tried_again_by_the_steps_plan(self, file: Path | None) -> None:
        target = ScriptedConnector("far")
        retry = {"attempts": 3, "first": "5s", "factor": 2, "jitter": "0%"}
        async with bench(workflow(far(_retry=retry)), file=file, connectors={"far": target}) as made:
            target.outcomes += [Busy("later", seconds=30), Written("77")]
            run = await made.run("w", {"id": "1"})
            assert RunState.WAITING is run.state
            await made.after(29)
            assert 1 == len(target.executed)
            await made.after(2)
            run = await made.get(run.id)
            assert (RunState.SUCCEEDED, 2) == (run.state, len(target.executed))
            tries = await made.entries(run.id, every=True)
            assert [EntryState.FAILED, EntryState.DONE] == [one.state for one in tries.values()]

    async def test_a_refusal_is_final(self, file: Path | None) -> None:
        target = ScriptedConnector("far")
        async with bench(workflow(far()), file=file, connectors={"far": target}) as made:
            target.outcomes.append(Terminal("no such member"))
            run = await made.run("w", {"id": "1"})
            assert (RunState.FAILED, "send: no such member") == (run.state, run.error)

    @pytest.mark.parametrize(
        ("found", "state", "calls"),
        [
            (LookUp(LookUpVerdict.FOUND, ("77",)), RunState.SUCCEEDED, 1),
            (LookUp(LookUpVerdict.NONE), RunState.FAILED, 1),
            (LookUp(LookUpVerdict.SEVERAL, ("1", "2")), RunState.UNKNOWN, 1),
        ],
    )
    async def test_an_unknown_outcome_is_looked_up(
        self, found: LookUp, state: RunState, calls: int, file: Path | None
    ) -> None:
        target = ScriptedConnector("far", settle_after=60)
        async with bench(workflow(far()), file=file, connectors={"far": target}) as made:
            target.outcomes.append(UnknownOutcome("no answer"))
            target.found.append(found)
            run = await made.run("w", {"id": "1"})
            assert RunState.WAITING is run.state
            await made.after(61)
            assert (state, calls) == ((await made.get(run.id)).state, len(target.executed))

    async def test_without_a_marker_a_person_says_whether_it_happened(self, file: Path | None) -> None:
        target = ScriptedConnector("far")
        async with bench(workflow(UNMARKED, KEEP), file=file, connectors={"far": target}) as made:
            target.outcomes.append(UnknownOutcome("no answer"))
            run = await made.run("w", {"course": "A"})
            assert RunState.UNKNOWN is run.state
            await made.work.desk.resolve(run.id, "send", "ann", happened=True, output={"key": "5"})
            await made.work_off()
            assert RunState.SUCCEEDED is (await made.get(run.id)).state
            assert {"key": "5"} == output((await made.entries(run.id))["send"])
            assert 1 == len(target.executed)

    async def test_what_may_be_repeated_is(self, file: Path | None) -> None:
        target = ScriptedConnector("far")
        document = workflow({**UNMARKED, "when_unknown": "repeat"})
        async with bench(document, file=file, connectors={"far": target}) as made:
            target.outcomes += [UnknownOutcome("no answer"), Written("77")]
            run = await made.run("w")
            await made.after(10)
            assert (RunState.SUCCEEDED, 2) == ((await made.get(run.id)).state, len(target.executed))

    async def test_who_takes_a_run_over_looks_up_what_it_finds_begun(self, file: Path | None) -> None:
        target = Calling()
        async with bench(workflow(KEEP, far()), file=file, connectors={"far": target}) as made:
            target.outcomes.append(asyncio.get_running_loop().create_future())
            run_id = await made.start("w", {"id": "1", "course": "A"})
            await dies_in_its_call(made, target)
            target.found.append(LookUp(LookUpVerdict.FOUND, ("77",)))
            second = await made.another({"far": target})
            await second.after(2)
            run = await made.get(run_id)
            assert (RunState.SUCCEEDED, 1) == (run.state, len(target.executed)), run.error
            assert 1 == (await made.entries(run_id))["keep"].attempt

    async def test_what_was_called_without_a_marker_is_unknown_to_who_takes_it_over(
        self, file: Path | None
    ) -> None:
        target = Calling()
        async with bench(workflow(UNMARKED), file=file, connectors={"far": target}) as made:
            target.outcomes.append(asyncio.get_running_loop().create_future())
            run_id = await made.start("w")
            await dies_in_its_call(made, target)
            second = await made.another({"far": target})
            await second.work_off()
            assert (RunState.UNKNOWN, 1) == ((await made.get(run_id)).state, len(target.executed))

    async def test_a_run_that_is_cancelled_in_its_call_is_let_go(self, file: Path | None) -> None:
        target = Calling()
        async with bench(workflow(UNMARKED), file=file, connectors={"far": target}) as made:
            target.outcomes.append(asyncio.get_running_loop().create_future())
            run_id = await made.start("w")
            await made.lookout.look()
            await made.work.worker.take()
            await target.called.wait()
            await made.work.desk.cancel(run_id, "ann")
            assert 0 == await made.work.worker.drain(5)
            run = await made.get(run_id)
            assert (RunState.CANCELLED, "Cancelled by ann.") == (run.state, run.error)
            [shown] = (await made.work.desk.steps(run_id)).items
            assert EntryState.UNKNOWN is shown.state
