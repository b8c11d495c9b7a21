"""Taking dedup keys for the events of a batch, against whoever else takes them at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, cast

import msgspec

from hookstation.adapters.store.postgres import queries
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.rows import columns, told
from hookstation.core.events import Mark, MarkState, State
from hookstation.core.journal_rules import mark_state


class Claim(msgspec.Struct, frozen=True):
    """An event that wants to hold a key. `anew`: it may hold it already, and then keeps it."""

    digest: bytes
    mark: Mark
    event_id: str
    at: int
    anew: bool = False


class Taking(Enum):
    """What became of a claim that met no living mark of another event."""

    TAKEN = "nobody held the key"
    KEPT = "the event held it before"
    LOST = "somebody moved it at this moment: ask again"


Taken: TypeAlias = Taking | Mark
"""A claim's outcome; a `Mark` is the living one of another event."""


@dataclass(frozen=True, slots=True)
class _Held:
    event_id: str
    expires_at: int
    mark: Mark | None


async def take_marks(connection: Connection, claims: Sequence[Claim]) -> dict[bytes, Taken]:
    """Take the keys of these claims, one claim a key, in the order of their digests so that no two nodes deadlock."""
    ordered = sorted(claims, key=lambda claim: claim.digest)
    rows = [(claim.digest, claim.event_id, claim.mark.expires_at) for claim in ordered]
    got = {row[0] for row in await connection.fetch(queries.TAKE_MARKS, *columns(rows, 3))}
    outcome: dict[bytes, Taken] = dict.fromkeys(got, Taking.TAKEN)
    missing = [claim for claim in ordered if claim.digest not in got]
    if missing:
        held = await _held(connection, missing)
        for claim in missing:
            outcome[claim.digest] = await _meet(connection, claim, held.get(claim.digest))
    return outcome


async def _held(connection: Connection, claims: Sequence[Claim]) -> dict[bytes, _Held]:
    webhooks = {claim.digest: claim.mark.webhook for claim in claims}
    found: dict[bytes, _Held] = {}
    for row in await connection.fetch(queries.HELD_MARKS, list(webhooks)):
        digest, event_id, expires_at, key, body_digest, state, run_id, status, body = row
        shown = (key, body_digest, event_id, state, expires_at, run_id, status, body)
        mark = None if state is None else read_mark(webhooks[digest], shown)
        found[digest] = _Held(event_id, expires_at, mark)
    return found


async def _meet(connection: Connection, claim: Claim, held: _Held | None) -> Taken:
    """What becomes of a claim whose key has a mark: it may be the event's own, living, or dead."""
    if held is None:
        return Taking.LOST
    if claim.anew and held.event_id == claim.event_id:
        return Taking.KEPT
    if held.mark is not None and held.expires_at > claim.at:
        return held.mark
    change = (claim.digest, claim.event_id, claim.mark.expires_at, held.event_id, held.expires_at)
    done = await connection.execute(queries.TAKE_OVER_MARK, *change)
    return Taking.TAKEN if done == "UPDATE 1" else Taking.LOST


def read_mark(webhook: str, row: Sequence[object]) -> Mark | None:
    """A row of `FIND_MARK`; ``None`` where the event's state holds no mark."""
    key, digest, event_id, state, expires_at, run_id, status, body = cast(
        "tuple[str | None, bytes | None, str, str, int, str, int, bytes]", tuple(row)
    )
    held = mark_state(State(state))
    if held is None:
        return None
    answer = (status, body) if held is MarkState.SUCCEEDED else (0, b"")
    return Mark(webhook, told(key or ""), digest or b"", event_id, held, expires_at, told(run_id), *answer)
