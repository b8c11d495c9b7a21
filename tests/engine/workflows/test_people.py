"""What people do with runs: decide, call, cancel, do again, try; and runs that events begin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hookstation.core.outgoing.hops import MOST
from hookstation.core.values import JSON
from hookstation.core.workflows.values import EntryState, RunState
from hookstation.engine.workflows.calls import digest_of
from hookstation.engine.workflows.texts import shown_run
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.mail import Mail
from hookstation.ports.runs import RunFilter
from hookstation.testing.connector import ScriptedConnector
from tests.support.running import BASE, Bench, bench, insert, output, step, workflow

KEEP = step("keep", "set", values={"course": "$$trigger.course$$"})
ASK = step("ask", "approval", person="ann@example.org", message="Let $$trigger.id$$ in?")


class PostBox(ScriptedConnector):
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        super().__init__("post")
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> list[str]:
        """Take a mail for everybody."""
        self.sent.append(mail)
        return []


async def link(made: Bench, run_id: str) -> str:
    """The token of the one-time URL that a run put out."""
    told = output((await made.entries(run_id))["link"])
    assert isinstance(told, dict)
    assert str(told["link"]).startswith(f"{BASE}/hooks/waits/")
    return str(told["link"]).rpartition("/")[2]


class TestCalls:
    WAIT = workflow(
        step("link", "set", values={"link": "$$run.calls.asked$$"}),
        step("asked", "wait", call=True, expires="1d"),
        step("after", "set", values={"said": "$$steps.asked.call.ok$$"}),
    )

    async def test_a_call_on_the_one_time_url_is_the_steps_output_and_good_once(
        self, file: Path | None
    ) -> None:
        async with bench(self.WAIT, file=file) as made:
            run = await made.run("w")
            assert RunState.WAITING is run.state
            token = await link(made, run.id)
            desk = made.work.desk
            assert 405 == (await desk.answer_wait("GET", token, b"")).status
            assert 400 == (await desk.answer_wait("POST", token, b"{")).status
            assert 200 == (await desk.answer_wait("POST", token, b'{"ok": 3}')).status
            assert 404 == (await desk.answer_wait("POST", token, b'{"ok": 4}')).status
            await made.work_off()
            assert {"said": 3} == output((await made.entries(run.id))["after"])

    async def test_after_its_time_it_is_not_there_and_the_step_fails(self, file: Path | None) -> None:
        async with bench(self.WAIT, file=file) as made:
            run = await made.run("w")
            token = await link(made, run.id)
            await made.clock.advance(86_401)
            assert 404 == (await made.work.desk.answer_wait("POST", token, b"1")).status
            await made.work_off()
            assert "asked: Nobody called the one-time URL in time." == (await made.get(run.id)).error

    async def test_in_a_loop_each_turn_has_its_own_url(self, file: Path | None) -> None:
        inner = [
            step("link", "set", values={"link": "$$run.calls.asked$$"}),
            step("asked", "wait", call=True),
        ]
        loop = {**step("each", "for_each", items="$$trigger$$", at_once=2), "steps": inner}
        async with bench(workflow(loop), file=file) as made:
            run = await made.run("w", [1, 2])
            entries = await made.entries(run.id)
            found = [output(entries[f"each[{turn}]/link"]) for turn in (0, 1)]
            digests = [
                digest_of(str(one["link"]).rpartition("/")[2]) for one in found if isinstance(one, dict)
            ]
            waits = {one.path: one.digest for one in await made.store.list_waits(run_id=run.id)}
            assert {"each[0]/asked": digests[0], "each[1]/asked": digests[1]} == waits


class TestApprovals:
    async def test_a_yes_lets_the_run_go_on(self, file: Path | None) -> None:
        async with bench(workflow(ASK, KEEP), file=file) as made:
            run = await made.run("w", {"id": "7", "course": "A"})
            [wait] = await made.store.list_waits("ann@example.org")
            assert ("Let 7 in?", run.id) == (wait.title, wait.run_id)
            with pytest.raises(Conflict, match="to decide, not for bob"):
                await made.work.desk.decide(run.id, "ask", "bob@example.org", approved=True)
            await made.work.desk.decide(run.id, "ask", "Ann@example.org", approved=True, note="fine")
            await made.work_off()
            decision = output((await made.entries(run.id))["ask"])
            assert isinstance(decision, dict)
            assert (True, "fine") == (decision["approved"], decision["note"])
            assert RunState.SUCCEEDED is (await made.get(run.id)).state
            with pytest.raises(Conflict):
                await made.work.desk.decide(run.id, "ask", "ann@example.org", approved=False)

    async def test_a_no_fails_the_step(self, file: Path | None) -> None:
        async with bench(workflow(ASK), file=file) as made:
            run = await made.run("w", {"id": "7"})
            await made.work.desk.decide(run.id, "ask", "admin", approved=False, note="not now", anybody=True)
            await made.work_off()
            assert "ask: admin said no: not now" == (await made.get(run.id)).error

    async def test_the_person_is_told_reminded_and_in_the_end_not_waited_for(self, file: Path | None) -> None:
        post = PostBox()
        document = workflow(
            step(
                "ask",
                "approval",
                person="ann@example.org",
                message="Well?",
                connection="post",
                remind="1d",
                expire="3d",
                on_expire="continue",
            )
        )
        async with bench(document, file=file, connectors={"post": post}) as made:
            run = await made.run("w")
            for _ in range(3):
                await made.after(86_401)
            run = await made.get(run.id)
            assert (RunState.SUCCEEDED, False) == (run.state, json.loads(run.output)["approved"])
            assert ["ask", "Reminder: ask", "Reminder: ask"] == [one.subject for one in post.sent]
            assert 3 == len({one.message_id for one in post.sent})


class TestAgain:
    FLOW = workflow(KEEP, insert(), step("no", "stop", **{"as": "failure", "message": "no"}))

    async def test_a_run_goes_on_from_the_step_that_failed(self, file: Path | None) -> None:
        async with bench(self.FLOW, file=file) as made:
            run = await made.run("w", {"id": "1", "course": "A"})
            assert RunState.FAILED is run.state
            new = await made.work.desk.again(run.id, "ann", whole=False)
            await made.work_off()
            ended = await made.get(new.id)
            assert (RunState.FAILED, run.id, "manual:ann") == (ended.state, ended.source, ended.trigger)
            assert 1 == len(await made.records())

    async def test_a_whole_run_does_everything_again_with_another_input(self, file: Path | None) -> None:
        async with bench(self.FLOW, file=file) as made:
            run = await made.run("w", {"id": "1", "course": "A"})
            await made.work.desk.again(run.id, "ann", text='{"id": "2", "course": "B"}')
            await made.work_off()
            assert ["1", "2"] == [one["ID"] for one in await made.records()]

    async def test_what_a_person_was_shown_masked_stays_what_it_was(self, file: Path | None) -> None:
        """The page and the API show a run's input masked; who changes a word of it sends the mask back."""
        given: dict[str, JSON] = {
            "id": "1",
            "access_token": "hush",
            "list": [{"pwd": "deep"}, {"pwd": ""}],
            "n": 1,
        }
        async with bench(workflow(KEEP), file=file) as made:
            run = await made.run("w", given)
            changed = shown_run(run).input.replace('"id":"1"', '"id":"2"')
            assert "hush" not in changed
            new = await made.work.desk.again(run.id, "ann", text=changed)
            assert {**given, "id": "2"} == json.loads((await made.get(new.id)).input)

    async def test_a_mask_that_stands_for_nothing_is_refused_at_its_place(self, file: Path | None) -> None:
        async with bench(workflow(KEEP), file=file) as made:
            run = await made.run("w", {"id": "***"})
            with pytest.raises(Invalid, match=r"input\.more\.0\.token: is masked"):
                await made.work.desk.again(run.id, "ann", text='{"id": "***", "more": [{"token": "***"}]}')

    async def test_what_succeeded_has_no_failed_step(self, file: Path | None) -> None:
        async with bench(workflow(KEEP), file=file) as made:
            run = await made.run("w", {"course": "A"})
            with pytest.raises(Conflict, match="Do it again as a whole"):
                await made.work.desk.again(run.id, "ann", whole=False)
            with pytest.raises(Conflict, match=r"ended already \(succeeded\)"):
                await made.work.desk.cancel(run.id, "ann")

    async def test_a_cancelled_child_fails_the_step_that_waits(self, file: Path | None) -> None:
        child = workflow(step("rest", "wait", **{"for": "1h"}), name="child")
        async with bench(child, workflow(step("call", "workflow", workflow="child")), file=file) as made:
            run = await made.run("w")
            [inner] = (await made.store.list_runs(RunFilter("child"), 9)).items
            await made.work.desk.cancel(inner.id, "ann")
            await made.work_off()
            assert (
                "call: The workflow “child” was cancelled: Cancelled by ann."
                == (await made.get(run.id)).error
            )

    async def test_a_cancelled_run_takes_its_children_with_it(self, file: Path | None) -> None:
        child = workflow(step("rest", "wait", **{"for": "1h"}), name="child")
        async with bench(child, workflow(step("call", "workflow", workflow="child")), file=file) as made:
            run = await made.run("w")
            await made.work.desk.cancel(run.id, "ann")
            [inner] = (await made.store.list_runs(RunFilter("child"), 9)).items
            assert RunState.CANCELLED is inner.state


