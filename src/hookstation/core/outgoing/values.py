"""What goes out: an event, its deliveries to destinations, and the attempts of each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from hookstation.core.workflows.values import RunStart

NO_TIMING: Final = -1


class EventOut(msgspec.Struct, frozen=True):
    """Something that happened and that destinations may be told of; it never changes.

    `id` sorts by time.  `type` names what happened in words joined by dots (``record.inserted``).  `occurred_at`:
    microseconds since the epoch, UTC.  `payload` is the JSON text of the facts, as it came where a sender wrote it.
    `source` is the id of the journal's event that caused it, empty without one.  `key` is the idempotency key of
    whoever raised it, empty without one; no two events have the same.  `hops`: so many deliveries led to it.
    """

    id: str
    type: str
    occurred_at: int
    payload: str
    source: str = ""
    key: str = ""
    hops: int = 0


class NewDelivery(msgspec.Struct, frozen=True):
    """A delivery that begins with its event. `key` is its order key, of this destination alone, empty without order.

    `id` is made with its event: its time and the event's `occurred_at` differ by two seconds at most, since lists are
    cut by the time in the id.
    """

    id: str
    subscription: str
    destination: str
    key: str = ""


class Emission(msgspec.Struct, frozen=True):
    """An event out with all deliveries and runs of workflows that it begins: they are committed together."""

    event: EventOut
    deliveries: tuple[NewDelivery, ...] = ()
    starts: tuple[RunStart, ...] = ()


class DeliveryState(StrEnum):
    """How a delivery stands; `WAITING` ones have a job in the queue `DELIVERIES`."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Trouble(StrEnum):
    """Why an attempt did not deliver, as filters and pages name it."""

    NONE = ""
    MAPPING = "mapping"
    ADDRESS = "address"
    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    CREDENTIALS = "credentials"
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken_off"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    REFUSED = "refused"
    GONE = "gone"
    BUSY = "busy"
    SERVER = "server"


TROUBLE_WORDS: Final[Mapping[Trouble, str]] = {
    Trouble.MAPPING: "the request could not be made",
    Trouble.ADDRESS: "address not allowed",
    Trouble.NAME: "host not found",
    Trouble.CONNECT: "no connection",
    Trouble.TLS: "TLS failed",
    Trouble.PROXY: "the proxy failed",
    Trouble.CREDENTIALS: "no token to be had",
    Trouble.TIMEOUT: "no answer in time",
    Trouble.BROKEN_OFF: "broken off",
    Trouble.PROTOCOL: "not an answer of HTTP",
    Trouble.REDIRECT: "sent elsewhere (3xx)",
    Trouble.REFUSED: "refused (4xx)",
    Trouble.GONE: "gone for good (410)",
    Trouble.BUSY: "busy (429, 502 to 504)",
    Trouble.SERVER: "failed there (5xx)",
}
"""What people are told of each but `NONE`."""


class Timing(msgspec.Struct, frozen=True):
    """Microseconds that the parts of an attempt took; `NO_TIMING` for a part that was not reached or not needed.

    A connection that was kept open needs neither `dns` nor `connect` nor `tls`.  `first_byte` counts from the end of
    the connecting until the head of the answer; `total` is the whole attempt.
    """

    dns: int = NO_TIMING
    connect: int = NO_TIMING
    tls: int = NO_TIMING
    first_byte: int = NO_TIMING
    total: int = NO_TIMING


class DeliveryAttempt(msgspec.Struct, frozen=True):
    """One try, as it is kept: what was sent with secrets masked, and what came back, capped.

    `number` counts from 1.  `started_at`: microseconds since the epoch, UTC.  `status` is 0 where no answer came.
    `answer_size`: bytes of the answer that were read; where that is more than `answer` holds, or `cut` is set, the
    answer was longer than is kept.  `node`: the id of the node that made it.
    """

    delivery_id: str
    number: int
    started_at: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    status: int = 0
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = b""
    cut: bool = False
    timing: Timing = Timing()
    trouble: Trouble = Trouble.NONE
    error: str = ""
    node: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """A delivery as it is read back. `type` and `event_id` are its event's; times in microseconds, 0: not yet.

    `attempts` counts the tries; `status`, `trouble` and `error` are those of the last one.  `due_at`: when a waiting
    one is tried next, by the store's clock.
    """

    id: str
    event_id: str
    type: str
    subscription: str
    destination: str
    key: str
    state: DeliveryState
    created_at: int
    attempts: int = 0
    status: int = 0
    trouble: Trouble = Trouble.NONE
    error: str = ""
    due_at: int = 0
    ended_at: int = 0


class Health(StrEnum):
    """How a destination stands by itself, besides what its owner configured."""

    GOOD = "good"
    SLOWED = "slowed"
    OPEN = "open"
    GONE = "gone"
    GIVEN_UP = "given_up"


class DestinationState(msgspec.Struct, frozen=True):
    """What the station knows of a destination, shared by all nodes. `revision` grows with each change.

    `until`: microseconds since the epoch, when a slowed one is called as usual again, or an open one is probed.
    `opened`: how often in a row its breaker has opened.  `failing_since`: when the first attempt failed after the last
    one that did not, 0 where the last one did not.  `why`: a sentence for people.
    `GONE` (410) and `GIVEN_UP` (nothing but failures for days) last until a person enables the destination again.
    """

    name: str
    health: Health = Health.GOOD
    until: int = 0
    opened: int = 0
    failing_since: int = 0
    changed_at: int = 0
    why: str = ""
    revision: int = 0


class DeliveryFigures(msgspec.Struct, frozen=True):
    """One hour of a destination. `hour`: microseconds since the epoch, its beginning; `took`: of all attempts."""

    destination: str
    hour: int
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    took: int = 0
