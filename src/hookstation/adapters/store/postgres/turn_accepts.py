"""A turn with which events come in: each as if it were accepted alone, and none where the turn is not written.

Such a turn has a transaction, or a savepoint, of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from hookstation.adapters.store.observing import WrittenTurn
from hookstation.adapters.store.postgres.batch_turns import Turning
from hookstation.adapters.store.postgres.batches import Batch, Outcome
from hookstation.adapters.store.postgres.records import TryLater
from hookstation.ports.store import Committed


class Undone(Exception):
    """Nothing of the turn may stand: what its caller hears."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


async def write_whole(turning: Turning, make: Callable[[], Batch]) -> tuple[Outcome, str]:
    """Write a turn and its events in the transaction that is open; returns the transaction's id too.

    `make` gives a batch in that transaction.  An event that another one of the turn comes before (it has the same key)
    is written in a batch after that one's.  Raises `Undone` where all of it has to be rolled back.
    """
    accepts = turning.accepts
    batch = make()
    written, *first = await batch.write([turning, *accepts])
    if not isinstance(written, WrittenTurn):
        raise Undone(written)
    transaction = await batch.transaction_id()
    outcomes = dict(enumerate(first))
    while later := [place for place, outcome in outcomes.items() if isinstance(outcome, TryLater)]:
        batch = make()
        again = await batch.write([accepts[place] for place in later])
        if all(isinstance(outcome, TryLater) for outcome in again):
            raise Undone(again[0])
        await batch.transaction_id()
        outcomes.update(zip(later, again, strict=True))
    committed = [_committed(outcomes[place]) for place in range(len(accepts))]
    written.accepted = committed
    written.heard = [*zip(accepts, committed, strict=True), *written.heard]
    return written, transaction


def _committed(outcome: Outcome) -> Committed:
    if isinstance(outcome, Committed):
        return outcome
    raise Undone(outcome)
