"""The database: journal, dedup marks, stored answers, jobs, configuration, people and the built-in records.

A driver passes `hookstation.testing.store_suite`.  All methods may raise `StoreUnavailable`, in which case nothing
of what was asked has been written; a caller may ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import msgspec

from hookstation.core.events import Attempt, Event, JournalEntry, Mark, Settlement, State
from hookstation.core.jobs import Job, Lease
from hookstation.core.journal_rules import ID_SLACK, ids_beginning, lowest_id
from hookstation.core.outgoing.values import Emission
from hookstation.core.records import Effect, EffectResult, StoredRecord
from hookstation.core.searching import Needle, needle
from hookstation.core.values import Scalar
from hookstation.core.workflows.values import RunStart
from hookstation.ports.captures import Captures
from hookstation.ports.deliveries import Deliveries
from hookstation.ports.leases import Hints, Jobs, Nodes
from hookstation.ports.people import ApiKey, People, Sessions
from hookstation.ports.runs import Runs
from hookstation.ports.search import Search
from hookstation.ports.tallies import Findings, Tallies
from hookstation.ports.versions import Versions


class Holder(msgspec.Struct, frozen=True):
    """The node that gets a job leased in the transaction that writes it, and for how many seconds."""

    node: str
    seconds: float


class Hold(msgspec.Struct, frozen=True):
    """What is done with an event whose order key has jobs already: it stands as `settlement`, behind them."""

    key: str
    settlement: Settlement


Emit: TypeAlias = Callable[[Settlement, EffectResult | None], Sequence[Emission]]


class Acceptance(msgspec.Struct):
    """One event on its way into the journal: everything in it is committed together or not at all.

    `settle` is called inside the transaction with the result of `effect` (``None`` where there is no effect) and
    says how the event stands; it must be pure and quick.  `mark` is written with a state that follows from the
    settlement: succeeded → succeeded, sending/working → working, unknown/held → unknown, failed/rejected → no mark.
    The stored answer of a succeeded mark is the settlement's.  `job` is written only where the settled state is open,
    leased by `holder` where one is named.  Where another job has its turn, nothing is written (`Committed.occupied`).
    `hold`: where the job's queue has jobs with `hold.key`, neither `effect` nor `settle` counts: the event stands as
    `hold.settlement`, and its job gets the key and no holder and no turn.
    `emit` is called once it is known how the event stands, with that and the effect's result; what it returns is
    written with it.  It must be quick and never raise; it may be called again where the transaction is tried again.
    `starts`: runs of workflows that begin with it, written only where the settled state is no rejection.
    """

    entry: JournalEntry
    settle: Callable[[EffectResult | None], Settlement]
    effect: Effect | None = None
    mark: Mark | None = None
    job: Job | None = None
    holder: Holder | None = None
    hold: Hold | None = None
    emit: Emit | None = None
    starts: tuple[RunStart, ...] = ()


class Before(msgspec.Struct, frozen=True):
    """How an event stood before it was finished, and when it was received (microseconds since the epoch)."""

    webhook: str
    received_at: int
    state: State
    reason: str


class Committed(msgspec.Struct, frozen=True):
    """What a commit did.

    `conflict` is the mark that another event already held: then nothing of the acceptance was written and
    `settlement` is ``None``; so it is where `occupied` says that another job has the turn.  `lease` is the job's, where
    a holder was named.  `began` says that the job is the first of its key to be there, `ended` that the job that went
    was its key's last.  `before`, where an event was finished: how it stood until then.
    """

    settlement: Settlement | None
    effect: EffectResult | None = None
    conflict: Mark | None = None
    occupied: bool = False
    lease: Lease | None = None
    began: bool = False
    ended: bool = False
    before: Before | None = None


@dataclass(slots=True)
class Finish:
    """The end of an attempt of an event that is already in the journal (or its move to *unknown*, or a new attempt).

    Applied only where the event's state is one of `expected`, and, where `lease` is given, only while the event's job
    (in the lease's queue) is held under it; else nothing is written.
    `effect` and `settle` as in `Acceptance` (a replay into the built-in records).  What the settlement says takes the
    place of all that the last one said: answer, error, reason, record.
    The event's mark follows the settlement as in `Acceptance`; a failed event frees its key.  `mark` claims the key
    anew (a replay of a failed event); where another event holds it, nothing is written and `conflict` names it.
    `job` replaces the event's job in the queue `EVENTS`, whoever holds it, and ``None`` removes it; it is held by
    `holder` where one is named, else by nobody.  Where another job has its turn, nothing is written (`occupied`).
    `attempt_started_at` is when this attempt began, 0 where the move is no try of its own (a queued event that is
    cancelled); what counts as a try is said by `core.journal_rules.begins_attempt`.  An `Attempt` is kept once the
    state is not open any more, and with `keep_attempt` though it stays open: a try failed and another one will follow.
    `emit` as in `Acceptance`.
    """

    event_id: str
    expected: frozenset[State]
    settle: Callable[[EffectResult | None], Settlement]
    at: int
    effect: Effect | None = None
    job: Job | None = None
    holder: Holder | None = None
    lease: Lease | None = None
    attempt_started_at: int = 0
    mark: Mark | None = None
    run_id: str = ""
    connection: str = ""
    entity: str = ""
    emit: Emit | None = None
    keep_attempt: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to list; empty fields do not filter. `since`/`until`: microseconds since the epoch, UTC.

    `event_id` is the beginning of an id, in either case.  `text`, `sender`, `dedup_key` and `record_key` ask the index
    of `ports.search`, so they find what it has come to: `text` as `core.searching.needle` says, the others whole.
    """

    webhook: str = ""
    states: frozenset[State] = frozenset()
    since: int = 0
    until: int = 0
    event_id: str = ""
    text: str = ""
    sender: str = ""
    dedup_key: str = ""
    record_key: str = ""

    def bounds(self, after: str = "") -> tuple[str, str]:
        """The ids that may pass: from the first on and before the second, empty where that side is open."""
        low, high = [], [after] if after else []
        if self.since:
            low.append(lowest_id(self.since - ID_SLACK))
        if self.until:
            high.append(lowest_id(self.until + ID_SLACK))
        if self.event_id:
            first, end = ids_beginning(self.event_id)
            low.append(first)
            high.append(end)
        return max(low, default=""), min(high, default="")

    @property
    def needle(self) -> Needle | None:
        """What the index of words is asked for; ``None`` where it is not. Raises `Invalid`."""
        return needle(
            text=self.text,
            webhook=self.webhook,
            sender=self.sender,
            dedup_key=self.dedup_key,
            record_key=self.record_key,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, newest first. `next` is the `after` of the following page, empty at the end.

    A page may have fewer items than were asked for, even none, and a `next`: so much was looked through for it.
    """

    items: Sequence[Event]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The raw body of an event as it was received."""

    event_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook as the store keeps it. `document` is JSON text with sealed secrets; `token` is sealed too."""

    name: str
    token: str
    document: str
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class StoredConfiguration:
    """Everything configured, as stored: JSON documents by name. `revision` grows by one with each change.

    `specs` holds what the targets said of their entities: (connection, entity) → JSON text of the field list.
    `things` holds ``workflows``, ``schedules``, ``polls`` and ``transfers``, each by name; `workflow_versions` the
    number of each workflow's newest version, which is the one that is stored.
    """

    revision: int
    webhooks: Mapping[str, StoredWebhook] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    panels: Mapping[str, str] = field(default_factory=dict)
    destinations: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    things: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    workflow_versions: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ConfigurationChange:
    """What to write; a value of ``None`` removes the thing. `matches` names, per panel, the sets of fields that
    actions match on, so that the driver can keep an index for each.

    A webhook whose document becomes another one gets a published version, saved by `by` with `note`; one that is
    removed loses its versions.  A destination that is removed takes with it how it stood: who gets its name begins
    anew.  `things` are those of `StoredConfiguration.things`, by (kind, name): a workflow whose document becomes
    another one gets a version; the versions of one that is removed stay while a run of it is there, and its numbers go
    on.  One that is removed takes what it kept and its standing with it, a schedule or poll its job too.  `began` says,
    by webhook, which version must be its newest one (0: none).  `facts` are kept as `set_fact` would."""

    webhooks: dict[str, StoredWebhook | None] = field(default_factory=dict)
    connections: dict[str, str | None] = field(default_factory=dict)
    panels: dict[str, str | None] = field(default_factory=dict)
    destinations: dict[str, str | None] = field(default_factory=dict)
    subscriptions: dict[str, str | None] = field(default_factory=dict)
    specs: dict[tuple[str, str], str | None] = field(default_factory=dict)
    things: dict[tuple[str, str], str | None] = field(default_factory=dict)
    matches: dict[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """What may go: succeeded and failed events received before `before`; rejected ones before `rejected_before`;
    rejected ones beyond the newest `most_rejected`; where all bodies are more than `most_bytes`, the oldest events that
    are not open and have one. 0 switches a rule off.

    A mark that is alive at `now` keeps its event, with the stored answer, until it expires: by age such an event does
    not go, and for `most_bytes` only its body does.  An expired mark goes with its event.  `now`: microseconds since
    the epoch; at 0 every mark is alive."""

    before: int = 0
    rejected_before: int = 0
    most_rejected: int = 0
    most_bytes: int = 0
    now: int = 0


class Journal(Protocol):
    """The receiving side: commits and the reads that the lane needs."""

    def accept(self, acceptance: Acceptance) -> asyncio.Future[Committed]:
        """Commit one event; the future is done after the commit that holds it, and carries what a method raises.

        Commits are grouped with whatever waits.  A caller that gives up cancels the future or gives it an exception;
        what it asked for stands.
        """
        ...

    def note(self, acceptance: Acceptance) -> None:
        """Commit a rejected call with whatever is committed next, without anybody waiting for it.

        Never raises and never blocks; where the database cannot commit, or too much waits, it is dropped and counted
        in `noted_lost`.
        """
        ...

    def observe(self, listener: Callable[[Acceptance | Finish, Committed], None]) -> None:
        """Call `listener` with whatever was committed here from now on, on the event loop, before its caller hears.

        It must be quick.  Where it raises, that is logged, and what was committed is answered all the same.
        """
        ...

    @property
    def noted_lost(self) -> int:
        """How many noted calls were dropped since the store was opened."""
        ...

    async def finish(self, finish: Finish) -> Committed:
        """Settle or move an event. `Committed.settlement` is ``None`` where the event was not in an expected state
        or its job not under the lease."""
        ...

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        """The live mark of this key, with its stored answer; an expired one is as if it were not there."""
        ...

    async def find_run(self, run_id: str) -> Event | None:
        """The event whose status address this is."""
        ...

    async def owner_of(self, connection: str, entity: str, key: str) -> str:
        """The id of the newest journalled event that wrote this record, or an empty text."""
        ...


class History(Protocol):
    """Reading and pruning the journal."""

    async def list_events(self, which: EventFilter, limit: int, after: str = "") -> Page:
        """Events newest first, keyset paged by id. Raises `Invalid` for a `text` without a word in it."""
        ...

    async def get_event(self, event_id: str) -> Event | None:
        """One event, or ``None``."""
        ...

    async def get_payload(self, event_id: str) -> Payload | None:
        """The raw body, or ``None`` where it is not kept."""
        ...

    async def list_attempts(self, event_id: str) -> Sequence[Attempt]:
        """Finished attempts of an event, oldest first."""
        ...

    async def prune(self, retention: Retention, limit: int) -> int:
        """Delete at most `limit` events that may go, with all that hangs on them but their records.
        Returns how many went, or lost their body only; open events never go.  A driver that can drop a great many at
        once for less than one step costs may go beyond `limit` with them."""
        ...


class RecordsDatabase(Protocol):
    """Reading the built-in records."""

    async def list_records(self, entity: str, limit: int, after: str = "") -> Sequence[StoredRecord]:
        """Records in the order of writing, after the record with key `after`."""
        ...

    async def get_record(self, entity: str, key: str) -> StoredRecord | None:
        """One record, or ``None``."""
        ...

    async def find_records(
        self, entity: str, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[StoredRecord]:
        """At most `limit` records whose fields have these values (``None``: none), the oldest first.

        Raises `NotFound` for an entity that never had a record and is neither a panel nor the Activity.
        """
        ...

    async def count_records(self, entity: str) -> int:
        """How many records an entity has."""
        ...


class Settings(Protocol):
    """Configuration, keys, and the store's own life."""

    async def load_configuration(self) -> StoredConfiguration:
        """Everything configured."""
        ...

    async def revision(self) -> int:
        """The configuration's revision; cheap, asked often."""
        ...

    async def save_configuration(self, change: ConfigurationChange, expected_revision: int) -> int:
        """Write a change in one transaction and return the new revision.
        Raises `Conflict` where the revision is not `expected_revision` any more, or a webhook has a newer version than
        the change began from."""
        ...

    async def add_key(self, key: ApiKey) -> None:
        """Keep a key. Raises `Conflict` where the name is taken."""
        ...

    async def remove_key(self, name: str) -> bool:
        """Forget a key; whether there was one."""
        ...

    async def keys(self) -> Sequence[ApiKey]:
        """All keys."""
        ...

    async def get_fact(self, name: str) -> str:
        """A small fact about this database (master key fingerprint, station id); empty where unset."""
        ...

    async def set_fact(self, name: str, value: str) -> None:
        """Keep a small fact."""
        ...

    async def claim_fact(self, name: str, value: str) -> str:
        """Keep a small fact where it is unset, and return the one that stands: of several nodes one decides it."""
        ...


class Store(
    Journal,
    History,
    Search,
    RecordsDatabase,
    Settings,
    Versions,
    Captures,
    People,
    Sessions,
    Findings,
    Tallies,
    Jobs,
    Deliveries,
    Runs,
    Nodes,
    Hints,
    Protocol,
):
    """The whole database. Opened and migrated by its driver's `open`; see `adapters/store`."""

    async def can_commit(self) -> bool:
        """Whether a real commit succeeds now (for ``/readyz``)."""
        ...

    async def close(self) -> None:
        """Commit what waits, then let go of the database."""
        ...
