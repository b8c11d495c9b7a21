"""Runs as they are stored: the run, the entries of its history, what it waits for, and how a turn of it ended."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from hookstation.core.events import Settlement
from hookstation.core.jobs import RUNS, Job

LARGEST_INPUT: Final = 64 * 1024
"""Characters of a step's input that are kept, for people; what is longer ends in a visible mark."""

LARGEST_OUTPUT: Final = 8 * 1024 * 1024
"""Characters of JSON that one step may put out: later steps read it, so it is kept whole or refused."""

LARGEST_RUN: Final = 64 * 1024 * 1024
"""Characters of JSON that all steps of a run may have put out."""


class RunState(StrEnum):
    """How a run stands.

    `WAITING`: for a time, a call, a person or another run.  `UNKNOWN`: a step may have had its effect, and a person
    has to say whether it did.
    """

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})


class Run(msgspec.Struct, frozen=True):
    """One execution of a workflow. Its open job stands in the queue `RUNS`, its id is the run's, its lane the workflow.

    `id` sorts by time.  `version`: of the definition that it keeps.  `trigger`: what began it, as ``webhook:courses``,
    ``schedule:nightly``, ``poll:``, ``event:``, ``workflow:``, ``change:``, or ``manual:`` and who.  `input`: JSON text
    of what triggered it.  `facts`: JSON text of an object with what is known besides (headers, query, received_at).
    `event_id`: the journal's event that it finishes, empty without one.  `parent` and `parent_path`: the run and step
    that wait for its end.  `source`: the run that this one does again.  `key`: its concurrency key.  `output`: JSON
    text of what it put out.  `answer`: JSON text of what `respond` said (status, headers, body), empty without.
    Moments are microseconds since the epoch, 0: not yet.  `hops`: so many of our own events led to it.
    """

    id: str
    workflow: str
    version: int
    state: RunState
    trigger: str
    created_at: int
    input: str = "null"
    facts: str = "{}"
    key: str = ""
    event_id: str = ""
    parent: str = ""
    parent_path: str = ""
    source: str = ""
    started_at: int = 0
    ended_at: int = 0
    due_at: int = 0
    error: str = ""
    output: str = ""
    answer: str = ""
    hops: int = 0


class EntryState(StrEnum):
    """How a try of a step stands.

    `STARTED`: the intent of an effect elsewhere is committed; what is found so by another holder is `UNKNOWN`.
    `WAITING`: until a moment, or for a `Signal`.  `FAILED` with a moment `due_at`: it is tried again then.
    """

    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Entry(msgspec.Struct, frozen=True):
    """One try of one step of a run, as history keeps it; of a path the greatest `attempt` counts.

    `path`: names joined by ``/`` from the outermost block on, a turn of a loop as ``[n]`` and a block by its name:
    ``each[3]/insert``, ``check/then/mail``.  `number` is given by the store: it grows with each entry of the run that
    is written anew, and stays where one takes the place of that with its path and attempt.  `input`: JSON text for
    people, capped and masked.  `output`: JSON text, whole.  `fault`: the class of a failure, as
    `core.definitions.Fault` names it, empty where it is none of these.  `due_at`: when it goes on by itself, 0: never.
    `detail`: JSON text of what its type has to remember (a child's id, progress, when a person was reminded).
    """

    path: str
    state: EntryState
    attempt: int = 1
    number: int = 0
    started_at: int = 0
    ended_at: int = 0
    input: str = ""
    output: str = ""
    error: str = ""
    fault: str = ""
    due_at: int = 0
    detail: str = ""


class RunStart(msgspec.Struct, frozen=True):
    """A run that begins, with its job, and with what is known already (of a run that is done again): all or nothing."""

    run: Run
    job: Job
    entries: tuple[Entry, ...] = ()


class Signal(msgspec.Struct, frozen=True):
    """What a waiting step of a run was waiting for: a call, a decision, the end of another run, or a person's word.

    `payload`: JSON text.  Of one path the first one counts.
    """

    run_id: str
    path: str
    at: int
    payload: str = "null"
    who: str = ""


class WaitKind(StrEnum):
    """Whom a step waits for."""

    CALL = "call"
    APPROVAL = "approval"


class Wait(msgspec.Struct, frozen=True):
    """A step that waits for somebody outside. `digest`: SHA-256 of the one-time token; `person`: who may approve."""

    run_id: str
    path: str
    kind: WaitKind
    digest: bytes
    expires_at: int = 0
    person: str = ""
    title: str = ""


class Kept(msgspec.Struct, frozen=True):
    """A small value that work keeps from one turn to the next; empty text: there is none.

    `kind` and `name`: whose, in the words of `ports.store.StoredConfiguration.things` (``schedules``, ``nightly``).
    """

    kind: str
    name: str
    key: str
    value: str


class Hashes(msgspec.Struct, frozen=True):
    """Rows that a delta saw, key → hash of the row. They count from the moment at which the run succeeds."""

    owner: str
    rows: Mapping[str, bytes]


class Outcome(msgspec.Struct, frozen=True):
    """A run that something had begun has ended: it counts for that thing's `Standing`. `kind` as in `Kept`."""

    kind: str
    name: str
    succeeded: bool
    at: int
    why: str = ""


class Standing(msgspec.Struct, frozen=True):
    """How a schedule, poll or transfer stands. `kind` as in `Kept`.

    `failures`: in a row. `off`: it was switched off for these.
    """

    kind: str
    name: str
    failures: int = 0
    succeeded_at: int = 0
    failed_at: int = 0
    off: bool = False
    why: str = ""


class RunChange(msgspec.Struct, frozen=True):
    """How a run stands after a turn; a text that is ``None`` stays as it was, and so does a moment that is 0."""

    state: RunState
    started_at: int = 0
    ended_at: int = 0
    due_at: int = 0
    error: str | None = None
    output: str | None = None
    answer: str | None = None


class EventEnd(msgspec.Struct, frozen=True):
    """The journal's event that a run finishes, and how it stands then."""

    event_id: str
    settlement: Settlement
    at: int


def run_job(run: Run, *, delay: int = 0) -> Job:
    """The job of a run that begins."""
    return Job(
        RUNS, run.id, key=f"{run.workflow}/{run.key}" if run.key else "", delay=delay, lane=run.workflow
    )
