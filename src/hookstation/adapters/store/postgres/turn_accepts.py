"""A turn with which events come in: each as if it were accepted alone, and none where the turn is not written.

Such a turn has a transaction, or a savepoint, of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hookstation.adapters.store.observing import WrittenTurn
from hookstation.adapters.store.postgres.batch_turns import Turning, Undone
from hookstation.adapters.store.postgres.batches import Batch, Outcome, names_of
from hookstation.adapters.store.postgres.records import TryLater
from hookstation.ports.store import Acceptance, Committed


async def write_whole(turning: Turning, make: Callable[[], Batch]) -> tuple[Outcome, str]:
    """Write a turn and its events in the transaction that is open; returns the transaction's id too.

    `make` gives a batch in that transaction.  Raises `Undone` where all of it has to be rolled back.
    """
    parts = _parts(turning)
    batch = make()
    written, *outcomes = await batch.write([turning, *parts[0]])
    if not isinstance(written, WrittenTurn):
        raise Undone(written)
    transaction = await batch.transaction_id()
    committed = _committed(turning, outcomes)
    for part in parts[1:]:
        batch = make()
        committed += _committed(turning, await batch.write(part))
        await batch.transaction_id()
    written.accepted = committed
    written.heard = [*zip(turning.accepts, committed, strict=True), *written.heard]
    return written, transaction


def _parts(turning: Turning) -> list[list[Acceptance]]:
    """The events in their order, cut so that those of one event, key or turn stand in different parts."""
    parts: list[list[Acceptance]] = [[]]
    seen: set[str | bytes] = set()
    for accept in turning.accepts:
        names = names_of(accept)
        if names & seen or (turning.singly and parts[-1]):
            parts.append([])
            seen = set()
        parts[-1].append(accept)
        seen |= names
    return parts


def _committed(turning: Turning, outcomes: Sequence[Outcome]) -> list[Committed]:
    committed = [outcome for outcome in outcomes if isinstance(outcome, Committed)]
    for outcome in outcomes:
        if not isinstance(outcome, Committed):
            turning.singly |= isinstance(outcome, TryLater)
            raise Undone(outcome)
    return committed
