"""SQLite and the in-memory twin answer every sequence of calls alike."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.events import Mark, Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, Lease, Priority
from hookstation.core.records import Effect, EntitySpec, Operation
from hookstation.core.values import Number, Scalar
from hookstation.errors import HookstationError
from hookstation.ports.store import (
    Acceptance,
    Committed,
    EventFilter,
    Finish,
    Hold,
    Holder,
    Retention,
    Store,
)
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    HOUR,
    LATER,
    NOW,
    PROFILE,
    SECOND,
    VENUES,
    ends,
    entry,
    event_id,
    join,
    mark,
)

Step: TypeAlias = tuple[object, ...]

_SPECS = (ACTIVITIES, COURSES, PROFILE, VENUES)
_numbers = some.integers(0, 9)
_states = some.sampled_from(State)
_values: some.SearchStrategy[Scalar] = some.sampled_from(
    [
        None,
        True,
        0,
        1,
        Number("1.0"),
        Number("0.10"),
        Number("1e-1"),
        "",
        "1",
        "x",
        "it's",
        2**63,
        2**80,
        Number("9e30"),
    ]
)
_fields = some.dictionaries(some.sampled_from(["A", "B", "C d"]), _values, max_size=2)
_parties = some.sampled_from(["7", "8", "7|1"])


@some.composite
def effects(draw: some.DrawFn) -> Effect:
    spec: EntitySpec = draw(some.sampled_from(_SPECS))
    fields = {**draw(_fields), "ID": draw(_parties)}
    operation = draw(some.sampled_from(Operation))
    return Effect(spec, operation, fields, {} if operation is Operation.INSERT else draw(_fields))


_maybe_effect = some.none() | effects()
_keys = some.none() | some.sampled_from(["k1", "k2"])
_jobs = some.tuples(
    some.sampled_from(["", "o1", "o2"]),
    some.booleans(),
    some.sampled_from(Priority),
    some.sampled_from([b"", b"t"]),
    some.sampled_from(["", "", "l1"]),
)
_maybe_job = some.none() | _jobs
_holders = some.sampled_from([None, Holder("n1", HOUR), Holder("n2", 0), Holder("stranger", HOUR)])
_holds = some.none() | some.sampled_from(["o1", "o2"])
_leases = some.none() | some.integers(0, 9)
_steps: some.SearchStrategy[Step] = some.one_of(
    some.tuples(some.just("accept"), _numbers, _states, _maybe_effect, _keys, _maybe_job, _holders, _holds),
    some.tuples(
        some.just("finish"),
        _numbers,
        _states,
        _states,
        _maybe_effect,
        _keys,
        some.integers(0, 99),
        _maybe_job,
        _holders,
        _leases,
        some.sampled_from([0, NOW + 7]),
        some.booleans(),
    ),
    some.tuples(some.just("enqueue"), some.lists(some.tuples(_numbers, _jobs), max_size=3)),
    some.tuples(
        some.just("lease"),
        some.sampled_from(["n1", "n2", "nobody"]),
        some.booleans(),
        some.integers(1, 4),
        some.sampled_from(["", "l1"]),
        some.integers(0, 2),
    ),
    some.tuples(some.just("settle"), some.lists(some.tuples(some.integers(0, 9), _maybe_job), max_size=3)),
    some.tuples(some.just("cancel"), _numbers),
    some.tuples(some.just("hurry"), some.sampled_from(["o1", "o2"])),
    some.tuples(some.just("reap")),
    some.tuples(
        some.just("prune"),
        _numbers,
        _numbers,
        some.integers(0, 3),
        some.integers(0, 60),
        some.integers(0, 20),
    ),
)


class Asker:
    """Asks a store; leases are named by when they were given, since each store has tokens of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.leases: list[Lease] = []

    async def take(self, step: Step) -> object:
        """Do one step; an error of ours is an answer too."""
        try:
            return await self._take(step)
        except HookstationError as refused:
            return type(refused)

    async def _take(self, step: Step) -> object:
        match step:
            case ("accept", int(n), State() as state, effect, key, job, holder, hold):
                told = entry(n, _webhook(n), connection="imis", entity="E", run_id=f"R{n}")
                acceptance = Acceptance(
                    told,
                    ends(state, 200, b"ok"),
                    effect if isinstance(effect, Effect) else None,
                    _mark(n, key),
                    _job(n, job),
                    holder if isinstance(holder, Holder) else None,
                    Hold(hold, _HELD) if isinstance(hold, str) else None,
                )
                return self._noted(await self.store.accept(acceptance))
            case (
                "finish",
                int(n),
                State() as old,
                State() as new,
                effect,
                key,
                int(at),
                job,
                holder,
                lease,
                int(began),
                bool(keep),
            ):
                finish = Finish(
                    event_id(n),
                    frozenset({old}),
                    ends(new, 500),
                    NOW + at,
                    effect if isinstance(effect, Effect) else None,
                    _job(n, job),
                    holder if isinstance(holder, Holder) else None,
                    self._lease(lease) if isinstance(lease, int) else None,
                    began,
                    _mark(n, key),
                    keep_attempt=keep,
                )
                return self._noted(await self.store.finish(finish))
            case ("prune", int(before), int(rejected), int(most), int(size), int(now)):
                moments = (NOW + before * SECOND, NOW + rejected * SECOND)
                return await self.store.prune(Retention(*moments, most, size, NOW + now * SECOND), 3)
        return await self._work(step)

    async def _work(self, step: Step) -> object:
        match step:
            case ("enqueue", list(jobs)):
                return list(await self.store.enqueue([_some_job(n, job) for n, job in jobs]))
            case ("lease", str(node), bool(over), int(limit), str(lane), int(most)):
                found = await self.store.lease(EVENTS, node, 0 if over else HOUR, limit, lane, most)
                self.leases += [one.lease for one in found]
                return [(one.job, one.lease.node) for one in found]
            case ("settle", list(asked)):
                chosen = [(self._lease(number), job) for number, job in asked]
                job_ends = [
                    JobEnd(lease, _again(lease, job, await self._key(lease))) for lease, job in chosen
                ]
                return list(await self.store.settle(job_ends))
            case ("cancel", int(n)):
                return await self.store.cancel(EVENTS, event_id(n))
            case ("hurry", str(key)):
                return await self.store.hurry(EVENTS, key)
            case ("reap",):
                return await self.store.reap(HOUR)
        raise AssertionError(step)

    def _noted(self, done: Committed) -> object:
        if done.lease:
            self.leases.append(done.lease)
        return structs.replace(done, lease=done.lease and structs.replace(done.lease, token=0))

    def _lease(self, number: int) -> Lease:
        """One of the newest leases."""
        return self.leases[-1 - number] if number < len(self.leases) else Lease(EVENTS, "nobody", "n1", 1)

    async def _key(self, lease: Lease) -> str:
        found = await self.store.find_job(lease.queue, lease.id)
        return found.job.key if found else ""


