"""Short ways to say what the cases ask of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from hookstation.core.events import JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.jobs import EVENTS, Job, JobEnd, Leased, Node, StoredJob
from hookstation.core.journal_rules import lowest_id
from hookstation.core.records import ACTIVITY, Effect, EffectResult, EntitySpec, Instances, Operation, Parent
from hookstation.core.values import Scalar
from hookstation.ports.leases import Hints, Jobs, Nodes
from hookstation.ports.store import Acceptance, Committed, Finish, Store

NOW: Final = 1_795_000_000_000_000
"""When the first event comes: microseconds since the epoch."""

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
ACTIVITIES: Final = EntitySpec(ACTIVITY, {})
COURSES: Final = EntitySpec("ABC_Courses", {})
PROFILE: Final = EntitySpec("ABC_Profile", {}, instances=Instances.SINGLE)
VENUES: Final = EntitySpec("ABC_Venues", {}, parent=Parent.STANDALONE, party_field=None)

HOUR: Final = 3_600.0
"""Seconds: a lease, a silence or a delay that no test outlives."""

LATER: Final = 3_600 * SECOND
"""A delay that no test outlives: microseconds."""

QUEUE: Final = "chores"
"""The queue of jobs that have nothing to do with events."""

Settle = Callable[[EffectResult | None], Settlement]


def event_id(number: int) -> str:
    """The id of the event that came `number` seconds after `NOW`."""
    return lowest_id(NOW + number * SECOND) + f"{number:016d}"


def entry(number: int, webhook: str = "courses", **more: object) -> JournalEntry:
    """What the journal keeps of event `number`."""
    told: dict[str, object] = {"body": b'{"n": %d}' % number, "headers": {"content-type": "application/json"}}
    fields = {**told, "timings": {"map": 7}, **more}
    return JournalEntry(event_id(number), webhook, NOW + number * SECOND, "203.0.113.9", 8, **fields)  # type: ignore[arg-type]


def ends(state: State, status: int = 0, body: bytes = b"", error: str = "") -> Settle:
    """A `settle` that says this, and the key of what was written."""

    def settle(effect: EffectResult | None) -> Settlement:
        return Settlement(state, status, body, error, effect.key if effect else "")

    return settle


succeeds: Final = ends(State.SUCCEEDED, 200, b'{"success": true}')
fails: Final = ends(State.FAILED, 500, b'{"success": false}', "off-line")
sends: Final = ends(State.SENDING)
unknown: Final = ends(State.UNKNOWN, error="the answer did not come")
rejects: Final = ends(State.REJECTED, 400)


def mark(number: int, key: str = "k1", webhook: str = "courses", expires_at: int = NOW + DAY) -> Mark:
    """The dedup mark that event `number` asks for."""
    return Mark(webhook, key, b"digest of %d" % number, event_id(number), MarkState.WORKING, expires_at)


def event_job(number: int, **more: object) -> Job:
    """The job of event `number`."""
    return Job(EVENTS, event_id(number), **more)  # type: ignore[arg-type]


def insert(spec: EntitySpec, **fields: Scalar) -> Effect:
    """Insert a record."""
    return Effect(spec, Operation.INSERT, fields)


def update(spec: EntitySpec, match: Mapping[str, Scalar], **fields: Scalar) -> Effect:
    """Change the one record that matches."""
    return Effect(spec, Operation.UPDATE, fields, match)


def upsert(spec: EntitySpec, match: Mapping[str, Scalar], **fields: Scalar) -> Effect:
    """Change the record that matches, or insert one."""
    return Effect(spec, Operation.UPSERT, fields, match)


async def do(store: Store, number: int, effect: Effect) -> EffectResult:
    """Accept event `number` with an effect that succeeds, and return what became of it."""
    done = await store.accept(Acceptance(entry(number), succeeds, effect))
    assert done.effect is not None
    return done.effect


async def journal(store: Store, number: int, settle: Settle = succeeds, webhook: str = "courses") -> str:
    """Accept event `number` without an effect, and return its id."""
    await store.accept(Acceptance(entry(number, webhook), settle))
    return event_id(number)


async def move(
    store: Store, number: int, old: State, settle: Settle, at: int = NOW, **more: object
) -> Committed:
    """Finish event `number` from one expected state."""
    return await store.finish(Finish(event_id(number), frozenset({old}), settle, at, **more))  # type: ignore[arg-type]


class Workplace(Jobs, Nodes, Hints, Protocol):
    """What a store is to those who share its work."""


def chore(job_id: str, **more: object) -> Job:
    """A job of `QUEUE`."""
    return Job(QUEUE, job_id, **more)  # type: ignore[arg-type]


def node(node_id: str) -> Node:
    """A node as it says of itself."""
    return Node(node_id, "all", "127.0.0.1:8080", "1.2.3")


async def join(store: Nodes, *node_ids: str) -> None:
    """Let nodes in, the first one first."""
    for node_id in node_ids:
        await store.join(node(node_id))


async def put(store: Jobs, *jobs: Job) -> None:
    """Enqueue jobs in a commit each, so that the first one is due the longest."""
    for job in jobs:
        assert list(await store.enqueue([job])) == [True]


async def take(
    store: Jobs, node_id: str = "n1", limit: int = 100, queue: str = QUEUE, seconds: float = HOUR
) -> Sequence[Leased]:
    """Lease what is due."""
    return await store.lease(queue, node_id, seconds, limit)


def names(found: Iterable[Leased | StoredJob]) -> list[str]:
    """The ids of jobs, in their order."""
    return [one.job.id for one in found]


async def release(store: Jobs, leased: Iterable[Leased]) -> list[bool]:
    """Say of leased jobs that they are done."""
    return list(await store.settle([JobEnd(one.lease) for one in leased]))


async def states(store: Jobs, key: str = "", queue: str = QUEUE) -> dict[str, str]:
    """How each job of a key stands."""
    return {one.job.id: one.state.value for one in await store.list_jobs(queue, key, 10_000)}
