"""Configuration is changed as a whole or not at all, checked against its targets, and live at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.records import ACTIVITY, EntitySpec
from hookstation.core.spectext import read_spec
from hookstation.core.values import JSON
from hookstation.engine import checks
from hookstation.errors import AddressRefused, Conflict, Invalid, NotFound, Problem, Retriable
from hookstation.ports.store import ConfigurationChange
from hookstation.testing.connector import ScriptedConnector
from tests.support.engine import FAR, PANEL, UNFIT, Engine, connection, engine, upsert, webhook

SECRET = "the secret of a sender"
TOKEN: dict[str, JSON] = {"type": "token", "header": "X-Token", "secret": SECRET}
NARROWER: JSON = {"name": "Courses", "fields": {"Other": {"type": "string"}}}
NARROW = EntitySpec(
    ACTIVITY, {name: spec for name, spec in ACTIVITY_SPEC.fields.items() if name != "SOURCE_CODE"}
)


def webhooks(*wanted: JSON, **kinds: JSON) -> JSON:
    return {"version": 1, "webhooks": list(wanted), **kinds}


async def refused(bench: Engine, *wanted: JSON, prune: bool = False, **kinds: JSON) -> list[Problem]:
    """Why this document is not applied; nothing of it is."""
    before = bench.board.stored
    with pytest.raises(Invalid) as told:
        await bench.apply(*wanted, prune=prune, **kinds)
    assert before is bench.board.stored
    assert before.revision == await bench.store.revision()
    return list(told.value.problems)


class TestApplying:
    async def test_a_plan_tells_each_change_and_makes_none(self) -> None:
        async with engine(webhook("kept"), webhook("changed")) as bench:
            revision = await bench.store.revision()
            planned = await bench.configurator.plan(
                webhooks(webhook("kept"), webhook("changed", title="new"), webhook("added"))
            )
            assert {"kept": "keep", "changed": "change", "added": "add"} == {
                change.name: change.verb.value for change in planned.changes if change.kind == "webhook"
            }
            assert [("title",)] == [change.paths for change in planned.changes if change.name == "changed"]
            assert revision == await bench.store.revision()

    async def test_one_bad_thing_keeps_everything_from_being_applied(self) -> None:
        async with engine() as bench:
            problems = await refused(bench, webhook("good"), webhook("bad", fields={"Nope": "x"}))
            assert [("webhooks", 1, "action", "fields", "Nope")] == [problem.path for problem in problems]
            assert bench.switchboard.named("good") is None

    async def test_what_is_not_in_the_document_stays_unless_it_is_pruned(self) -> None:
        async with engine(webhook("old"), webhook("older", "far"), panels=[PANEL]) as bench:
            await bench.apply(webhook("new"))
            assert {"old", "older", "new"} == bench.board.stored.webhooks.keys()
            planned = await bench.apply(webhook("new"), prune=True)
            removed = {change.name for change in planned.changes if change.verb.value == "remove"}
            assert {"old", "older", "far", "Courses"} == removed
            assert (["new"], {}, {}) == (
                [*bench.board.stored.webhooks],
                bench.board.connections,
                bench.board.panels,
            )

    async def test_the_same_document_again_changes_nothing(self) -> None:
        async with engine(webhook("away", "far"), upsert(), panels=[PANEL]) as bench:
            revision = await bench.store.revision()
            planned = await bench.apply(webhook("away", "far"), upsert(), connections=FAR, panels=[PANEL])
            assert [] == planned.done
            assert revision == await bench.store.revision()

    async def test_a_changed_webhook_keeps_its_url_and_its_age(self) -> None:
        async with engine(webhook()) as bench:
            before = bench.board.stored.webhooks["courses"]
            await bench.clock.advance(5)
            await bench.apply(webhook(title="new"))
            after = bench.board.stored.webhooks["courses"]
            assert (before.token, before.created_at) == (after.token, after.created_at)
            assert 5_000_000 == after.updated_at - before.updated_at

    @pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"version": 2}, {"version": 1, "hooks": []}])
    async def test_what_is_no_document_is_refused(self, document: JSON) -> None:
        async with engine(webhook()) as bench:
            for prune in (False, True):
                with pytest.raises(Invalid):
                    await bench.configurator.apply(document, prune=prune)
            assert ["courses"] == [*bench.board.stored.webhooks]

    async def test_a_change_underneath_is_a_conflict(self) -> None:
        """Another process saved between the plan and the write."""
        async with engine(webhook()) as bench:
            saving = bench.store.save_configuration

            async def overtaken(change: ConfigurationChange, expected_revision: int) -> int:
                await saving(ConfigurationChange(), expected_revision)
                return await saving(change, expected_revision)

            bench.store.save_configuration = overtaken  # type: ignore[method-assign]
            with pytest.raises(Conflict, match="changed by somebody else"):
                await bench.apply(webhook(title="mine"))
            bench.store.save_configuration = saving  # type: ignore[method-assign]
            await bench.apply(webhook(title="mine"))

    async def test_a_schema_that_cannot_stand_is_told_at_its_place(self) -> None:
        async with engine() as bench:
            problems = await refused(bench, webhook(schema={"properties": {"id": {"type": "strnig"}}}))
            assert ("webhooks", 0, "schema") == problems[0].path[:3]

    async def test_an_order_by_what_the_schema_does_not_declare_is_told_at_its_place(self) -> None:
        async with engine() as bench:
            [problem] = await refused(bench, webhook(answer="queued", work={"order": "by $$nota$$"}))
            assert (("webhooks", 0, "work", "order"), 3) == (problem.path, problem.position)
            assert "Did you mean “note”?" in problem.message

    async def test_filter_calls_of_other_suites_are_saved_in_the_form_that_works(self) -> None:
        written: JSON = webhook(fields={"Note": '{{ note.format("yyyy") }}'})
        async with engine(written) as bench:
            exported: Any = await bench.configurator.export()
            assert '{{ note | format: "yyyy" }}' == exported["webhooks"][0]["action"]["fields"]["Note"]
            assert "format(" not in bench.board.stored.webhooks["courses"].document
            assert [] == (await bench.configurator.plan(webhooks(written))).done


class TestSecrets:
    async def test_secrets_are_sealed_in_the_store_and_masked_in_an_export(self) -> None:
        async with engine(
            webhook(authentication=TOKEN), connections=[connection(password="a password")]
        ) as bench:
            stored, exported = bench.board.stored, str(await bench.configurator.export())
            for text in (str(stored), exported):
                assert SECRET not in text
                assert "a password" not in text
            assert bench.board.token(stored.webhooks["courses"]) not in str(stored)
            assert 2 == exported.count("********")

    async def test_a_mask_that_is_sent_back_leaves_the_secret_as_it_is(self) -> None:
        async with engine(webhook(authentication=TOKEN)) as bench:
            exported: Any = await bench.configurator.export()
            assert [] == (await bench.configurator.apply(exported)).done
            exported["webhooks"][0]["title"] = "new"
            await bench.configurator.apply(exported)
            assert 200 == (await bench.post("courses", {"id": "7"}, x_token=SECRET)).status

    @pytest.mark.parametrize("moved", ["http://elsewhere", "https://target", "http://target:81"])
    async def test_a_secret_is_not_carried_to_another_address(self, moved: str) -> None:
        """A mask, or a reference that is not resolved anew: it is asked for again, and the new place is not tried."""
        for kept, given in (("********", {}), ("${env:FAR}", {"/connections/0/password": "${env:FAR}"})):
            before = connection(password="a password")
            async with engine(webhook("away", "far")) as bench:
                await bench.configurator.apply(webhooks(connections=[before]), given)
                built, asked = len(bench.built), len(bench.far.described)
                problems = await refused(bench, connections=[connection(url=moved, password=kept)])
                [problem] = [one for one in problems if one.severity == "error"]
                assert ("connections", 0, "password") == problem.path
                assert "send the secret itself again" in problem.message
                assert (built, asked) == (len(bench.built), len(bench.far.described))
                await bench.apply(connections=[connection(url=moved, password="another")])

    async def test_a_secret_stays_with_its_address_however_that_is_written(self) -> None:
        async with engine(connections=[connection(password="a password")]) as bench:
            for same in ("http://TARGET:80", "http://target/path"):
                await bench.apply(connections=[connection(url=same, password="********")])
            secret = bench.board.connections["far"].secrets["password"]
            assert "a password" == secret.reveal()

    async def test_a_reference_that_is_resolved_anew_may_go_to_another_address(self) -> None:
        given = {"/connections/0/password": "${env:FAR}"}
        async with engine() as bench:
            for url in ("http://target", "http://elsewhere"):
                document = webhooks(connections=[connection(url=url, password="a password")])
                await bench.configurator.apply(document, given)

    async def test_a_reference_is_what_an_export_shows(self) -> None:
        async with engine() as bench:
            await bench.configurator.apply(
                webhooks(webhook(authentication=TOKEN)),
                {"/webhooks/0/authentication/secret": "${env:LMS_TOKEN}"},
            )
            exported: Any = await bench.configurator.export()
            assert "${env:LMS_TOKEN}" == exported["webhooks"][0]["authentication"]["secret"]
            assert [] == (await bench.configurator.apply(exported)).done


class TestTargets:
    async def test_a_targets_field_list_checks_the_mapping_and_is_kept(self) -> None:
        async with engine(connections=FAR) as bench:
            bench.far.entities = {ACTIVITY: NARROW}
            problems = await refused(bench, webhook("away", "far", marked=True))
            assert ("webhooks", 0, "action", "fields", "SourceCode") == problems[0].path
            await bench.apply(webhook("away", "far"))
            assert NARROW == read_spec(bench.board.stored.specs["far", ACTIVITY])

    async def test_each_entity_is_asked_once_however_many_webhooks_write_it(self) -> None:
        async with engine(*(webhook(str(number), "far") for number in range(5))) as bench:
            assert [ACTIVITY] == bench.far.described

    async def test_a_panel_that_the_target_does_not_have_is_an_error(self) -> None:
        action = {"type": "insert_panel", "connection": "far", "panel": "Nope", "fields": {"ID": "$$id$$"}}
        async with engine() as bench:
            problems = await refused(bench, webhook(action=action))
            assert ("webhooks", 0, "action", "panel") == problems[0].path

    async def test_what_is_wrong_with_many_webhooks_is_told_in_their_order(self) -> None:
        async with engine() as bench:
            bench.far.entities = {}
            problems = await refused(bench, *(webhook(f"w{number}", "far") for number in range(8)))
        assert [("webhooks", index, "action", "connection") for index in range(8)] == [
            problem.path for problem in problems
        ]

    async def test_a_target_that_is_off_line_is_a_warning_and_the_usual_fields_check_the_mapping(
        self,
    ) -> None:
        async with engine() as bench:
            bench.far.refusal = Retriable("off-line")
            planned = await bench.apply(webhook("away", "far"))
            [warning] = planned.problems
            assert ("warning", ("webhooks", 0, "action", "connection")) == (warning.severity, warning.path)
            assert "off-line" in warning.message
            assert "what is usual" in warning.message
            assert {} == bench.board.stored.specs
            errors = await refused(bench, webhook("away", "far", fields={"Nope": "x"}))
            assert ["warning", "error"] == [problem.severity for problem in errors]

    async def test_what_an_off_line_target_said_earlier_goes_on_checking(self) -> None:
        async with engine(connections=FAR) as bench:
            bench.far.entities = {ACTIVITY: NARROW}
            await bench.apply(webhook("away", "far"))
            bench.far.refusal = Retriable("off-line")
            problems = await refused(bench, webhook("more", "far", marked=True))
            assert {"action"} == {str(problem.path[2]) for problem in problems}
            assert "what it said earlier" in problems[0].message

    async def test_a_target_that_does_not_answer_in_time_is_off_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks, "ASK_SECONDS", 0.01)

        async def silent(_: object, entity: str) -> EntitySpec:
            await asyncio.get_running_loop().create_future()
            raise AssertionError(entity)

        async with engine() as bench:
            monkeypatch.setattr(ScriptedConnector, "describe", silent)
            planned = await bench.apply(webhook("away", "far"))
            assert ["warning"] == [problem.severity for problem in planned.problems]

    async def test_asking_again_refreshes_what_is_kept(self) -> None:
        async with engine(webhook("away", "far")) as bench:
            made = bench.targets.connectors["far"]
            assert isinstance(made, ScriptedConnector)
            made.entities = {ACTIVITY: NARROW}
            assert [ACTIVITY] == await bench.configurator.refresh_fields("far")
            assert NARROW == bench.board.specs()["far", ACTIVITY] == bench.targets.spec("far", ACTIVITY)
            assert [] == await bench.configurator.refresh_fields("records")
            with pytest.raises(NotFound):
                await bench.configurator.refresh_fields("nobody")

    async def test_settings_that_do_not_fit_together_are_told_at_their_connection(self) -> None:
        """Nothing is saved that could not be put live."""
        async with engine(webhook()) as bench:
            unfit = connection("other", UNFIT)
            for wanted in ([], [webhook("away", "other")]):
                problems = await refused(bench, *wanted, connections=[connection("third"), unfit])
                assert ("connections", 1, "password") in [problem.path for problem in problems]

    async def test_every_connector_made_for_a_check_is_closed(self) -> None:
        async with engine(webhook("away", "far")) as bench:
            await bench.configurator.plan(webhooks(webhook("more", "far")))
            live = bench.targets.connectors["far"]
            assert {1} == {made.closed for made in bench.built if made is not live}

    @pytest.mark.parametrize(
        "failure",
        [Retriable("off-line"), AddressRefused("private"), NotFound("panel", "x"), ValueError("ours")],
    )
    async def test_a_connector_is_closed_whatever_its_target_says(self, failure: Exception) -> None:
        others = [connection(name) for name in ("far", "other")]
        async with engine(connections=others) as bench:
            before = len(bench.built)
            bench.far.refusal = failure
            with suppress(Invalid, ValueError):
                await bench.apply(webhook("more", "far"), webhook("most", "other"), connections=others)
            assert [1, 1] == [made.closed for made in bench.built[before:]]

    async def test_a_connector_is_closed_where_another_one_cannot_be_made_or_closed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        others = [connection(name) for name in ("far", "other", "third")]
        async with engine(connections=others) as bench:
            before, closing = len(bench.built), ScriptedConnector.close

            async def broken(made: ScriptedConnector) -> None:
                await closing(made)
                raise OSError("it does not let go")

            monkeypatch.setattr(ScriptedConnector, "close", broken)
            with pytest.raises(OSError, match="let go"):
                await bench.apply(*(webhook(name, name) for name in ("far", "other", "third")))
            monkeypatch.undo()
            assert [1, 1, 1] == [made.closed for made in bench.built[before:]]


class TestDependents:
    async def test_a_panel_change_that_breaks_a_webhook_outside_the_document_is_refused(self) -> None:
        async with engine(upsert(), panels=[PANEL]) as bench:
            problems = await refused(bench, panels=[NARROWER])
            assert [()] == [problem.path for problem in problems]
            assert "The webhook “panel” would not work any more" in problems[0].message

    async def test_with_pruning_a_webhook_that_stays_as_it_is_is_checked_too(self) -> None:
        async with engine(upsert(), panels=[PANEL]) as bench:
            problems = await refused(bench, upsert(), panels=[NARROWER], prune=True)
            assert "would not work any more" in problems[0].message

    async def test_with_pruning_a_webhook_that_goes_stands_in_no_ones_way(self) -> None:
        async with engine(upsert(), panels=[PANEL]) as bench:
            await bench.apply(panels=[NARROWER], prune=True)
            assert {} == bench.board.stored.webhooks

    async def test_both_may_change_together(self) -> None:
        wider: JSON = {**PANEL, "fields": {"Code": {"type": "string", "length": 50}}}
        async with engine(upsert(), panels=[PANEL]) as bench:
            await bench.apply(upsert(title="wider"), panels=[wider])
            assert 200 == (await bench.post("panel", {"id": "7", "note": "x" * 50})).status

    async def test_a_connection_change_asks_the_new_target_for_the_webhooks_that_stay(self) -> None:
        async with engine(webhook("away", "far", marked=True)) as bench:
            bench.far.entities = {ACTIVITY: NARROW}
            problems = await refused(bench, connections=[connection(url="http://moved")])
            assert "away" in problems[0].message


class TestTakingAway:
    async def test_what_a_webhook_uses_cannot_be_deleted_before_it(self) -> None:
        async with engine(webhook("away", "far"), upsert(), panels=[PANEL]) as bench:
            for kind, name, user in (("connection", "far", "away"), ("panel", "Courses", "panel")):
                with pytest.raises(Conflict, match=f"used by the webhook “{user}”"):
                    await bench.configurator.delete(kind, name)
                await bench.configurator.delete("webhook", user)
                await bench.configurator.delete(kind, name)
            assert ({}, {}) == (bench.board.stored.connections, bench.board.stored.panels)

    async def test_a_panel_of_another_target_does_not_hold_one_of_the_same_name_here(self) -> None:
        action = {"type": "insert_panel", "connection": "far", "panel": "Courses", "fields": {"ID": "$$id$$"}}
        async with engine(panels=[PANEL]) as bench:
            bench.far.entities = {**bench.far.entities, "Courses": bench.board.panels["Courses"].spec}
            await bench.apply(webhook(action={**action, "fields": {"ID": "$$id$$", "Code": "x"}}))
            await bench.configurator.delete("panel", "Courses")

    @pytest.mark.parametrize("kind", ["webhook", "connection", "panel"])
    async def test_what_is_not_there_is_not_found(self, kind: str) -> None:
        async with engine() as bench:
            with pytest.raises(NotFound, match=f"no {kind} “nobody”"):
                await bench.configurator.delete(kind, "nobody")

    async def test_a_deleted_webhook_is_gone_at_once_and_its_events_stay(self) -> None:
        async with engine(webhook()) as bench:
            await bench.post("courses", {"id": "7"})
            line = bench.switchboard.named("courses")
            assert line is not None
            await bench.configurator.delete("webhook", "courses")
            assert bench.switchboard.find(line.token) is None
            assert (1, 1) == (len(await bench.events()), len(await bench.records()))

    async def test_what_a_deleted_target_said_is_forgotten(self) -> None:
        """Another system may get its name."""
        async with engine(webhook("away", "far")) as bench:
            await bench.configurator.delete("webhook", "away")
            await bench.configurator.delete("connection", "far")
            assert {} == bench.board.stored.specs

    async def test_what_a_pruned_target_said_is_forgotten(self) -> None:
        async with engine(webhook("away", "far")) as bench:
            await bench.apply(prune=True)
            assert {} == bench.board.stored.specs


class TestRotating:
    async def test_the_old_url_is_dead_at_once(self) -> None:
        async with engine(webhook()) as bench:
            line = bench.switchboard.named("courses")
            assert line is not None
            token = await bench.configurator.rotate("courses")
            assert bench.switchboard.find(line.token) is None
            found = bench.switchboard.find(token)
            assert found is not None
            assert "courses" == found.name

    async def test_a_webhook_that_is_not_there_is_not_found(self) -> None:
        async with engine() as bench:
            with pytest.raises(NotFound):
                await bench.configurator.rotate("nobody")

    async def test_a_new_token_repairs_one_that_cannot_be_opened(self) -> None:
        async with engine(webhook()) as bench:
            row = replace(bench.board.stored.webhooks["courses"], token="v1.AAAA")
            await bench.store.save_configuration(
                ConfigurationChange(webhooks={"courses": row}), await bench.store.revision()
            )
            await bench.configurator.rotate("courses")
            assert 200 == (await bench.post("courses", {"id": "7"})).status
