"""Short ways to say what the cases ask of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hookstation.core.events import DueWork, JournalEntry, Mark, MarkState, Settlement, State
from hookstation.core.journal_rules import lowest_id
from hookstation.core.records import ACTIVITY, Effect, EffectResult, EntitySpec, Instances, Operation, Parent
from hookstation.core.values import Scalar
from hookstation.ports.store import Acceptance, Committed, Finish, Store

NOW: Final = 1_795_000_000_000_000
"""When the first event comes: microseconds since the epoch."""

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
ACTIVITIES: Final = EntitySpec(ACTIVITY, {})
COURSES: Final = EntitySpec("ABC_Courses", {})
PROFILE: Final = EntitySpec("ABC_Profile", {}, instances=Instances.SINGLE)
VENUES: Final = EntitySpec("ABC_Venues", {}, parent=Parent.STANDALONE, party_field=None)

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


def due(number: int, due_at: int = NOW, **more: object) -> DueWork:
    """Due work of event `number`."""
    return DueWork(event_id(number), due_at, NOW, **more)  # type: ignore[arg-type]


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
