"""Both databases and the in-memory twin agree about runs and turns, whatever is asked of them."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs

from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.events import Settlement, State
from hookstation.core.jobs import RUNS
from hookstation.core.records import Effect, Operation
from hookstation.core.workflows.values import (
    ENDED,
    Entry,
    EntryState,
    EventEnd,
    Hashes,
    Kept,
    Outcome,
    RunChange,
    RunStart,
    RunState,
    Standing,
)
from hookstation.errors import HookstationError
from hookstation.ports.runs import LeasedRun, RunFilter, Turn, TurnEnd
from hookstation.ports.store import Acceptance, ConfigurationChange, EventFilter, Store
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.chaining import FLOW, approval, call, run_id, signal, start
from hookstation.testing.store_cases.making import (
    COURSES,
    HOUR,
    LATER,
    NOW,
    SECOND,
    ends,
    entry,
    event_id,
    insert,
    join,
    mark,
    update,
)
from hookstation.testing.store_cases.outgoing import emission
from tests.support.postgres import Given, Server, new_database

Step: TypeAlias = tuple[object, ...]

EXAMPLES = settings().max_examples // 4
"""Each needs a database of its own."""

FLOWS = (FLOW, "other")
PATHS = ("a", "each", "each[1]/b", "each[12]/b", "ask")


class Written(NamedTuple):
    """What a turn is to write, in few words."""

    entries: list[tuple[str, EntryState, int]]
    change: RunState | None
    job: str
    signals: list[tuple[int, str]]
    waits: list[tuple[str, bool]]
    accepts: list[tuple[str, State]]
    effect: str
    more: frozenset[str]


_entries = some.tuples(some.sampled_from(PATHS), some.sampled_from(EntryState), some.integers(1, 2))
_written = some.builds(
    Written,
    some.lists(_entries, max_size=3),
    some.none() | some.sampled_from(RunState),
    some.sampled_from(["gone", "kept", "again", "rests", "rests unseen"]),
    some.lists(some.tuples(some.integers(0, 9), some.sampled_from(PATHS)), max_size=2),
    some.lists(some.tuples(some.sampled_from(PATHS), some.booleans()), max_size=2),
    some.lists(
        some.tuples(some.sampled_from(["", "k1", "k2"]), some.sampled_from(["succeeded", "failed", "there"])),
        max_size=3,
    ),
    some.sampled_from(["", "", "insert", "update", "delete", "nobody", "raises"]),
    some.frozensets(
        some.sampled_from(["hashes", "kept", "unkept", "well", "badly", "event", "emission", "start"])
    ),
)
_starts = some.tuples(
    some.sampled_from(FLOWS), some.sampled_from(["", "k"]), some.none() | some.integers(0, 9)
)
_places = some.lists(some.integers(0, 9), max_size=3)
_steps: some.SearchStrategy[Step] = some.one_of(
    some.tuples(some.just("start"), some.lists(_starts, max_size=3)),
    some.tuples(some.just("accept"), some.sampled_from([State.WORKING, State.REJECTED]), _starts),
    some.tuples(some.just("lease"), some.sampled_from(FLOWS), some.integers(0, 2)),
    some.tuples(some.just("work"), _written, _written),
    some.tuples(some.just("turn"), some.integers(0, 4), _written),
    some.tuples(some.just("signal"), some.integers(0, 9), some.sampled_from(PATHS)),
    some.tuples(some.just("cancel"), _places),
    some.tuples(some.just("reap")),
    some.tuples(some.just("prune"), some.sampled_from([3, 9, 9_000]), some.sampled_from([1, 100])),
    some.tuples(some.just("forget"), some.integers(1, 2)),
    some.tuples(
        some.just("things"), some.sampled_from([*FLOWS, "polls"]), some.sampled_from(["1", "2", None])
    ),
)
many_steps = some.lists(_steps, max_size=25)


class Asker:
    """Asks a store; what was leased is named by when, since each store has tokens of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.leased: list[LeasedRun] = []
        self.count = 0

    async def take(self, step: Step) -> object:
        """Do one step."""
        match step:
            case ("start", list(given)):
                return list(await self.store.start_runs([self._start(*one) for one in given]))
            case ("accept", State() as state, tuple(given)):
                begun = self._start(*given)
                return await self.store.accept(Acceptance(entry(self.count), ends(state), starts=(begun,)))
            case ("lease", str(name), int(most)):
                found = await self.store.lease_runs(name, "n1", HOUR if most else 0, 100, most)
                found = sorted(found, key=lambda one: one.run.id)
                self.leased += found
                return [(one.leased.job, one.run, one.entries, set(one.signals)) for one in found]
            case ("work", Written() as first, Written() as second):
                await self.store.start_runs([self._start(FLOW, "", None)])
                told = [await self.take(("lease", FLOW, 9))]
                return told + [
                    await self._turn(self.leased[-1], one) for one in (first, second) if self.leased
                ]
            case ("turn", int(place), Written() as written):
                return self.leased and await self._turn(self.leased[-1 - place % len(self.leased)], written)
        return await self._other(step)

    async def _other(self, step: Step) -> object:
        match step:
            case ("signal", int(place), str(path)):
                return list(await self.store.signal([signal(self._number(place), path)]))
            case ("cancel", list(places)):
                ids = [run_id(self._number(place)) for place in places]
                return set(await self.store.cancel_runs(ids, NOW + 5, "why"))
            case ("reap",):
                return await self.store.reap(HOUR)
            case ("prune", int(seconds), int(limit)):
                return await self.store.prune_runs(NOW + seconds * SECOND, limit)
            case ("forget", int(limit)):
                return await self.store.forget_hashes("delta", limit)
            case ("things", str(name), (str() | None) as document):
                kind = "polls" if name == "polls" else "workflows"
                change = ConfigurationChange(things={(kind, name): document}, by="ada")
                return await self.store.save_configuration(change, await self.store.revision())
        raise AssertionError(step)

    async def _turn(self, found: LeasedRun, written: Written) -> object:
        end = self._end(found, written)
        turn = Turn(
            found.leased.lease, _raising if written.effect == "raises" else lambda _: end, found.run.id
        )
        turn.effect = _effect(written.effect)
        try:
            told = await self.store.turn(turn)
        except (HookstationError, ValueError) as refused:
            return type(refused)
        return told.held, told.effect, list(told.accepted), list(told.begun)

    def _end(self, found: LeasedRun, written: Written) -> TurnEnd:
        self.count += 1
        number, more, at = int(found.run.id[-16:]), written.more, NOW + self.count * SECOND
        told = structs.replace(found.leased.job, tries=self.count)
        again = {"again": told, "rests": structs.replace(told, delay=LATER)}
        again["rests unseen"] = again["rests"]
        change = (
            None
            if written.change is None
            else RunChange(
                written.change,
                at,
                at if written.change in ENDED else 0,
                0,
                f"error {self.count}",
                f"[{self.count}]",
            )
        )
        return TurnEnd(
            tuple(Entry(path, state, tries, output=f"{self.count}") for path, state, tries in written.entries),
            change,
            None if written.change in ENDED else again.get(written.job),
            HOUR if written.job == "kept" and written.change not in ENDED else 0.0,
            9 if written.job == "rests" else 0,
            EventEnd(event_id(number), Settlement(State.FAILED, 500, b"{}", "no"), at) if "event" in more else None,
            (self._start("other", "k", number),) if "start" in more else (),
            tuple(
                signal(self._number(place), path, at=at)
                for place, path in written.signals
                if self._number(place) != number
            ),
            tuple((approval if asks else call)(number, path) for path, asks in written.waits),
            (emission(self._next()),) if "emission" in more else (),
            tuple(self._accept(key, state) for key, state in written.accepts),
            (Kept("polls", "polls", "a", "" if "unkept" in more else f"{self.count}"),) if "kept" in more else (),
            Hashes("delta", {"a": b"%d" % self.count, f"{number}": b"x"}) if "hashes" in more else None,
            tuple(Outcome("polls", "polls", word == "well", at, word) for word in ("well", "badly") if word in more),
        )  # fmt: skip

    def _accept(self, key: str, state: str) -> Acceptance:
        number = 1 if state == "there" else self._next()
        settle = ends(State.FAILED if state == "failed" else State.SUCCEEDED, 200)
        return Acceptance(entry(number), settle, mark=mark(number, key) if key else None)

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _start(self, workflow: str, key: str, parent: int | None) -> RunStart:
        """A run with a number of its own, or where its parent would be itself, one that may be there."""
        number = self._next()
        return start(number, workflow, key=key, parent=run_id(self._number(parent)) if parent else "")

    def _number(self, place: int) -> int:
        return max(self.count - place, 0)


