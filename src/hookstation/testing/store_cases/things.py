"""Workflows, schedules, polls and transfers as configuration, and the versions of workflows."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from dataclasses import replace

from hookstation.core.jobs import POLLS, SCHEDULES, Job
from hookstation.core.workflows.values import Kept, Standing
from hookstation.errors import Conflict
from hookstation.ports.runs import WorkflowVersion
from hookstation.ports.store import ConfigurationChange, Store, StoredConfiguration
from hookstation.testing.store_cases.chaining import FLOW, begin, finish, hold, start
from hookstation.testing.store_cases.making import NOW, join, names

FLOW_IS = ("workflows", FLOW)
KINDS = ("schedules", "polls", "transfers")


class ThingCases:
    """What `ConfigurationChange.things` owes."""

    async def test_things_come_back(self, store: Store) -> None:
        """What is configured is loaded again, each kind by name; a kind without any is not there."""
        things: dict[tuple[str, str], str | None] = {
            FLOW_IS: '{"title": "ü"}', ("workflows", "b"): "{}", ("schedules", "b"): '{"every": "5m"}',
            ("polls", "b"): "[]", ("transfers", "b"): "1",
        }  # fmt: skip

        assert 1 == await store.save_configuration(ConfigurationChange(things=things), 0)

        expected = StoredConfiguration(
            1,
            things={
                "workflows": {FLOW: '{"title": "ü"}', "b": "{}"},
                "schedules": {"b": '{"every": "5m"}'},
                "polls": {"b": "[]"},
                "transfers": {"b": "1"},
            },
            workflow_versions={FLOW: 1, "b": 1},
        )
        assert expected == await store.load_configuration()
        await store.save_configuration(ConfigurationChange(things=dict.fromkeys(things)), 1)
        assert StoredConfiguration(2) == await store.load_configuration()

    async def test_a_change_touches_only_the_things_it_names(self, store: Store) -> None:
        """A change replaces and removes the things that it names, and leaves the others of their name and kind."""
        await _save(store, things={("polls", "a"): "1", ("schedules", "a"): "1", ("polls", "b"): "1"})

        await _save(store, things={("polls", "a"): None, ("polls", "b"): "2"})

        loaded = await store.load_configuration()
        assert {"polls": {"b": "2"}, "schedules": {"a": "1"}} == loaded.things

    async def test_a_schedule_that_is_removed(self, store: Store) -> None:
        """A schedule, poll or transfer that is removed takes its job, what it kept and its standing with it."""
        await store.enqueue([Job(queue, name) for queue in (SCHEDULES, POLLS) for name in ("a", "b")])
        await store.keep([Kept(kind, name, "cursor", "1") for kind in KINDS for name in ("a", "b")])
        await _save(store, things={(kind, name): "{}" for kind in KINDS for name in ("a", "b")})
        for kind in KINDS:
            await store.save_standing(Standing(kind, "a", 1))
            await store.save_standing(Standing(kind, "b", 1))

        await _save(store, things={(kind, "a"): None for kind in KINDS})

        assert [["b"], ["b"]] == [names(await store.list_jobs(queue, "", 9)) for queue in (SCHEDULES, POLLS)]
        assert [{}] * 3 == [await store.get_kept(kind, "a") for kind in KINDS]
        assert [{"cursor": "1"}] * 3 == [await store.get_kept(kind, "b") for kind in KINDS]
        assert [["b"]] * 3 == [list(await store.standings(kind)) for kind in KINDS]

    async def test_a_schedule_that_is_changed(self, store: Store) -> None:
        """A schedule or poll that becomes another one keeps its job, its values and its standing."""
        await store.enqueue([Job(SCHEDULES, "a")])
        await store.keep([Kept("schedules", "a", "cursor", "1")])
        await _save(store, things={("schedules", "a"): "1", ("polls", "a"): "1"})

        await _save(store, things={("schedules", "a"): "2", ("polls", "a"): None})

        assert ["a"] == names(await store.list_jobs(SCHEDULES, "", 9))
        assert {"cursor": "1"} == await store.get_kept("schedules", "a")

    async def test_a_refused_change_writes_no_thing(self, store: Store) -> None:
        """A change of an old revision writes neither a thing nor a version, and removes none."""
        await _save(store, things={FLOW_IS: "1"})

        [refused] = await asyncio.gather(
            store.save_configuration(ConfigurationChange(things={FLOW_IS: "2"}), 0), return_exceptions=True
        )

        assert isinstance(refused, Conflict)
        assert {FLOW: 1} == (await store.load_configuration()).workflow_versions
        assert [1] == await _numbers(store)


class WorkflowVersionCases:
    """What the versions of workflows owe."""

    async def test_each_document_has_its_version(self, store: Store) -> None:
        """A workflow whose document becomes another one gets a version, by whom and why; the same one gets none."""
        await _save(store, things={FLOW_IS: "1"}, by="ada", note="first")
        await _save(store, things={FLOW_IS: "1", ("polls", "p"): "1"}, by="ada")
        await _save(store, things={FLOW_IS: "2", ("polls", "p"): "2"}, by="grace", note="more")

        newest, first = await store.workflow_version(FLOW), await store.workflow_version(FLOW, 1)

        assert newest is not None
        assert first is not None
        assert WorkflowVersion(FLOW, 2, 0, "grace", "more", "2") == replace(newest, at=0)
        assert WorkflowVersion(FLOW, 1, 0, "ada", "first", "1") == replace(first, at=0)
        assert newest.at >= first.at > 0
        assert {FLOW: 2} == (await store.load_configuration()).workflow_versions
        assert [None, None] == [await store.workflow_version(FLOW, 3), await store.workflow_version("p")]

    async def test_versions_are_listed(self, store: Store) -> None:
        """Versions are listed the newest first, page by page, without their documents."""
        for number in range(1, 6):
            await _save(store, things={FLOW_IS: str(number), ("workflows", "other"): str(number)})

        assert [5, 4, 3, 2, 1] == await _numbers(store)
        page = await store.list_workflow_versions(FLOW, 2, 4)
        assert [(3, ""), (2, "")] == [(one.number, one.document) for one in page]
        assert [] == list(await store.list_workflow_versions("nobody", 9))

    async def test_versions_stay_while_a_run_is_there(self, store: Store) -> None:
        """The versions of a workflow that is removed stay until its last run is pruned, and no numbers come again."""
        await join(store, "n1")
        await _save(store, things={FLOW_IS: "1"})
        await begin(store, start(1))
        await _save(store, things={FLOW_IS: None})
        kept = await store.workflow_version(FLOW, 1)
        [leased] = await hold(store)
        await finish(store, leased)
        ended = await _numbers(store)
        await store.prune_runs(NOW * 2, 9)

        assert kept is not None
        assert ("1", [1], []) == (kept.document, ended, await _numbers(store))
        await _save(store, things={FLOW_IS: "1"})
        assert {FLOW: 2} == (await store.load_configuration()).workflow_versions
        assert [2] == await _numbers(store)

    async def test_a_workflow_that_never_ran(self, store: Store) -> None:
        """The versions of a workflow that is removed before it ran go with it; its numbers go on all the same."""
        await _save(store, things={FLOW_IS: "1", ("workflows", "other"): "1"})
        await _save(store, things={FLOW_IS: "2"})

        await _save(store, things={FLOW_IS: None})
        gone = await _numbers(store)
        await _save(store, things={FLOW_IS: "1"})

        assert ([], [3]) == (gone, await _numbers(store))
        assert {FLOW: 3, "other": 1} == (await store.load_configuration()).workflow_versions

    async def test_pruning_leaves_the_versions_of_what_is_there(self, store: Store) -> None:
        """A workflow that is configured keeps its versions, whether a run of it is there or not."""
        await join(store, "n1")
        await _save(store, things={FLOW_IS: "1"})
        await begin(store, start(1))
        [leased] = await hold(store)
        await finish(store, leased)

        assert 1 == await store.prune_runs(NOW * 2, 9)

        assert [1] == await _numbers(store)


async def _save(store: Store, **change: object) -> None:
    await store.save_configuration(ConfigurationChange(**change), await store.revision())  # type: ignore[arg-type]


async def _numbers(store: Store) -> list[int]:
    return [one.number for one in await store.list_workflow_versions(FLOW, 9)]