_HELD = Settlement(State.HELD, 202, b"later")


def _some_job(number: int, what: tuple[str, bool, Priority, bytes, str]) -> Job:
    key, later, priority, turn, lane = what
    return Job(EVENTS, event_id(number), "x", key, LATER if later else 0, priority, 1, turn, lane)


def _job(number: int, what: object) -> Job | None:
    return _some_job(number, what) if isinstance(what, tuple) else None


def _again(lease: Lease, what: object, key: str) -> Job | None:
    """The job to be done again: in its own queue, with its own key, and with nobody's turn."""
    job = _job(0, what)
    return job and structs.replace(job, id=lease.id, key=key, turn=b"")


def _webhook(number: int) -> str:
    return ("courses", "shop")[number % 2]


def _mark(number: int, key: object) -> Mark | None:
    if not isinstance(key, str):
        return None
    return mark(number, key, _webhook(number), NOW + 15 * SECOND)


async def seen(store: Store) -> list[object]:
    """All that can be read."""
    events = (await store.list_events(EventFilter(), 100)).items
    jobs = await store.list_jobs(EVENTS, "", 100)
    shown: list[object] = [events, await store.count_waiting(EVENTS), await store.nodes() == []]
    shown.append({place: wait > 0 for place, wait in (await store.due_lanes([EVENTS])).items()})
    shown += [(one.job, one.state, one.node) for one in jobs]
    for state in State:
        shown.append((await store.list_events(EventFilter("shop", frozenset({state})), 100)).items)
    for event in events:
        shown += [await store.list_attempts(event.id), await store.get_payload(event.id)]
    for webhook in ("courses", "shop"):
        for key in ("k1", "k2"):
            shown += [
                await store.find_mark(webhook, key, NOW),
                await store.find_mark(webhook, key, NOW + 20 * SECOND),
            ]
    for spec in _SPECS:
        records = await store.list_records(spec.name, 100)
        shown += [records, await store.count_records(spec.name)]
        shown += [await store.get_record(spec.name, record.key) for record in records]
    return shown


many_steps = some.lists(_steps, max_size=25)


async def compare(store: Store, steps: Sequence[Step]) -> None:
    """Ask the store and the twin the same, then look at all that both show."""
    twin = MemoryStore()
    mine, other = Asker(twin), Asker(store)
    try:
        for one in (twin, store):
            await join(one, "n1", "n2")
        for step in steps:
            assert await mine.take(step) == await other.take(step), step
        assert await seen(twin) == await seen(store)
    finally:
        await store.close()


@given(many_steps)
def test_alike(steps: list[Step]) -> None:
    """Whatever is asked in whatever order, both stores answer the same and then show the same."""

    async def run(path: Path) -> None:
        await compare(await open_sqlite(path), steps)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "hookstation.db"))
