"""Short ways to say what the cases about runs ask of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from hookstation.core.jobs import RUNS, Lease
from hookstation.core.records import Effect
from hookstation.core.workflows.values import (
    Entry,
    EntryState,
    Run,
    RunChange,
    RunStart,
    RunState,
    Signal,
    Wait,
    WaitKind,
    run_job,
)
from hookstation.ports.runs import LeasedRun, RunFilter, Turn, Turned, TurnEnd
from hookstation.ports.store import Store
from hookstation.testing.store_cases.making import HOUR, NOW, SECOND, event_id

FLOW: Final = "welcome"
"""The workflow of most runs."""

SUCCEEDED: Final = RunChange(RunState.SUCCEEDED, ended_at=NOW + 9)
FAILED: Final = RunChange(RunState.FAILED, ended_at=NOW + 9, error="it said no")


def run_id(number: int) -> str:
    """The id of the run that was begun `number` seconds after `NOW`."""
    return event_id(number)


def begun(number: int, workflow: str = FLOW, **more: object) -> Run:
    """A run that begins."""
    told = {"trigger": "manual:ada", "input": f'{{"n": {number}}}', **more}
    return Run(run_id(number), workflow, 1, RunState.QUEUED, created_at=NOW + number * SECOND, **told)  # type: ignore[arg-type]


def start(number: int, workflow: str = FLOW, *entries: Entry, delay: int = 0, **more: object) -> RunStart:
    """A run that begins, with its job."""
    run = begun(number, workflow, **more)
    return RunStart(run, run_job(run, delay=delay), entries)


def done(path: str, **more: object) -> Entry:
    """A step that is done, at its first try."""
    return Entry(path, EntryState.DONE, **{"output": f'"{path}"', **more})  # type: ignore[arg-type]


def failed(path: str, attempt: int = 1, **more: object) -> Entry:
    """A try that failed."""
    return Entry(path, EntryState.FAILED, attempt, error="it said no", **more)  # type: ignore[arg-type]


def waiting(path: str, **more: object) -> Entry:
    """A step that waits."""
    return Entry(path, EntryState.WAITING, **more)  # type: ignore[arg-type]


def signal(number: int, path: str = "wait", payload: str = "true", at: int = NOW, who: str = "ada") -> Signal:
    """What a step of a run was waiting for."""
    return Signal(run_id(number), path, at, payload, who)


def call(number: int, path: str = "wait", **more: object) -> Wait:
    """A step of a run that waits for a call; its token's digest tells the run and the path."""
    return Wait(run_id(number), path, WaitKind.CALL, f"{number} {path}".encode(), **more)  # type: ignore[arg-type]


def approval(number: int, path: str = "ask", person: str = "grace", **more: object) -> Wait:
    """A step of a run that waits for a person's decision."""
    return structs.replace(call(number, path), kind=WaitKind.APPROVAL, person=person, **more)


async def begin(store: Store, *starts: RunStart) -> None:
    """Begin runs in a commit each, so that the first one is due the longest."""
    for one in starts:
        assert list(await store.start_runs([one])) == [True]


async def hold(
    store: Store, workflow: str = FLOW, limit: int = 100, node_id: str = "n1", most: int = 0
) -> Sequence[LeasedRun]:
    """Lease the runs that are due."""
    return await store.lease_runs(workflow, node_id, HOUR, limit, most)


async def held(store: Store, *starts: RunStart) -> Sequence[LeasedRun]:
    """Begin runs and lease them; the order is theirs."""
    await store.start_runs(starts)
    leased = {one.run.id: one for one in await hold(store, limit=len(starts))}
    return [leased[one.run.id] for one in starts]


def lost(lease: Lease) -> Lease:
    """A lease that is over."""
    return structs.replace(lease, token=lease.token - 1)


def turn_of(leased: LeasedRun, end: TurnEnd, effect: Effect | None = None) -> Turn:
    """A turn of a leased run."""
    return Turn(leased.leased.lease, lambda _: end, leased.run.id, effect)


async def go(store: Store, leased: LeasedRun, end: TurnEnd, effect: Effect | None = None) -> Turned:
    """Write a turn after which the lease goes on, unless it is said what becomes of the job."""
    goes_on = end.again is None and not (end.run and end.run.ended_at)
    end.keep_seconds = end.keep_seconds or (HOUR if goes_on else 0.0)
    turned = await store.turn(turn_of(leased, end, effect))
    assert turned.held
    return turned


async def rest(store: Store, leased: LeasedRun, *entries: Entry, delay: int, **more: object) -> None:
    """Write a turn after which the run waits for so many microseconds."""
    again = structs.replace(leased.leased.job, delay=delay)
    waits = RunChange(RunState.WAITING, due_at=NOW + 5)
    await go(store, leased, TurnEnd(entries, waits, again, **more))  # type: ignore[arg-type]


async def finish(store: Store, leased: LeasedRun, change: RunChange = SUCCEEDED, **more: object) -> None:
    """Write a turn that ends the run."""
    await go(store, leased, TurnEnd(run=change, **more))  # type: ignore[arg-type]


async def stands(store: Store, number: int) -> RunState:
    """How a run that is there stands."""
    found = await store.get_run(run_id(number))
    assert found is not None
    return found.state


async def is_due(store: Store, number: int) -> bool:
    """Whether a run's job is there and due at once, within a minute."""
    found = await store.find_job(RUNS, run_id(number))
    at = await store.next_due(RUNS, FLOW)
    return found is not None and at is not None and at < 60 * SECOND


async def paths(store: Store, number: int, **which: object) -> list[str]:
    """The paths of a run's entries, as they are listed."""
    found = await store.list_entries(run_id(number), 100, **which)  # type: ignore[arg-type]
    return [one.path for one in found]


async def runs(store: Store, limit: int = 100, after: str = "", **which: object) -> list[int]:
    """The numbers of runs, page by page until there are so many or no more."""
    found: list[str] = []
    while len(found) < limit:
        page = await store.list_runs(RunFilter(**which), limit - len(found), after)  # type: ignore[arg-type]
        found += [one.id for one in page.items]
        after = page.next
        if not after:
            break
    return [int(one[-16:]) for one in found]
