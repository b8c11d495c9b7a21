"""Destinations and subscriptions, as a person configured them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from hookstation.core.rates import Rate
from hookstation.core.values import JSON, Secret

SECONDS: Final = (5, 30, 120, 600, 3_600, 10_800, 28_800, 43_200, 86_400, 86_400)
"""The usual pauses between attempts, in seconds: eleven attempts in about three days."""


class DestinationMode(StrEnum):
    """Whether deliveries leave for it. A paused one keeps everything; for a disabled one none begin."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """The receiver wants none."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """``Authorization: Bearer <token>``."""

    token: Secret


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP basic authentication."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class ApiKeyHeader:
    """A key in a header of its own."""

    header: str
    key: Secret


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, 4.4): a token is fetched from `token_url` and kept until it expires.

    `in_body`: the client's id and secret go in the form, else by basic authentication.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    in_body: bool = False


Credentials: TypeAlias = NoCredentials | Bearer | Basic | ApiKeyHeader | ClientCredentials


@dataclass(frozen=True, slots=True)
class NoSigning:
    """Deliveries are not signed; said aloud."""


@dataclass(frozen=True, slots=True)
class StandardSigning:
    """Standard Webhooks 1.0.0. `secret`: ``whsec_`` (HMAC, ``v1``) or ``whsk_`` (ed25519, ``v1a``).

    `secret` is ``None`` only in a document that asks the station to make one.  `previous` signs too until
    `previous_until` (microseconds since the epoch), while the secret is being rotated.
    """

    secret: Secret | None = None
    previous: Secret | None = None
    previous_until: int = 0


@dataclass(frozen=True, slots=True)
class HmacSigning:
    """An HMAC in a header: the families of GitHub, Shopify, Stripe, Slack and others.

    `content` is what is signed: ``{body}``, or a text with ``{body}`` and, as it needs them, ``{timestamp}`` and
    ``{id}``.  `value` is the header's value with ``{signature}`` in it, and ``{timestamp}`` where the receiver reads it
    there; `timestamp_header` names a header of its own for it.  While rotating, a value whose form allows it holds both
    signatures (``joint``, Stripe: ``v1=...,v1=...``), else the new secret alone signs.
    """

    header: str
    secret: Secret
    algorithm: str = "sha256"
    encoding: str = "hex"
    content: str = "{body}"
    value: str = "{signature}"
    timestamp_header: str = ""
    joint: str = ""
    previous: Secret | None = None
    previous_until: int = 0


Signing: TypeAlias = NoSigning | StandardSigning | HmacSigning


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Seconds to wait after each failed attempt; after the last pause one more attempt, then it is dead.

    `jitter`: the share by which each pause is lengthened or shortened at random.
    """

    pauses: tuple[float, ...] = SECONDS
    jitter: float = 0.2


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a destination is given a rest: of the last `calls` attempts within `window` seconds, `share` or more failed.

    It rests `pause` seconds, doubled each time a probe fails, at most an hour.
    """

    share: float = 0.5
    calls: int = 10
    window: float = 60.0
    pause: float = 30.0


@dataclass(frozen=True, slots=True)
class ClientTls:
    """Mutual TLS, and whom to trust besides or instead of the public authorities; all as PEM."""

    certificate: str = ""
    key: Secret | None = None
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that deliveries go to.

    `order` is a template over the payload: deliveries with the same value go one after the other; empty: in any order.
    `rate` and `concurrency` bound all nodes together (`rate` is shared out among them).  `disable_after`: seconds of
    nothing but failures after which the station gives it up.  `networks`/`ports`: see `ports.sender.Dispatch`.
    """

    name: str
    url: str
    title: str = ""
    note: str = ""
    mode: DestinationMode = DestinationMode.ACTIVE
    credentials: Credentials = NoCredentials()
    signing: Signing = StandardSigning()
    tls: ClientTls | None = None
    proxy: Secret | None = None
    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    timeout: float = 20.0
    retry: RetryPlan = RetryPlan()
    rate: Rate | None = None
    concurrency: int = 10
    order: str = ""
    breaker: Breaker = Breaker()
    disable_after: float = 5 * 86_400.0


class BodyForm(StrEnum):
    """What the body of a delivery is made of.

    `ENVELOPE`: ``{"type", "timestamp", "data"}`` as Standard Webhooks advises; `JSON`: the payload as it is;
    the others are made by templates over the payload.
    """

    ENVELOPE = "envelope"
    JSON = "json"
    TEMPLATE = "template"
    FORM = "form"
    XML = "xml"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Body:
    """`content` by `form`: `TEMPLATE` any JSON whose texts are templates; `FORM` an object of templates; `TEXT` one.

    `XML`: an object whose single member is the root; ``@name`` members are attributes, ``#text`` is text.
    """

    form: BodyForm = BodyForm.ENVELOPE
    content: JSON = None
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events out go to a destination, and as what.

    `events`: types, in which ``*`` stands for one word, and at the end for one or more.  `condition`: a text in the
    condition language over the payload, empty: always.  `headers`: name → template.
    """

    name: str
    destination: str
    events: tuple[str, ...]
    title: str = ""
    note: str = ""
    active: bool = True
    condition: str = ""
    method: str = "POST"
    body: Body = Body()
    headers: Mapping[str, str] = field(default_factory=dict)