def _effect(kind: str) -> Effect | None:
    match kind:
        case "insert":
            return insert(COURSES, ID="7", Code="X")
        case "update":
            return update(COURSES, {"Code": "X"}, Grade="A")
        case "delete":
            return Effect(COURSES, Operation.DELETE, {}, {"Code": "X"})
        case "nobody":
            return insert(COURSES, Code="X")
    return None


def _raising(_: object) -> TurnEnd:
    raise ValueError("this step is broken")


FILTERS = (
    RunFilter(),
    *(RunFilter(states=frozenset({state})) for state in RunState),
    RunFilter(workflow=FLOW, states=ENDED),
    RunFilter(workflow="other", trigger="manual:"),
    RunFilter(parent=run_id(1)),
    RunFilter(since=NOW + 3 * SECOND, until=NOW + 9 * SECOND),
)


async def seen(store: Store, count: int) -> list[object]:
    """All that can be read."""
    shown: list[object] = [list((await store.list_runs(which, 100)).items) for which in FILTERS]
    for number in range(count + 1):
        one = run_id(number)
        shown += [await store.get_run(one), await store.list_entries(one, 100, every=True)]
        shown += [await store.list_entries(one, 9, under="each"), set(await store.list_signals(one))]
        shown += [await store.list_waits(run_id=one), await store.list_attempts(event_id(number))]
    shown += [(one.job, one.state, one.node) for one in await store.list_jobs(RUNS, "", 100)]
    shown += [
        await store.list_waits(),
        await store.get_kept("polls", "polls"),
        await store.standings("polls"),
    ]
    shown.append(await store.known_hashes("delta", ["a", *map(str, range(count + 1))]))
    shown += [(await store.list_events(EventFilter(), 100)).items, await store.list_events_out(100)]
    shown += [await store.list_records(COURSES.name, 100), await store.load_configuration()]
    figures = await store.figures_of_runs(NOW + 9 * SECOND)
    shown.append({one.workflow: dict(one.states) for one in figures if one.states})
    for name in FLOWS:
        shown.append([replace(one, at=0) for one in await store.list_workflow_versions(name, 100)])
    return shown


async def compare(store: Store, steps: Sequence[Step]) -> None:
    """Ask the store and the twin the same, then look at all that both show."""
    twin = MemoryStore()
    mine, other = Asker(twin), Asker(store)
    try:
        for one in (twin, store):
            await join(one, "n1")
            await one.save_standing(Standing("polls", "polls", 1))
        for step in steps:
            assert await mine.take(step) == await other.take(step), step
        assert await seen(twin, mine.count) == await seen(store, mine.count)
    finally:
        await store.close()


@given(many_steps)
def test_sqlite_alike(steps: list[Step]) -> None:
    """Whatever is asked in whatever order, SQLite and the twin answer the same and then show the same."""

    async def run(path: Path) -> None:
        await compare(await open_sqlite(path), steps)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "hookstation.db"))


@settings(max_examples=EXAMPLES)
@given(steps=many_steps)
def test_postgres_alike(postgres: Server | Given, steps: list[Step]) -> None:
    """Whatever is asked in whatever order, PostgreSQL and the twin answer the same and then show the same."""

    async def run() -> None:
        async with new_database(postgres) as url:
            await compare(await open_postgres(url), steps)

    asyncio.run(run())
