"""An event, its states, and the answer that its sender gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec


class State(StrEnum):
    """States of an event, as `contracts` and pages name them."""

    WORKING = "working"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HELD = "held"
    REJECTED = "rejected"


OPEN_STATES: Final = frozenset({State.WORKING, State.SENDING, State.UNKNOWN, State.HELD})
"""States from which an event still has to reach its end."""


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer: status, body, and headers besides Content-Type, Content-Length and the event id."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Settlement(msgspec.Struct, frozen=True):
    """How an event stands after a step: its state, what its sender was or will be told, and the record written.

    `answer_status` 0 means that no answer is stored yet.  `error` is the sentence for the journal.  `reason` is the
    step that refused an attempt when the event was settled again, as `JournalEntry.reason` is of the first.
    """

    state: State
    answer_status: int = 0
    answer_body: bytes = b""
    error: str = ""
    record_key: str = ""
    reason: str = ""


class JournalEntry(msgspec.Struct, frozen=True):
    """What the journal keeps of an event when it is accepted or rejected.

    `id` is made when the call comes in: its time and `received_at` differ by two seconds at most, since lists are
    cut by the time in the id.  `received_at`: microseconds since the epoch, UTC.  `headers` are masked already.
    `body` is ``None`` where it is not kept (a rejected call).  `size` is the body's length in bytes as received
    (or declared, where unread).  `timings`: nanoseconds per stage.  `reason`: the step of the staircase that
    rejected it, empty otherwise.  `connection`/`entity`: where the record goes, empty for a rejected call.
    `run_id`: the key of the status address, empty where none was given out.  `dedup_key`: what the call named as its
    key, empty where it named none or was rejected before it was read; an acceptance's mark has the same one.
    """

    id: str
    webhook: str
    received_at: int
    sender: str
    size: int
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    query: str = ""
    body: bytes | None = None
    reason: str = ""
    connection: str = ""
    entity: str = ""
    run_id: str = ""
    timings: Mapping[str, int] = msgspec.field(default_factory=dict)
    dedup_key: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is read back from the journal.

    `attempts` counts how often its action was tried; `history` holds one line per finished attempt, oldest first.
    `error` and `reason` are those of its last settlement.  `settled_at` is 0 while the event is open.  `dedup_key` is
    empty where the call named none.
    """

    id: str
    webhook: str
    state: State
    received_at: int
    sender: str
    size: int
    answer_status: int
    answer_body: bytes
    error: str
    reason: str
    connection: str
    entity: str
    record_key: str
    run_id: str
    settled_at: int
    started_at: int
    attempts: int
    timings: Mapping[str, int]
    headers: Mapping[str, str]
    query: str = ""
    dedup_key: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished try of an event's action. Times in microseconds since the epoch, UTC."""

    number: int
    started_at: int
    ended_at: int
    state: State
    error: str
    record_key: str


class MarkState(StrEnum):
    """What became of the first request with a dedup key; a failed one leaves no mark."""

    WORKING = "working"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"


class Mark(msgspec.Struct, frozen=True):
    """A dedup mark: the first request of a webhook with this key, and the answer stored for the next.

    `body_digest` is what another body under the same key is told from.  `expires_at`: microseconds since the epoch.
    """

    webhook: str
    key: str
    body_digest: bytes
    event_id: str
    state: MarkState
    expires_at: int
    run_id: str = ""
    answer_status: int = 0
    answer_body: bytes = b""
