"""The part of the database through which nodes share work: leases, heartbeats and hints.

A driver passes `hookstation.testing.lease_suite`, which is part of the store's own suite.  All times are taken by
the store's own clock (a server's, where it has one), never by a node's.  All methods may raise `StoreUnavailable`, in
which case nothing of what was asked has been written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from hookstation.core.jobs import Job, JobEnd, Leased, Node, Reaped, StoredJob

CONFIGURATION_CHANGED: Final = "configuration"
"""The hint that the configuration has a new revision."""

JOBS_READY: Final = "jobs:"
"""The beginning of the hint that a queue, whose name follows, has a job that is due.

Where the job stands in a lane with a name, ``/`` and that name follow.
"""


def ready_name(queue: str, lane: str) -> str:
    """What follows `JOBS_READY` for a lane."""
    return f"{queue}/{lane}" if lane else queue


class Jobs(Protocol):
    """Queues of jobs, and the leases under which they are done."""

    async def enqueue(self, jobs: Sequence[Job]) -> Sequence[bool]:
        """Write these jobs in one transaction; false for each whose id its queue has already, which is left alone.

        Raises `Conflict` where a job's turn is held by another one; then none is written.
        """
        ...

    async def lease(
        self, queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        """Lease at most `limit` jobs of a lane that are due, the most urgent first, among these the longest due.

        `most`, where it is not 0: so many jobs of the lane may be leased at the same time, by all nodes together;
        it is kept exactly, so where another node is just leasing in the lane nothing may be returned.
        No two nodes are given the same job, nor two jobs of one key.  A lease ends after `seconds`, or with its node.
        Returns nothing where the store does not know the node (any more).
        """
        ...

    async def settle(self, ends: Sequence[JobEnd]) -> Sequence[bool]:
        """Say how leased jobs ended; false for each whose lease was not the job's any more, which changes nothing.

        Raises `Conflict` where one is to be done again with a turn that another job holds; then none has ended.
        """
        ...

    async def cancel(self, queue: str, job_id: str) -> bool:
        """Take a job away, also from whoever is doing it; false where there is none. The next of its key moves up."""
        ...

    async def find_job(self, queue: str, job_id: str) -> StoredJob | None:
        """One job."""
        ...

    async def list_jobs(self, queue: str, key: str, limit: int, after: str = "") -> Sequence[StoredJob]:
        """Jobs with this key (empty: of any or none) in the order of their ids, after the id `after`."""
        ...

    async def next_due(self, queue: str, lane: str = "") -> int | None:
        """Microseconds until the next waiting job of a lane is due, 0 where one is; ``None`` where none waits."""
        ...

    async def due_lanes(self, queues: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """`next_due` of every lane of these queues that has a job which waits for its time, by (queue, lane).

        One statement, and its cost grows with the lanes, not with the jobs.
        """
        ...

    async def hurry(self, queue: str, key: str) -> int:
        """Make what waits for its time under this key due now; returns how many did."""
        ...

    async def count_waiting(self, queue: str) -> dict[str, int]:
        """How many jobs of the lane without a name there are by key, of keys that are not empty."""
        ...


class Nodes(Protocol):
    """Who works on this store."""

    async def join(self, node: Node) -> int:
        """Let a node in; from now on it has to beat. Returns the store's time, microseconds since the epoch."""
        ...

    async def beat(self, node_id: str) -> int | None:
        """Say that the node lives; returns the store's time, ``None`` where the store does not know it (any more)."""
        ...

    async def leave(self, node_id: str) -> None:
        """A node ends: what it had leased is due at once."""
        ...

    async def nodes(self) -> Sequence[Node]:
        """Every node that is not known to be dead, the longest there first."""
        ...

    async def reap(self, silent: float) -> Reaped:
        """Forget nodes that have not beaten for `silent` seconds, and end their leases and those whose time is over.

        The jobs are due at once.  Any number of nodes may do so at the same time.
        """
        ...


class Hints(Protocol):
    """What was changed, as soon as it is known here.

    A hint may be lost: whoever needs to be sure asks from time to time.
    """

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each hint, on the event loop, whichever node caused it; returns how to stop it."""
        ...
