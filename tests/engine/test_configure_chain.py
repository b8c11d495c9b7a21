"""Workflows, transfers, polls and schedules, configured: live at once, kept whole, and not taken from under others."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.values import JSON
from hookstation.engine.listing import Listing
from hookstation.engine.plans import matches
from hookstation.errors import Conflict, Invalid
from tests.support.chain import document, poll, schedule, transfer, whole, workflow
from tests.support.engine import Engine, engine
from tests.support.workflows import step

MASKED: JSON = {"type": "bearer", "token": "********"}
HOOK: dict[str, JSON] = {"name": "orders", "authentication": {"type": "none"}, "workflow": "order-came"}


def done(planned: Any) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, one.verb.value) for one in planned.done]


async def test_one_of_each_kind_is_live_at_once_and_stays_when_it_is_applied_again() -> None:
    async with engine() as bench:
        planned = await bench.configurator.apply(whole())
        assert [
            ("workflow", "item-came", "add"),
            ("workflow", "nightly-work", "add"),
            ("transfer", "members", "add"),
            ("poll", "feed", "add"),
            ("poll", "lms-feed", "add"),
            ("schedule", "nightly", "add"),
            ("schedule", "work", "add"),
        ] == done(planned)
        board = bench.board
        assert (["item-came", "nightly-work"], ["members"], ["feed", "lms-feed"], ["nightly", "work"]) == (
            sorted(board.workflows),
            sorted(board.transfers),
            sorted(board.polls),
            sorted(board.schedules),
        )
        assert [] == done(await bench.configurator.apply(whole()))


async def test_what_is_exported_can_be_applied_elsewhere() -> None:
    async with engine() as bench, engine() as other:
        await bench.configurator.apply(whole())
        exported: JSON = await bench.configurator.export()
        await other.configurator.apply(exported)
        assert exported == await other.configurator.export()


async def test_a_workflow_gets_a_version_each_time_it_changes() -> None:
    async with engine() as bench:
        await bench.configurator.apply(document(workflows=[workflow()]))
        assert (1, 0) == (bench.board.workflow_version("courses"), bench.board.workflow_version("other"))
        await bench.configurator.apply(document(workflows=[workflow(title="Courses")]))
        assert 2 == bench.board.workflow_version("courses")


async def test_listeners_are_told_of_new_things_and_of_nothing_else() -> None:
    async with engine() as bench:
        heard: list[int] = []
        bench.board.on_new_things(lambda: heard.append(len(bench.board.schedules)))
        await bench.configurator.apply(document(transfers=[transfer()], schedules=[schedule()]))
        await bench.configurator.apply(document(panels=[]))
        transfers = bench.board.transfers
        await bench.configurator.apply(document(schedules=[schedule(title="Nightly")]))
        assert [1, 1] == heard
        assert transfers is bench.board.transfers


async def test_a_poll_is_a_line_without_a_url() -> None:
    async with engine() as bench:
        await bench.configurator.apply(document(polls=[poll(state="paused")]))
        line = bench.switchboard.named("lms-feed")
        assert line is not None
        assert ("", "paused", "records") == (
            line.token,
            line.state.value,
            bench.switchboard.compiled(line).definition.connection,
        )
        assert bench.switchboard.find("") is None
        await bench.configurator.apply(document(polls=[poll(note="the same line goes")]))
        assert line is not bench.switchboard.named("lms-feed")


async def test_a_webhook_that_starts_a_workflow_is_compiled_without_a_target() -> None:
    async with engine() as bench:
        await bench.configurator.apply(
            document(webhooks=[HOOK], workflows=[workflow("order-came", "webhook")])
        )
        line = bench.switchboard.named("orders")
        assert line is not None
        compiled = bench.switchboard.compiled(line)
        assert ("order-came", None, None, "") == (
            compiled.workflow,
            compiled.local,
            compiled.remote,
            compiled.spec.name,
        )
        assert {"orders": "order-came"} == bench.board.starting()
        assert ["workflow order-came"] == [one.target for one in await Listing(bench.board).webhooks()]


async def refused(bench: Engine, given_document: JSON, *, prune: bool = False) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        await bench.configurator.apply(given_document, prune=prune)
    return [str(problem) for problem in refusal.value.problems]


async def test_the_mapping_of_a_poll_is_checked_like_that_of_a_webhook() -> None:
    async with engine() as bench:
        wrong = {"type": "insert_panel", "connection": "records", "panel": "Courses", "fields": {"Cde": "x"}}
        panel: JSON = {"name": "Courses", "fields": {"Code": {"type": "string", "length": 5}}}
        problems = await refused(
            bench, document(panels=[panel], polls=[poll(), poll(name="two", action=wrong)])
        )
        assert any(one.startswith("polls.1.action.fields.Cde:") for one in problems), problems


async def test_the_schemas_of_steps_are_compiled_before_anything_is_saved() -> None:
    async with engine() as bench:
        check = {"name": "check", "type": "validate", "with": {"schema": {"type": "objct"}}}
        problems = await refused(bench, document(workflows=[workflow(steps=[step(), check])]))
        assert any(one.startswith("workflows.0.steps.1.with.schema") for one in problems), problems


@pytest.mark.parametrize(
    ("timing", "told"),
    [
        (
            {"at": "2020-01-01T09:00", "zone": "Europe/Berlin"},
            "schedules.1.at: 2020-01-01 09:00 (Europe/Berlin)",
        ),
        ({"at": "2099-12-25T09:00", "except": ["2099-12-25"]}, "schedules.1.at: 2099-12-25 09:00 (UTC)"),
        ({"cron": "0 3 * * *", "ends": "2021-01-01"}, "schedules.1.ends: No time of it comes"),
    ],
)
async def test_a_schedule_of_which_no_time_comes_is_saved_with_a_warning(
    timing: dict[str, JSON], told: str
) -> None:
    """A file from last year can be applied; who applies it is told what will not happen."""
    past: dict[str, JSON] = {"name": "past", "transfer": "members", **timing}
    async with engine() as bench:
        planned = await bench.configurator.apply(
            document(transfers=[transfer()], schedules=[schedule(), past])
        )
        [problem] = planned.problems
        assert ("warning", True) == (problem.severity, str(problem).startswith(told)), str(problem)
        assert {"nightly", "past"} == set(bench.board.schedules)


async def test_a_workflow_that_others_start_keeps_its_trigger() -> None:
    async with engine() as bench:
        await bench.configurator.apply(
            document(webhooks=[HOOK], workflows=[workflow("order-came", "webhook")])
        )
        problems = await refused(bench, document(workflows=[workflow("order-came", "manual")]))
        assert [
            "The webhook “orders” would not work any more: workflow: the workflow “order-came” has the trigger "
            "“manual”; set its trigger.type to “webhook” or “change”."
        ] == problems


async def test_pruning_takes_away_what_is_not_named_but_nothing_that_is_needed() -> None:
    async with engine() as bench:
        await bench.configurator.apply(whole())
        problems = await refused(bench, document(schedules=[schedule()]), prune=True)
        assert [
            "schedules.0.transfer: there is no transfer “members”; define it under “transfers”."
        ] == problems
        planned = await bench.configurator.apply(document(transfers=[transfer()]), prune=True)
        assert ["schedule", "schedule", "poll", "poll", "workflow", "workflow", "connection"] == [
            one.kind for one in planned.done
        ]
        assert ({}, ["members"], {}, {}) == (
            bench.board.workflows,
            list(bench.board.transfers),
            bench.board.polls,
            bench.board.schedules,
        )


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("transfer", "members", "is used by the schedule “nightly”; change or delete that first"),
        ("workflow", "item-came", "is used by the poll “feed”; change or delete that first"),
        ("workflow", "nightly-work", "is used by the schedule “work”"),
    ],
)
async def test_a_thing_that_others_name_is_not_deleted(kind: str, name: str, said: str) -> None:
    async with engine() as bench:
        await bench.configurator.apply(whole())
        with pytest.raises(Conflict, match=said):
            await bench.configurator.delete(kind, name)


async def test_all_that_use_a_thing_are_named_kind_by_kind() -> None:
    async with engine() as bench:
        start = {"name": "go", "type": "transfer", "with": {"transfer": "members"}}
        things = document(
            transfers=[transfer()],
            workflows=[workflow("a", steps=[start]), workflow("b", steps=[start])],
            schedules=[schedule()],
        )
        await bench.configurator.apply(things)
        with pytest.raises(
            Conflict, match=r"the workflows “a”, “b” and the schedule “nightly”; .* those first"
        ):
            await bench.configurator.delete("transfer", "members")


async def test_a_thing_that_nothing_names_is_deleted() -> None:
    async with engine() as bench:
        await bench.configurator.apply(whole())
        await bench.configurator.delete("schedule", "work")
        await bench.configurator.delete("workflow", "nightly-work")
        assert ["nightly"] == list(bench.board.schedules)
        assert ["item-came"] == list(bench.board.workflows)


async def test_the_secret_of_a_transfer_is_sealed_and_stays_when_it_is_sent_back_masked() -> None:
    async with engine() as bench:
        target = {
            "type": "http",
            "url": "https://crm.example.org",
            "authentication": {"type": "bearer", "token": "t0ken"},
        }
        await bench.configurator.apply(document(transfers=[transfer(destination=target)]))
        stored = bench.board.stored.things["transfers"]["members"]
        assert "t0ken" not in stored
        exported = await bench.configurator.export()
        assert [] == done(await bench.configurator.apply(exported))
        elsewhere = {**target, "url": "https://other.example.org"}
        exported["transfers"] = [transfer(destination={**elsewhere, "authentication": MASKED})]
        problems = await refused(bench, exported)
        assert [
            "transfers.0.destination.authentication.token: was given for another address; send the secret itself "
            "again, or leave the address as it was."
        ] == problems


async def test_what_steps_match_rows_on_is_known_by_entity() -> None:
    async with engine() as bench:
        panel: JSON = {"name": "Courses", "fields": {"Code": {"type": "string", "length": 5}}}
        change: JSON = {
            "connection": "records",
            "panel": "Courses",
            "match": {"code": "a", "ID": "1"},
            "fields": {"Code": "b"},
        }
        find: JSON = {"connection": "records", "match": {"id": "1", "ActivityType": "X"}}
        drop: JSON = {"connection": "records", "match": {"SEQN": 7}}
        steps: list[JSON] = [
            {"name": "it", "type": "update_panel", "with": change},
            {"name": "found", "type": "find_activities", "with": find},
            {"name": "gone", "type": "delete_activity", "with": drop},
        ]
        planned = await bench.configurator.plan(document(panels=[panel], workflows=[workflow(steps=steps)]))
        expected = {
            "Courses": frozenset({("Code", "ID")}),
            "Activity": frozenset({("ACTIVITY_TYPE", "ID")}),
        }
        assert expected == matches(planned.wanted, planned.wanted.panels)


async def test_a_panel_keeps_the_fields_that_steps_write() -> None:
    async with engine() as bench:
        panel: dict[str, JSON] = {"name": "Courses", "fields": {"Code": {"type": "string", "length": 5}}}
        add: JSON = {"connection": "records", "panel": "Courses", "fields": {"ID": "1", "Code": "b"}}
        steps: list[JSON] = [{"name": "it", "type": "insert_panel", "with": add}]
        await bench.configurator.apply(document(panels=[panel], workflows=[workflow(steps=steps)]))
        other: dict[str, JSON] = {**panel, "fields": {"Grade": {"type": "string"}}}
        assert [
            "The workflow “courses” would not work any more: steps.0.with.fields.Code: “Courses” has no field “Code”."
        ] == await refused(bench, document(panels=[other]))


async def test_a_poll_and_a_webhook_never_have_the_same_name() -> None:
    async with engine() as bench:
        webhook: JSON = {**HOOK, "name": "feed"}
        flow = workflow("order-came", "webhook")
        await bench.configurator.apply(
            document(webhooks=[webhook], workflows=[flow], polls=[poll(name="orders")])
        )
        assert [
            "polls.0.name: “feed” is the name of a webhook; their events are told apart by it, so choose another."
        ] == (await refused(bench, document(polls=[poll(name="feed")])))
        assert [
            "webhooks.0.name: “orders” is the name of a poll; their events are told apart by it, so choose another."
        ] == (await refused(bench, document(webhooks=[HOOK])))
        await bench.configurator.apply(document(webhooks=[HOOK], workflows=[flow]), prune=True)
        assert {} == bench.board.polls