async def test_an_attachment_without_a_type_has_that_of_its_name() -> None:
    post = PostBox()
    attachments: JSON = [
        {"name": "rows.csv", "content": "a"},
        {"name": "rows.csv", "content": "a", "type": "text/x-own"},
        {"name": "rows", "content": "a"},
    ]
    told = {"to": "a@example.org", "subject": "s", "text": "t"}
    send = step("send", "mail", connection="post", attachments=attachments, **told)
    async with bench(workflow(send), connectors={"post": post}) as made:
        assert RunState.SUCCEEDED is (await made.run("w")).state
        [mail] = post.sent
        assert ["text/csv", "text/x-own", "application/octet-stream"] == [
            one.type for one in mail.attachments
        ]


class TestEvents:
    TELL = workflow(step("tell", "emit", type="order.paid", payload={"sum": "$$trigger.sum$$"}), name="tell")

    async def test_an_event_begins_the_workflows_that_want_it(self, file: Path | None) -> None:
        wants = {"type": "event", "types": ["order.*"], "condition": "sum > 10"}
        heard = workflow(step("keep", "set", values={"sum": "$$trigger.sum$$"}), name="heard", trigger=wants)
        async with bench(self.TELL, heard, file=file) as made:
            await made.run("tell", {"sum": 5})
            run = await made.run("tell", {"sum": 50})
            [found] = (await made.store.list_runs(RunFilter("heard"), 9)).items
            assert (RunState.SUCCEEDED, "event:order.paid", 1) == (found.state, found.trigger, found.hops)
            assert RunState.SUCCEEDED is run.state

    async def test_workflows_that_tell_one_another_come_to_an_end(self, file: Path | None) -> None:
        echo = workflow(
            step("tell", "emit", type="order.paid"),
            name="echo",
            trigger={"type": "event", "types": ["order.*"]},
        )
        async with bench(self.TELL, echo, file=file) as made:
            await made.run("tell", {"sum": 1})
            found = (await made.store.list_runs(RunFilter("echo"), 99)).items
            assert MOST == len(found)
            assert (RunState.FAILED, True) == (found[0].state, "begins it again" in found[0].error)

    async def test_a_type_of_the_stations_own_cannot_be_raised(self, file: Path | None) -> None:
        async with bench(workflow(step("tell", "emit", type="$$trigger$$")), file=file) as made:
            run = await made.run("w", "delivery.failed")
            assert run.error.startswith("tell: Types that begin with “delivery” are the station's own;")


