"""The job of an event that is not finished: what was on its way, and since when nobody knows how it ended."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from hookstation.core.jobs import EVENTS, Job
from hookstation.core.jsontext import dump_json
from hookstation.core.records import Record
from hookstation.core.recordtext import read_record

CALL_LEASE: Final = 600.0
"""Seconds for which a call's job is leased to its node, which is longer than any call takes: what is still *sending*
then is looked at, as is whatever a dead node was sending."""


class _Payload(msgspec.Struct, omit_defaults=True):
    record: msgspec.Raw
    marker: str
    since: int
    hold: str = ""
    run_id: str = ""
    received: int = 0
    waits: int = 0
    parked: bool = False
    cancelled: str = ""
    hops: int = 0


class Unfinished(msgspec.Struct, frozen=True):
    """What a job of the queue `EVENTS` says.

    `record` is the one that was sent or is held, so that a look-up asks for what was sent and not for what today's
    mapping would make of it.  `marker` names its field that holds the event id, empty where none does.  `since`:
    microseconds since the epoch, when its outcome became unknown, or, before that, when its call began.  `hold`: the
    order key under which it is held where its target cannot take it, empty where it fails then.

    The rest is of events whose senders were answered before.  `run_id` is the key of the status address; `received`:
    microseconds since the epoch, when it was accepted (0: as `since`).  `waits`: how often on end its target was away.
    `parked`: it waits at the head of its key until a person lets it go.  `cancelled`: the name of whoever cancelled it
    while it was being sent, so that it is never sent again.  `hops`: so many deliveries led to its call.
    """

    record: Record
    marker: str
    since: int
    hold: str = ""
    run_id: str = ""
    received: int = 0
    waits: int = 0
    parked: bool = False
    cancelled: str = ""
    hops: int = 0

    @property
    def accepted_at(self) -> int:
        """When the event was accepted, microseconds since the epoch."""
        return self.received or self.since


_decode: Final = msgspec.json.Decoder(_Payload).decode
_encode: Final = msgspec.json.Encoder().encode


def unfinished_job(
    event_id: str,
    work: Unfinished,
    *,
    key: str = "",
    seconds: float = 0.0,
    tries: int = 0,
    turn: bytes = b"",
    lane: str = "",
) -> Job:
    """The job of an event, due after `seconds`. `key`: that of the webhook that holds it, or of its order; `turn`: that
    of its row; `lane`: the webhook's name, where the event's sender was answered before."""
    payload = _encode(
        _Payload(
            msgspec.Raw(dump_json(work.record.as_json()).encode()),
            work.marker,
            work.since,
            work.hold,
            work.run_id,
            work.received,
            work.waits,
            work.parked,
            work.cancelled,
            work.hops,
        )
    )
    due = int(seconds * 1_000_000)
    return Job(EVENTS, event_id, payload.decode(), key, due, tries=tries, turn=turn, lane=lane)


def queued_job(event_id: str, webhook: str, work: Unfinished, key: str) -> Job:
    """The job of an event that has not been tried yet, due at once. `key`: that of its order.

    Its payload is put together here, since every acknowledgement waits for it; `read_unfinished` reads it like any.
    """
    record, marker = dump_json(work.record.as_json()), _quoted(work.marker)
    hops = f',"hops":{work.hops}' if work.hops else ""
    payload = f'{{"record":{record},"marker":{marker},"since":{work.since},"run_id":"{work.run_id}"{hops}}}'
    return Job(EVENTS, event_id, payload, key, lane=webhook)


@lru_cache(maxsize=256)
def _quoted(marker: str) -> str:
    return _encode(marker).decode()


def read_unfinished(job: Job) -> Unfinished:
    """What `unfinished_job` wrote."""
    payload = _decode(job.payload)
    return Unfinished(
        read_record(bytes(payload.record).decode()),
        payload.marker,
        payload.since,
        payload.hold,
        payload.run_id,
        payload.received,
        payload.waits,
        payload.parked,
        payload.cancelled,
        payload.hops,
    )
