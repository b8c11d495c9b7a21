"""Work that outlives a request: jobs, the leases under which nodes do them, and the nodes.

A job is leased by one node at a time.  A lease ends when it is settled, when its time is over, or when its node is
dead; what it held is then leased again under a greater token, and whatever comes under the old one is refused.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

import msgspec

EVENTS: Final = "events"
"""The queue of events that have to be finished: one job an event, its id is the event's.

Events of a webhook that answers before the work is done stand in the lane named as the webhook; what is looked up, held
or taken over stands in the lane without a name.
"""

DELIVERIES: Final = "deliveries"
"""The queue of deliveries on their way: one job a delivery, its id is the delivery's, its lane the destination."""


RUNS: Final = "runs"
"""The queue of workflow runs that are not at their end: one job a run, its id is the run's, its lane the workflow."""

SCHEDULES: Final = "schedules"
"""The queue of schedules that fire: one job a schedule, its id is the schedule's name, in the lane `SCHEDULES`."""

POLLS: Final = "polls"
"""The queue of polling webhooks: one job a poll, its id and lane are its name, its payload the cursor."""


class Priority(IntEnum):
    """Of the jobs that are due, the more urgent ones are leased first."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class Job(msgspec.Struct, frozen=True):
    """Something to be done.

    `id` is unique in its `queue` and at most 64 characters; ids sort by time where the order of a key matters.
    `payload` is text for whoever does it.  Jobs of a queue with the same `key` (empty: none) are done one after the
    other in the order of their ids: while the first one is leased or waits for its time, the others stand behind it.
    `delay`: microseconds from the commit, by the store's clock, until it is due.  `tries`: how often it was begun.
    `lane`: jobs of a queue are leased lane by lane, so that a lane whose jobs nobody takes holds up no other one.
    `turn`, where it is not empty, is held by one job of the whole store at a time.
    """

    queue: str
    id: str
    payload: str = ""
    key: str = ""
    delay: int = 0
    priority: Priority = Priority.NORMAL
    tries: int = 0
    turn: bytes = b""
    lane: str = ""


class Lease(msgspec.Struct, frozen=True):
    """A node's right to do a job and to say how it ended. `token` is greater for each later lease of the job."""

    queue: str
    id: str
    node: str
    token: int


class Leased(msgspec.Struct, frozen=True):
    """A job with the lease under which it is to be done. `job.delay` is 0."""

    lease: Lease
    job: Job


class JobState(StrEnum):
    """How a job stands: it waits for its time or a worker, stands behind another one of its key, or is being done."""

    READY = "ready"
    BEHIND = "behind"
    LEASED = "leased"


class StoredJob(msgspec.Struct, frozen=True):
    """A job as it is read back. `due_at`: microseconds since the epoch by the store's clock; `node`: its holder.

    `job.delay` is 0: `due_at` says it.
    """

    job: Job
    state: JobState
    due_at: int
    node: str = ""


class JobEnd(msgspec.Struct, frozen=True):
    """How a leased job ended: it is gone, or (`again`) it is to be done once more, as it is said there.

    `again` has the queue and id of the lease's job.
    """

    lease: Lease
    again: Job | None = None


class Node(msgspec.Struct, frozen=True):
    """A process that works on the store. Its id is made at its start and never used again.

    Times: microseconds since the epoch by the store's clock, set by the store.
    """

    id: str
    role: str
    address: str
    version: str
    started_at: int = 0
    seen_at: int = 0


class Reaped(msgspec.Struct, frozen=True):
    """What a reaper found: the ids of nodes that are dead, and how many leases ended."""

    nodes: tuple[str, ...] = ()
    leases: int = 0
