"""A type per stage: `RawRequest` → `VerifiedEvent` → `MappedEvent` → `Outcome`.

An unverified body cannot be mapped, an unmapped payload cannot be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from hookstation.core.access import RateLimit
from hookstation.core.answers import OUTCOME, Voice
from hookstation.core.definitions import Check
from hookstation.core.events import Answer, JournalEntry, Settlement
from hookstation.core.jsontext import Parsed
from hookstation.core.masking import mask_headers, mask_query
from hookstation.core.outgoing.hops import hops_of
from hookstation.core.records import Record
from hookstation.core.template import Scope
from hookstation.core.values import JSON
from hookstation.engine.switchboard import CompiledWebhook

POLLED: Final = "poll"
"""The sender of an event that nobody sent: the station found it when it asked."""


class Heard(Protocol):
    """Something that listens for calls which are no events."""

    async def hear(self, raw: RawRequest, body: bytes) -> Answer:
        """Keep the call, and say what its sender gets."""
        ...


class RawRequest(msgspec.Struct):
    """A call that was let in, before its body is known.

    `headers`: lower-case names, repeated ones joined by a comma.  `received_at`: microseconds since the epoch.
    `deadline`: seconds on the clock's monotonic scale by which the sender must have an answer.
    `timings`: nanoseconds per finished stage.  `key`: the dedup key, once it has been read; empty without one.
    `capture`: what listens for this call instead of a webhook, if anything does; `hook` then only bounds the body.
    `voice`: how its sender is answered.
    """

    event_id: str
    hook: CompiledWebhook
    headers: Mapping[str, str]
    query: str
    sender: str
    received_at: int
    deadline: float
    timings: dict[str, int] = msgspec.field(default_factory=dict)
    key: str = ""
    capture: Heard | None = None
    voice: Voice = OUTCOME

    @property
    def is_checked_later(self) -> bool:
        """Whether the call is acknowledged whatever schema and mapping say of it."""
        return self.voice is not OUTCOME and self.hook.definition.check is Check.LATER

    @property
    def hops(self) -> int:
        """How many deliveries led to this call."""
        return hops_of(self.headers)

    def entry(
        self,
        *,
        size: int,
        body: bytes | None,
        reason: str = "",
        connection: str = "",
        entity: str = "",
        run_id: str = "",
    ) -> JournalEntry:
        """What the journal keeps of this call, secrets masked."""
        return JournalEntry(
            self.event_id,
            self.hook.name,
            self.received_at,
            self.sender,
            size,
            mask_headers(self.headers, self.hook.masked),
            mask_query(self.query) if self.query else "",
            body,
            reason,
            connection,
            entity,
            run_id,
            self.timings,
            self.key,
        )


class VerifiedEvent(msgspec.Struct, frozen=True):
    """A call whose sender is proven and whose body could be read."""

    raw: RawRequest
    body: bytes
    parsed: Parsed


class MappedEvent(msgspec.Struct, frozen=True):
    """An event with the record that it asks for. `order`: the key of those that it goes one after the other with.

    `payload`: the body, decoded, for an event that begins runs of a workflow.
    """

    raw: RawRequest
    body: bytes
    record: Record
    key: str | None
    digest: bytes
    order: str = ""
    payload: JSON = None


class Outcome(msgspec.Struct, frozen=True):
    """What became of a mapped event: what its sender is told, and how the event stands.

    `run_id` is the key of its status address, empty where none was given out.
    """

    answer: Answer
    settlement: Settlement
    run_id: str = ""


def scope_of(raw: RawRequest, parsed: Parsed) -> Scope:
    """What the mapping may read of this call."""
    return Scope(parsed.value, raw.received_at, raw.event_id, raw.hook.name, raw.headers, raw.query)


class Listening(Protocol):
    """What may listen at a URL that is no webhook's."""

    def find(self, token: str, now: int) -> Listener | None:
        """What listens there now, microseconds since the epoch."""
        ...


class Listener(Heard, Protocol):
    """One that listens. `hook` bounds the body, `rate` the calls."""

    hook: CompiledWebhook
    rate: RateLimit
