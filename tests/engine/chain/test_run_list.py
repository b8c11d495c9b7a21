"""Runs of workflows and of webhooks in one list."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.events import State
from hookstation.core.workflows.values import Run
from hookstation.engine.chain.run_list import AnyRun, RunList, RunsAsked, Status
from hookstation.engine.waiting_room import WaitingRoom
from hookstation.errors import NotFound
from hookstation.ports.store import Acceptance
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.chaining import begun, run_id, start
from hookstation.testing.store_cases.making import NOW, SECOND, ends, entry, event_id, fails, succeeds

WORKS: Final = ends(State.WORKING)
PLAIN, LATER, FLOW, BOTH = "an event", "an event with a run", "a run of a workflow", "an event and its run"


async def filled(kinds: list[str]) -> tuple[RunList, list[str]]:
    """A list of these, the oldest first, and the ids of its runs, newest first."""
    store, ids = MemoryStore(), list[str]()
    for at, kind in enumerate(kinds):
        event, run = 2 * at, 2 * at + 1
        if kind in (PLAIN, LATER):
            own = f"W{at:025d}" if kind == LATER else ""
            await store.accept(Acceptance(entry(event, run_id=own), fails if at % 2 else succeeds))
            ids += [own] if own else []
        if kind == BOTH:
            held = (start(run, event_id=event_id(event), trigger="webhook:courses"),)
            await store.accept(Acceptance(entry(event, run_id=run_id(run)), WORKS, starts=held))
        if kind == FLOW:
            await store.start_runs([start(run)])
        if kind in (BOTH, FLOW):
            ids.append(run_id(run))
    return RunList(store, WaitingRoom(store)), ids[::-1]


def id_of(one: AnyRun) -> str:
    return one.id if isinstance(one, Run) else one.event.run_id


async def pages(runs: RunList, asked: RunsAsked, limit: int) -> list[str]:
    """The ids on all pages."""
    found, after = list[str](), ""
    while True:
        page, after = await runs.list(asked, limit, after)
        assert len(page) <= limit
        found += [id_of(one) for one in page]
        if not after:
            return found


@given(st.lists(st.sampled_from([PLAIN, LATER, FLOW, BOTH]), max_size=25), st.integers(1, 9))
async def test_pages_of_any_size_hold_every_run_once_in_order(kinds: list[str], limit: int) -> None:
    runs, expected = await filled(kinds)
    assert expected == await pages(runs, RunsAsked(), limit)


async def test_few_runs_behind_many_events_are_found_at_once() -> None:
    runs, expected = await filled([FLOW, LATER, *[PLAIN] * 8])
    assert expected == [id_of(one) for one in (await runs.list(RunsAsked(), 2))[0]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (RunsAsked(webhook="courses"), [7, "W1", "W0"]),
        (RunsAsked(webhook="course"), []),
        (RunsAsked(workflow="welcome"), [7, 5]),
        (RunsAsked(trigger="manual:"), [5]),
        (RunsAsked(Status.OPEN), [7, 5]),
        (RunsAsked(Status.QUEUED), [7, 5]),
        (RunsAsked(Status.SUCCEEDED), ["W0"]),
        (RunsAsked(Status.FAILED), ["W1"]),
        (RunsAsked(Status.UNKNOWN), []),
        (RunsAsked(Status.PARKED), []),
        (RunsAsked(Status.DEAD), []),
        (RunsAsked(parent="nobody"), []),
        (RunsAsked(since=NOW + 6 * SECOND), [7]),
    ],
)
async def test_what_is_asked_for_is_found(asked: RunsAsked, expected: list[int | str]) -> None:
    runs, _ = await filled([LATER, LATER, FLOW, BOTH])
    wanted = [run_id(one) if isinstance(one, int) else f"W{one[1:]:0>25}" for one in expected]
    assert wanted == await pages(runs, asked, 10)


async def test_an_event_that_a_workflow_works_on_is_shown_as_its_run() -> None:
    runs, _ = await filled([BOTH, LATER, PLAIN])
    assert begun(1).id == id_of(await runs.show(event_id(0))) == id_of(await runs.show(run_id(1)))
    assert f"W{1:025d}" == id_of(await runs.show(event_id(2)))
    with pytest.raises(NotFound):
        await runs.show("nobody")