class TestTrials:
    async def test_a_dry_run_shows_every_step_and_writes_nothing(self) -> None:
        async with bench(workflow(KEEP, insert(), KEEP | {"name": "last"})) as made:
            plan = await made.plan("w")
            tried = made.work.trials.dry_run(plan, {"id": "1", "course": "A"}, {}, made.clock.now())
            assert [("keep", False), ("insert", True), ("last", False), ("", False)] == [
                (one.path, one.sample) for one in tried
            ]
            assert {"fields": {"ID": "1", "Course": "A"}} == tried[1].input
            assert "succeeded" == tried[-1].state
            assert [] == await made.records()

    async def test_samples_stand_for_what_steps_would_put_out(self) -> None:
        after = step("after", "set", values={"key": "$$steps.insert.record.key$$"})
        async with bench(workflow(KEEP, insert(), after)) as made:
            plan = await made.plan("w")
            given: dict[str, JSON] = {"insert": {"key": "K"}}
            tried = made.work.trials.dry_run(plan, {"id": "1", "course": "A"}, given, made.clock.now())
            assert {"key": "K"} == tried[2].output

    async def test_a_dry_run_says_where_it_would_fail(self) -> None:
        async with bench(workflow(KEEP, insert())) as made:
            plan = await made.plan("w")
            tried = made.work.trials.dry_run(plan, {"id": "1", "course": "x" * 41}, {}, made.clock.now())
            assert ("failed", "failed") == (tried[1].state, tried[-1].state)
            assert "Course" in tried[1].error

    async def test_one_step_is_tried_on_sample_data(self) -> None:
        async with bench(workflow(KEEP, insert())) as made:
            plan = await made.plan("w")
            names: dict[str, JSON] = {"trigger": {"id": "1"}, "vars": {"course": "A"}}
            tried = await made.work.trials.try_step(plan, "insert", names, made.clock.now())
            assert {"fields": {"ID": "1", "Course": "A"}} == tried.input
            with pytest.raises(NotFound):
                await made.work.trials.try_step(plan, "nothing", names, made.clock.now())

    async def test_a_step_elsewhere_is_really_done_where_that_is_asked_for(self) -> None:
        target = ScriptedConnector("far")
        fields = {"ID": "1", "ActivityType": "TEST"}
        document = workflow(step("send", "insert_activity", connection="far", fields=fields))
        async with bench(document, connectors={"far": target}) as made:
            plan = await made.plan("w")
            await made.work.trials.try_step(plan, "send", {}, made.clock.now())
            assert [] == target.executed
            tried = await made.work.trials.try_step(plan, "send", {}, made.clock.now(), really=True)
            assert (1, False) == (len(target.executed), tried.sample)


