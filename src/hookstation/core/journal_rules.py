"""What every store decides in the same way: marks, attempts, record keys, matching, and the time inside an event id.

All functions are pure; the SQL drivers and the in-memory twin call them, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from hookstation.core.events import OPEN_STATES, Event, MarkState, State
from hookstation.core.records import ACTIVITY, EntitySpec, Instances, Parent
from hookstation.core.values import JSON, Number, Scalar
from hookstation.errors import MappingFailed

SEQUENCE_FIELD: Final = "SEQN"
"""The field in which an Activity shows its key."""

ORDINAL_FIELD: Final = "Ordinal"
"""The field in which a row of a multi-instance panel shows which of its party's rows it is."""

PRUNABLE_STATES: Final = (State.SUCCEEDED, State.FAILED)
"""Settled events, as `Retention.before` means them; rejected ones have rules of their own."""

ORPHANED: Final = "The node stopped while this event was at work, so its outcome is not known yet."
"""What an event says whose call was under way when its node died."""

ID_SLACK: Final = 2_000_000
"""Microseconds by which the time in an event's id and its `received_at` may differ."""

_MARK_STATES: Final[Mapping[State, MarkState]] = {
    State.SUCCEEDED: MarkState.SUCCEEDED,
    State.UNKNOWN: MarkState.UNKNOWN,
    State.WORKING: MarkState.WORKING,
    State.SENDING: MarkState.WORKING,
    State.HELD: MarkState.UNKNOWN,
}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS: Final = 10
_LATEST_MILLISECOND: Final = (1 << 48) - 1


def mark_state(state: State) -> MarkState | None:
    """The state of an event's dedup mark, or ``None`` where such an event holds no mark."""
    return _MARK_STATES.get(state)


def is_open(state: State) -> bool:
    """Whether the event still has to reach its end."""
    return state in OPEN_STATES


def attempts_when_accepted(state: State, *, queued: bool = False) -> int:
    """How many tries an event begins with: none where it was turned away, put aside or `queued`.

    A working event is queued where its job has no holder yet.
    """
    waits = state in (State.REJECTED, State.HELD) or (queued and state is State.WORKING)
    return 0 if waits else 1


def begins_attempt(old: State, new: State, *, tried: bool = False) -> bool:
    """Whether this move of an event is a new try of its action, and not a later word on the one under way.

    What is sent is a try that ends later.  What waited (working, held, unknown) and is not sent counts where it says
    that it was `tried`; an event that had ended and does not merely go back to its queue is tried anew.
    """
    if old is State.SENDING:
        return False
    if new is State.SENDING:
        return True
    return tried or not (is_open(old) or new is State.WORKING)


def is_numbered(spec: EntitySpec) -> bool:
    """Whether a record's key is its number: activities, and panels that hang on nobody."""
    return spec.name == ACTIVITY or spec.parent is Parent.STANDALONE


def is_single(spec: EntitySpec) -> bool:
    """Whether a party has at most one row of this panel, so that the party is the key."""
    return not is_numbered(spec) and spec.instances is Instances.SINGLE


def record_key(number: int, party: str, ordinal: int | None) -> str:
    """The key of a record. `ordinal`: ``None`` for a numbered one, 0 for the only row of its party, else 1, 2, 3 ..."""
    if ordinal is None:
        return str(number)
    return f"{party}|{ordinal}" if ordinal else party


def party_of(spec: EntitySpec, fields: Mapping[str, Scalar]) -> str:
    """The party that a record hangs on, as text; empty where the entity has none.

    Raises `MappingFailed` where a panel row names nobody.
    """
    value = fields.get(spec.party_field) if spec.party_field else None
    if value is not None and value != "":
        return str(value)
    if is_numbered(spec):
        return ""
    raise MappingFailed(
        spec.party_field or "ID", "has no value, but every row of this panel hangs on a party."
    )


def stored_fields(
    spec: EntitySpec, fields: Mapping[str, Scalar], number: int, ordinal: int | None
) -> dict[str, JSON]:
    """A record's fields as they are kept, with what the store itself gave it."""
    if spec.name == ACTIVITY:
        shown: dict[str, JSON] = {SEQUENCE_FIELD: number, **fields}
        shown[SEQUENCE_FIELD] = number
        return shown
    if ordinal:
        return {**fields, ORDINAL_FIELD: ordinal}
    return dict(fields)


def matches(fields: Mapping[str, Scalar], match: Mapping[str, Scalar]) -> bool:
    """Whether a stored record is the one meant: every matched field equal, a missing one as if it were null."""
    return all(same_value(fields.get(name), value) for name, value in match.items())


def same_value(one: Scalar, other: Scalar) -> bool:
    """Equality across notations: numbers by value (``1`` = ``1.0``), text exactly, booleans only with booleans."""
    first, second = _numeric(one), _numeric(other)
    if first is None or second is None:
        return first is second and type(one) is type(other) and one == other
    return first == second


def _numeric(value: Scalar) -> Decimal | None:
    if isinstance(value, Number):
        return value.decimal
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return None


def lowest_id(microseconds: int) -> str:
    """A text that sorts at or before every event id made at this time (microseconds since the epoch) or later."""
    left = min(max(microseconds // 1000, 0), _LATEST_MILLISECOND)
    digits = []
    for _ in range(_TIME_CHARACTERS):
        left, digit = divmod(left, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


def time_in(event_id: str) -> int:
    """The time that an event's id begins with, in whole milliseconds as microseconds since the epoch."""
    milliseconds = 0
    for character in event_id[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + max(_CROCKFORD.find(character), 0)
    return milliseconds * 1000


def ids_beginning(start: str) -> tuple[str, str]:
    """The bounds of the ids that begin so: from the first, before the second."""
    spelled = start.upper()
    return spelled, spelled + "\x7f"


def received_within(event: Event, since: int, until: int) -> bool:
    """Whether an event was received in ``since <= t < until``; 0 leaves that side open."""
    return event.received_at >= since and not (until and event.received_at >= until)


def attempt_after(
    old: State, new: State, attempts: int, started_at: int, attempt_started_at: int | None, at: int
) -> tuple[int, int]:
    """How many tries an event has had after a move at time `at`, and when the last of them began.

    A move that says when its attempt began (`attempt_started_at`) was tried.
    """
    if begins_attempt(old, new, tried=bool(attempt_started_at)):
        return attempts + 1, attempt_started_at or at
    return attempts, attempt_started_at or started_at
