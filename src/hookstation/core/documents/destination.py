"""A destination of deliveries as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from hookstation.core.documents.certificates import certificate_problems
from hookstation.core.documents.credentials import (
    CREDENTIALS,
    check_credentials,
    credentials_header,
    credentials_of,
    credentials_values,
)
from hookstation.core.documents.secrets import destination_purpose
from hookstation.core.documents.signatures import SIGNING, signing_of, signing_values
from hookstation.core.fieldlist import Kind, SecretReader, SecretWriter, Setting, Values, decode, encode
from hookstation.core.outgoing.definitions import (
    Breaker,
    ClientTls,
    Destination,
    DestinationMode,
    NoCredentials,
    RetryPlan,
    StandardSigning,
)
from hookstation.core.outgoing.scope import compile_outgoing
from hookstation.core.outgoing.signing import signed_headers, signing_problems
from hookstation.core.template import rewrite
from hookstation.core.values import JSON, Number, Secret
from hookstation.errors import Invalid, Problem

DAY: Final = 86_400
_PERCENT: Final = "(?:100|[1-9]?[0-9])%"
_PERCENT_WORDS: Final = "whole per cent, like 20%"

_RETRY: Final = Setting(
    "retry",
    Kind.GROUP,
    help="How a delivery that failed is tried again.",
    fields=(
        Setting(
            "schedule",
            Kind.DURATIONS,
            default=["5s", "30s", "2m", "10m", "1h", "3h", "8h", "12h", "1d", "1d"],
            minimum=1,
            maximum=30 * DAY,
            help="The pause after each failed attempt; after the last one comes one more attempt. `[]`: one attempt. A "
            "`Retry-After` of the receiver lengthens a pause, up to 24 hours.",
        ),
        Setting(
            "jitter",
            Kind.TEXT,
            default="20%",
            pattern=_PERCENT,
            pattern_words=_PERCENT_WORDS,
            help="By how much each pause is lengthened or shortened at random.",
        ),
    ),
)
_BREAKER: Final = Setting(
    "breaker",
    Kind.GROUP,
    help="When a destination that fails is given a rest.",
    fields=(
        Setting(
            "share",
            Kind.TEXT,
            default="50%",
            pattern="(?:100|[1-9][0-9]?)%",
            pattern_words="whole per cent from 1% to 100%",
            help="It rests when so many of the last `calls` attempts failed.",
        ),
        Setting("calls", Kind.INTEGER, default=10, minimum=1, maximum=1_000, help="How many are looked at."),
        Setting(
            "window", Kind.DURATION, default="1m", minimum=1, maximum=DAY, help="Older attempts do not count."
        ),
        Setting(
            "pause",
            Kind.DURATION,
            default="30s",
            minimum=1,
            maximum=3_600,
            help="How long it rests until a single delivery is tried; doubled each time that fails, up to an hour.",
        ),
    ),
)
_TLS: Final = Setting(
    "tls",
    Kind.GROUP,
    help="What TLS needs besides the usual; all as PEM.",
    fields=(
        Setting("certificate", Kind.TEXT, maximum=65_536, help="The station's certificate, and its chain."),
        Setting("key", Kind.SECRET, help="The key of the station's certificate, without a passphrase."),
        Setting(
            "authorities",
            Kind.TEXT,
            maximum=1_048_576,
            help="The authorities that may have issued the receiver's certificate, instead of the public ones.",
        ),
    ),
)
DESTINATION: Final = (
    Setting(
        "name",
        Kind.NAME,
        required=True,
        pattern="[a-z0-9-]{1,64}",
        pattern_words="lower-case letters, digits and “-”, up to 64",
        help="What subscriptions, commands and pages call it; unique.",
        example="crm",
    ),
    Setting("title", Kind.TEXT, maximum=200, help="What people call it.", example="The CRM"),
    Setting("note", Kind.TEXT, maximum=10_000, help="What people should know about it."),
    Setting(
        "url",
        Kind.ENDPOINT,
        required=True,
        help="Where deliveries go. What is secret belongs into `authentication`.",
        example="https://crm.example.org/hooks/members",
    ),
    Setting(
        "state",
        Kind.CHOICE,
        default="active",
        choices=tuple(DestinationMode),
        help="Deliveries leave only for an `active` one; `paused` keeps everything, for `disabled` none begin.",
    ),
    CREDENTIALS,
    SIGNING,
    _TLS,
    Setting(
        "proxy",
        Kind.SECRET,
        help="The URL of an HTTP proxy, `http://USER:PASSWORD@HOST:PORT`. The address guard then judges the proxy "
        "alone: what may be reached behind it is for the proxy to say.",
    ),
    Setting(
        "networks",
        Kind.NETWORKS,
        maximum=100,
        help="Private networks that it may lie in; left out: public addresses only.",
        example=["10.20.0.0/16"],
    ),
    Setting(
        "ports",
        Kind.PORTS,
        help="The only ports that are called; left out: any but those that browsers refuse and those of well-known "
        "databases and mail.",
        example=[443],
    ),
    Setting(
        "timeout",
        Kind.DURATION,
        default="20s",
        minimum=1,
        maximum=300,
        help="How long an attempt may take in all.",
    ),
    _RETRY,
    Setting(
        "rate",
        Kind.RATE,
        help="How many attempts at most, all nodes together; left out: unbounded.",
        example="50/s",
    ),
    Setting(
        "concurrency",
        Kind.INTEGER,
        default=10,
        minimum=1,
        maximum=1_000,
        help="How many deliveries are on their way at once, all nodes together.",
    ),
    Setting(
        "order",
        Kind.TEXT,
        maximum=1_000,
        help="A template over the payload: deliveries with the same value go one after the other, and one that fails "
        "holds up those behind it. Left out: in any order.",
        example="$$memberId$$",
    ),
    _BREAKER,
    Setting(
        "disable_after",
        Kind.DURATION,
        default="5d",
        minimum=60,
        maximum=366 * DAY,
        help="The station gives it up after so long a time of nothing but failures.",
    ),
)


def decode_destination(document: JSON, secrets: SecretReader) -> tuple[Destination | None, list[Problem]]:
    """The destination, ``None`` where anything is wrong, and what is."""
    name = document.get("name") if isinstance(document, dict) else ""
    values, problems = decode(DESTINATION, document, secrets, destination_purpose(str(name)))
    if problems:
        return None, problems
    destination = _destination(values)
    problems += _check(destination)
    return (None, problems) if problems else (destination, [])


def _destination(values: Values) -> Destination:
    retry, breaker = values.group("retry"), values.group("breaker")
    return Destination(
        name=values.text("name"),
        url=values.text("url"),
        title=values.text("title"),
        note=values.text("note"),
        mode=DestinationMode(values.text("state")),
        credentials=credentials_of(values.group("authentication")),
        signing=signing_of(values.group("signing")),
        tls=_tls(values.group("tls")),
        proxy=_optional(values, "proxy"),
        networks=values.texts("networks"),
        ports=values.integers("ports"),
        timeout=values.seconds("timeout"),
        retry=RetryPlan(retry.many_seconds("schedule"), _share(retry.text("jitter")))
        if retry
        else RetryPlan(),
        rate=values.rate("rate"),
        concurrency=values.integer("concurrency"),
        order=rewrite(values.text("order")),
        breaker=_breaker(breaker) if breaker else Breaker(),
        disable_after=values.seconds("disable_after"),
    )


def _optional(values: Values, name: str) -> Secret | None:
    return values.secret(name) if name in values else None


def _tls(values: Values) -> ClientTls | None:
    found = ClientTls(values.text("certificate"), _optional(values, "key"), values.text("authorities"))
    return found if found != ClientTls() else None


def _breaker(values: Values) -> Breaker:
    return Breaker(
        _share(values.text("share")),
        values.integer("calls"),
        values.seconds("window"),
        values.seconds("pause"),
    )


def _share(percent: str) -> float:
    return int(percent[:-1]) / 100


def _percent(share: float) -> str:
    return f"{round(share * 100)}%"


def _check(destination: Destination) -> Iterator[Problem]:
    """What decoding alone cannot see."""
    parts = urlsplit(destination.url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    if destination.ports and port not in destination.ports:
        yield Problem(("ports",), f"does not list port {port}, which the url calls; add it.")
    if destination.tls and parts.scheme != "https":
        yield Problem(("tls",), "is for https addresses; write the url with https:// or leave this out.")
    if destination.tls:
        yield from (problem.under("tls") for problem in certificate_problems(destination.tls))
    yield from (problem.under("authentication") for problem in check_credentials(destination.credentials))
    yield from (problem.under("signing") for problem in signing_problems(destination.signing))
    if credentials_header(destination.credentials) in signed_headers(destination.signing):
        yield Problem(
            ("signing",), "writes the header of the authentication too; choose another for one of them."
        )
    if destination.proxy is not None:
        yield from _check_proxy(destination.proxy)
    yield from _check_order(destination.order)


def _check_proxy(proxy: Secret) -> Iterator[Problem]:
    try:
        parts = urlsplit(proxy.reveal())
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if (
        not well_formed
        or parts.scheme != "http"
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        yield Problem(
            ("proxy",),
            "is not the address of an HTTP proxy; write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT.",
        )


def _check_order(order: str) -> Iterator[Problem]:
    try:
        compile_outgoing(order)
    except Invalid as refusal:
        yield from (problem.under("order") for problem in refusal.problems)


def encode_destination(
    destination: Destination, secrets: SecretWriter, *, defaults: bool = False
) -> dict[str, JSON]:
    """The document of a destination, with what is default or without."""
    tls, retry, breaker = destination.tls or ClientTls(), destination.retry, destination.breaker
    bare = isinstance(destination.credentials, NoCredentials) and not defaults
    usual = destination.signing == StandardSigning() and not defaults
    values: dict[str, object] = {
        "name": destination.name,
        "title": destination.title,
        "note": destination.note,
        "url": destination.url,
        "state": destination.mode.value,
        "authentication": None if bare else credentials_values(destination.credentials),
        "signing": None if usual else signing_values(destination.signing),
        "tls": {"certificate": tls.certificate, "key": tls.key, "authorities": tls.authorities},
        "proxy": destination.proxy,
        "networks": list(destination.networks),
        "ports": list(destination.ports),
        "timeout": _seconds(destination.timeout),
        "retry": {
            "schedule": [_seconds(one) for one in retry.pauses],
            "jitter": _percent(retry.jitter),
        },
        "rate": destination.rate,
        "concurrency": destination.concurrency,
        "order": destination.order,
        "breaker": {
            "share": _percent(breaker.share),
            "calls": breaker.calls,
            "window": _seconds(breaker.window),
            "pause": _seconds(breaker.pause),
        },
        "disable_after": _seconds(destination.disable_after),
    }
    purpose = destination_purpose(destination.name)
    return encode(DESTINATION, values, secrets, purpose, defaults=defaults)


def _seconds(time: float) -> int | Number:
    return int(time) if time == int(time) else Number(repr(time))