async def test_runs_with_the_same_key_go_one_after_the_other(file: Path | None) -> None:
    flow = workflow(step("rest", "wait", **{"for": "1m"}), concurrency={"key": "$$trigger.id$$"})
    async with bench(flow, file=file) as made:
        first, second, other = [await made.start("w", {"id": id_}) for id_ in ("1", "1", "2")]
        await made.work_off()
        states = [(await made.get(one)).state for one in (first, second, other)]
        assert [RunState.WAITING, RunState.QUEUED, RunState.WAITING] == states
        await made.after(61)
        assert RunState.WAITING is (await made.get(second)).state
        await made.after(61)
        assert RunState.SUCCEEDED is (await made.get(second)).state


async def test_a_disabled_workflow_begins_no_run() -> None:
    async with bench(workflow(KEEP, state="disabled")) as made:
        with pytest.raises(Conflict, match="set its state to active"):
            await made.start("w")
        with pytest.raises(NotFound):
            await made.start("other")


async def test_an_input_beyond_the_limit_is_refused() -> None:
    async with bench(workflow(KEEP)) as made:
        with pytest.raises(Invalid, match="may have"):
            await made.start("w", "x" * 9_000_000)


async def test_a_run_of_a_version_that_cannot_be_read_fails_with_the_reason() -> None:
    async with bench(workflow(KEEP)) as made:
        run_id = await made.start("w")
        made.live.workflows = {}
        await made.work_off()
        run = await made.get(run_id)
        assert (RunState.FAILED, True) == (run.state, "cannot be run" in run.error)
        assert {} == await made.entries(run_id)


async def test_a_run_is_shown_with_its_history(file: Path | None) -> None:
    async with bench(workflow(KEEP, insert()), file=file) as made:
        run = await made.run("w", {"id": "1", "course": "A"})
        shown = await made.work.desk.show(run.id)
        assert shown.workflow is not None
        assert (["keep", "insert"], "w", 0) == ([one.path for one in shown.entries], shown.workflow.name, 0)
        page = await made.work.desk.steps(run.id, 0, 1)
        assert [EntryState.DONE] == [one.state for one in page.items]
        assert ["insert"] == [one.path for one in (await made.work.desk.steps(run.id, page.next, 1)).items]
        with pytest.raises(NotFound):
            await made.work.desk.show("nothing")
