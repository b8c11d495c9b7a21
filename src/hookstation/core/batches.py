"""Replaying many events: what is kept of the whole, and of each event in it, as payloads of jobs."""

from __future__ import annotations

from typing import Final

import msgspec

from hookstation.core.jobs import Job

BATCHES: Final = "replays"
"""The queue of batches: one job each, which is only kept, never done."""

ITEMS: Final = "replay-items"
"""The queue of what is to be replayed: one job an event, its id is the batch's, a point, and the event's."""

KEPT: Final = 7 * 86_400
"""Seconds for which a batch and what became of its events can be looked up."""

WAITING: Final = ""
"""The verdict of an event whose turn has not come."""


class Batch(msgspec.Struct, frozen=True):
    """A replay of many events, `total` of them. `began_at`: microseconds since the epoch; `again` as for one event."""

    id: str
    by: str
    began_at: int
    total: int
    again: bool = False
    cancelled_by: str = ""


class Item(msgspec.Struct, frozen=True):
    """One event of a batch. `attempts`: how often it had been tried when it was chosen, so that it is tried once only.

    `verdict`, once its turn has come: the event's state afterwards, ``refused`` or ``cancelled``; `why` says more.
    """

    event_id: str
    attempts: int
    verdict: str = WAITING
    why: str = ""


_write: Final = msgspec.json.Encoder().encode
_batch: Final = msgspec.json.Decoder(Batch).decode
_item: Final = msgspec.json.Decoder(Item).decode


def batch_job(batch: Batch) -> Job:
    """The job that keeps a batch."""
    return Job(BATCHES, batch.id, _write(batch).decode(), delay=KEPT * 1_000_000)


def read_batch(job: Job) -> Batch:
    """What `batch_job` wrote."""
    return _batch(job.payload)


def item_job(batch_id: str, item: Item) -> Job:
    """The job of an event of a batch; one that has its verdict is only kept."""
    delay = 0 if item.verdict == WAITING else KEPT * 1_000_000
    return Job(ITEMS, f"{batch_id}.{item.event_id}", _write(item).decode(), delay=delay)


def read_item(job: Job) -> Item:
    """What `item_job` wrote."""
    return _item(job.payload)


def batch_of(item_job_id: str) -> str:
    """The id of the batch that an item's job belongs to."""
    return item_job_id.partition(".")[0]
