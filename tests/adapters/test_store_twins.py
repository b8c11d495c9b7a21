"""SQLite and the in-memory twin answer every sequence of calls alike."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as some

from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.events import Mark, State
from hookstation.core.records import Effect, EntitySpec, Operation
from hookstation.core.values import Number, Scalar
from hookstation.errors import HookstationError
from hookstation.ports.store import Acceptance, EventFilter, Finish, Retention, Store
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    NOW,
    PROFILE,
    SECOND,
    VENUES,
    due,
    ends,
    entry,
    event_id,
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
_steps: some.SearchStrategy[Step] = some.one_of(
    some.tuples(some.just("accept"), _numbers, _states, _maybe_effect, _keys, some.booleans()),
    some.tuples(some.just("finish"), _numbers, _states, _states, _maybe_effect, _keys, some.integers(0, 99)),
    some.tuples(some.just("orphan"), some.integers(0, 99)),
    some.tuples(
        some.just("prune"),
        _numbers,
        _numbers,
        some.integers(0, 3),
        some.integers(0, 60),
        some.integers(0, 20),
    ),
)


async def take(store: Store, step: Step) -> object:
    """Do one step; an error of ours is an answer too."""
    try:
        return await _take(store, step)
    except HookstationError as refused:
        return type(refused)


async def _take(store: Store, step: Step) -> object:
    match step:
        case ("accept", int(n), State() as state, effect, key, bool(has_due)):
            claimed = _mark(n, key)
            work = due(n, NOW + n) if has_due else None
            told = entry(n, _webhook(n), connection="imis", entity="E", run_id=f"R{n}")
            chosen = effect if isinstance(effect, Effect) else None
            return await store.accept(Acceptance(told, ends(state, 200, b"ok"), chosen, claimed, work))
        case ("finish", int(n), State() as old, State() as new, effect, key, int(at)):
            claimed = _mark(n, key)
            chosen = effect if isinstance(effect, Effect) else None
            return await store.finish(
                Finish(
                    event_id(n),
                    frozenset({old}),
                    ends(new, 500),
                    NOW + at,
                    chosen,
                    mark=claimed,
                    due=due(n, at),
                )
            )
        case ("orphan", int(at)):
            return await store.orphan(NOW + at)
        case ("prune", int(before), int(rejected), int(most), int(size), int(now)):
            moments = (NOW + before * SECOND, NOW + rejected * SECOND)
            return await store.prune(Retention(*moments, most, size, NOW + now * SECOND), 3)
    raise AssertionError(step)


def _webhook(number: int) -> str:
    return ("courses", "shop")[number % 2]


def _mark(number: int, key: object) -> Mark | None:
    if not isinstance(key, str):
        return None
    return mark(number, key, _webhook(number), NOW + 15 * SECOND)


async def seen(store: Store) -> list[object]:
    """All that can be read."""
    events = (await store.list_events(EventFilter(), 100)).items
    shown: list[object] = [events, await store.due(NOW + 10**9, 100)]
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
    try:
        for step in steps:
            assert await take(twin, step) == await take(store, step), step
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
