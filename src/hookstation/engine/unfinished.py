"""The job of an event that is not finished: what was on its way, and since when nobody knows how it ended."""

from __future__ import annotations

from typing import Final

import msgspec

from hookstation.core.jobs import EVENTS, Job
from hookstation.core.jsontext import dump_json
from hookstation.core.records import Record
from hookstation.core.recordtext import read_record

CALL_LEASE: Final = 600.0
"""Seconds for which a call's job is leased to its node, which is longer than any call takes: what is still *sending*
then is looked at, as is whatever a dead node was sending."""


class _Payload(msgspec.Struct):
    record: msgspec.Raw
    marker: str
    since: int
    hold: str = ""


class Unfinished(msgspec.Struct, frozen=True):
    """What a job of the queue `EVENTS` says.

    `record` is the one that was sent or is held, so that a look-up asks for what was sent and not for what today's
    mapping would make of it.  `marker` names its field that holds the event id, empty where none does.  `since`:
    microseconds since the epoch, when its outcome became unknown, or, before that, when its call began.  `hold`: the
    order key under which it is held where its target cannot take it, empty where it fails then.
    """

    record: Record
    marker: str
    since: int
    hold: str = ""


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
) -> Job:
    """The job of an event, due after `seconds`. `key`: that of the webhook that holds it; `turn`: that of its row."""
    payload = _encode(
        _Payload(msgspec.Raw(dump_json(work.record.as_json()).encode()), work.marker, work.since, work.hold)
    )
    return Job(EVENTS, event_id, payload.decode(), key, int(seconds * 1_000_000), tries=tries, turn=turn)


def read_unfinished(job: Job) -> Unfinished:
    """What `unfinished_job` wrote."""
    payload = _decode(job.payload)
    return Unfinished(
        read_record(bytes(payload.record).decode()), payload.marker, payload.since, payload.hold
    )
