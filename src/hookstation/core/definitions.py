"""What a person configures, as values.

A definition is complete and decoded, but not yet checked against a target; its secrets are `Secret`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.rates import Rate
from hookstation.core.records import EntitySpec
from hookstation.core.values import JSON, Secret

if TYPE_CHECKING:
    from hookstation.core.polling.definitions import Poll
    from hookstation.core.schedules.definitions import Schedule
    from hookstation.core.transfers.definitions import Transfer
    from hookstation.core.workflows.definitions import Workflow

MEBIBYTE: Final = 1024 * 1024


class WebhookState(StrEnum):
    """Whether a webhook takes calls."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    ARCHIVED = "archived"


class AnswerMode(StrEnum):
    """What the sender's answer tells: the outcome; that the work is queued; or that, and where to ask how it stands."""

    OUTCOME = "outcome"
    QUEUED = "queued"
    POLL = "poll"


class Check(StrEnum):
    """When an event that is answered before the work is done is held against schema and mapping."""

    BEFORE = "before"
    LATER = "later"


class Handshake(StrEnum):
    """How a sender asks, before its first event, whether the receiver wants any.

    `EVENT_GRID`: Azure Event Grid posts an event with a ``validationCode``, which the answer gives back.
    """

    NONE = "none"
    EVENT_GRID = "event-grid"


class Poison(StrEnum):
    """What becomes of an ordered event that fails every time, and so of those behind it.

    `HOLD`: it stays at the head of its key until a person lets it go.  `SKIP`: after some tries it leaves its place and
    is tried on beside the others.  `DROP`: when its tries are used up it is a dead letter, and the next one goes.
    """

    HOLD = "hold"
    SKIP = "skip"
    DROP = "drop"


class Fault(StrEnum):
    """Why a try did not succeed, as `errors` tells them apart.

    `OFFLINE`: the target is not there.  `BUSY`: it wants to be asked later.  `CREDENTIALS`: it does not know us.
    `REFUSED`: it said no.  `UNKNOWN`: the outcome was not known, and a look-up showed that nothing was written.
    """

    OFFLINE = "offline"
    BUSY = "busy"
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NoAuthentication:
    """Said aloud: anybody who knows the URL may post."""


@dataclass(frozen=True, slots=True)
class TokenAuthentication:
    """A static token in a header, compared whole."""

    header: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class HmacAuthentication:
    """An HMAC of the raw body in a header."""

    header: str
    secret: Secret
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class StandardWebhooksAuthentication:
    """Standard Webhooks 1.0.0. `secret`: ``whsec_`` and base64 of 24 to 64 bytes (HMAC, ``v1``), or the sender's public
    key, ``whpk_`` and base64 of 32 bytes (ed25519, ``v1a``)."""

    secret: Secret
    tolerance: int = 300


Authentication: TypeAlias = (
    NoAuthentication | TokenAuthentication | HmacAuthentication | StandardWebhooksAuthentication
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: `allow` lists networks in CIDR form (empty: anybody), `rate` bounds calls."""

    allow: tuple[str, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Duplicates:
    """How a repeated call is known. `key` is ``header:<name>``, ``body:<path>`` or ``body-hash``; `window` seconds."""

    key: str
    window: int = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call: `body` bytes, `time` seconds for the whole answer."""

    body: int = MEBIBYTE
    time: float = 25.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often an event is tried, and after which faults at all.

    The pause after the first try is `first` seconds, each later one `factor` times as long, at most `most`; `jitter`
    is the share by which each is lengthened or shortened at random.
    """

    attempts: int = 10
    first: float = 5.0
    factor: float = 3.0
    most: float = 3_600.0
    jitter: float = 0.2
    on: frozenset[Fault] = frozenset({Fault.OFFLINE, Fault.BUSY, Fault.CREDENTIALS, Fault.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Work:
    """How events are worked off whose senders were answered before.

    `concurrency`: so many at the same time, by all nodes together; ``None``: as the target bears it.  `order` is a
    template over the payload: events with the same value go one after the other; empty: in any order.  `skip_after`:
    tries after which `Poison.SKIP` lets the others pass.  `time`: seconds from acceptance after which nothing more is
    tried, 0: without end.
    """

    concurrency: int | None = None
    order: str = ""
    poison: Poison = Poison.HOLD
    skip_after: int = 3
    time: float = 0.0
    retry: Retry = Retry()


@dataclass(frozen=True, slots=True)
class Action:
    """What is done with an event. `fields` and `match`: field name as the person wrote it → template or literal.

    `type` is ``insert_activity``, ``insert_panel``, ``update_panel`` or ``upsert_panel``.
    A field whose template is exactly the event id is the action's marker: by it an unknown outcome is settled.
    """

    type: str
    connection: str
    fields: Mapping[str, JSON]
    panel: str = ""
    match: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An inbound webhook: exactly one of `action` and `workflow` (a name) says what is done with an event.

    `schema` is the JSON Schema, ``True`` where none was given.

    `hold`: while its target is off-line or refuses our credentials, events are kept and sent later, in order.
    `search`: whether its events can be found by the words of their payloads.
    `acknowledge` is the status of an answer in mode `QUEUED`, whose body `omit_body` leaves out.  `respond_async`: a
    sender may ask for mode `POLL` by ``Prefer: respond-async`` (RFC 7240, 4.1).  `handshake`: how the sender asks first
    whether anybody is there.
    """

    name: str
    authentication: Authentication
    action: Action | None = None
    title: str = ""
    note: str = ""
    state: WebhookState = WebhookState.ACTIVE
    answer: AnswerMode = AnswerMode.OUTCOME
    access: Access = Access()
    duplicates: Duplicates | None = None
    limits: Limits = Limits()
    schema: JSON = True
    keep_rejected_bodies: bool = False
    hold: bool = False
    search: bool = True
    acknowledge: int = 200
    omit_body: bool = False
    check: Check = Check.BEFORE
    respond_async: bool = False
    work: Work = Work()
    workflow: str = ""
    handshake: Handshake = Handshake.NONE

    @property
    def connection(self) -> str:
        """The target that its action writes to, empty where it starts a workflow."""
        return self.action.connection if self.action else ""

    @property
    def is_queued(self) -> bool:
        """Whether its events may wait for their work after the answer."""
        return self.answer is not AnswerMode.OUTCOME or self.respond_async


@dataclass(frozen=True, slots=True)
class Connection:
    """A named target. `settings` are the plain fields of its type's spec, `secrets` the secret ones."""

    name: str
    type: str
    settings: Mapping[str, JSON] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Panel:
    """A table of the built-in records database that a person defined."""

    spec: EntitySpec

    @property
    def name(self) -> str:
        """The panel's name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a person configured, each kind by name."""

    KINDS: ClassVar = (
        "connections",
        "panels",
        "webhooks",
        "destinations",
        "subscriptions",
        "workflows",
        "transfers",
        "polls",
        "schedules",
    )
    """The kinds, in the order in which they lean on one another, as far as they do."""

    connections: Mapping[str, Connection] = field(default_factory=dict)
    panels: Mapping[str, Panel] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    polls: Mapping[str, Poll] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def over(self, other: Configuration) -> Configuration:
        """Everything of both; where names are the same, ours."""
        return Configuration(*({**getattr(other, kind), **getattr(self, kind)} for kind in self.KINDS))
