"""What holds between destinations and subscriptions, and what a destination keeps when it is applied again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from hookstation.core.addresses import judge, literal
from hookstation.core.definitions import Configuration
from hookstation.core.documents.credentials import credentials_header
from hookstation.core.documents.destination_secrets import with_kept_signing
from hookstation.core.nearest import did_you_mean
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.outgoing.signing import signed_headers
from hookstation.core.port_rules import judge_port
from hookstation.errors import AddressRefused, Problem


def check_destination_name(name: str, destinations: Collection[str]) -> list[Problem]:
    """The destination that a subscription names must be there."""
    if not name or name in destinations:
        return []
    names = sorted(destinations)
    there = f"there are {', '.join(names[:20])}" if names else "define it under “destinations”"
    message = f"there is no destination “{name[:64]}”; {there}.{did_you_mean(name, names)}"
    return [Problem(("destination",), message)]


def header_problems(subscription: Subscription, destination: Destination | None) -> list[Problem]:
    """Headers of a subscription that its destination writes: a signature or a credential must not be replaced."""
    if destination is None:
        return []
    owned = {*signed_headers(destination.signing), credentials_header(destination.credentials)} - {""}
    message = f"is written by the destination “{destination.name}” itself; choose another header."
    return [Problem(("headers", name), message) for name in subscription.headers if name.lower() in owned]


def check_headers(wanted: Configuration, current: Configuration) -> Iterator[tuple[str, str, Problem]]:
    """Clashes of headers in what the document adds and changes: kind, name and what is wrong, seen from that thing.

    `current` is what stays besides `wanted`.
    """
    destinations = {**current.destinations, **wanted.destinations}
    for name, one in wanted.subscriptions.items():
        for problem in header_problems(one, destinations.get(one.destination)):
            yield "subscriptions", name, problem
    for name, one in current.subscriptions.items():
        if name not in wanted.subscriptions and one.destination in wanted.destinations:
            for problem in header_problems(one, wanted.destinations[one.destination]):
                message = (
                    f"would write the header {problem.path[-1]}, which the subscription “{name}” writes too."
                )
                yield "destinations", one.destination, Problem((), message)


def out_of_reach(destinations: Iterable[tuple[int, Destination]]) -> list[Problem]:
    """Warnings for what the address guard will keep every delivery from, as far as the settings alone show it.

    `destinations`: with their places in the document.  With a proxy the guard judges that; a name is judged when it is
    looked up.
    """
    return [
        Problem(("destinations", index, "url"), f"Nothing will be delivered there: {why}", "warning")
        for index, one in destinations
        if one.proxy is None and (why := _refusal(one))
    ]


def _refusal(destination: Destination) -> str:
    parts = urlsplit(destination.url)
    host = parts.hostname or ""
    try:
        judge_port(parts.port or {"http": 80, "https": 443}[parts.scheme], destination.ports)
        if literal(host) is not None:
            judge(host, destination.networks)
    except AddressRefused as refused:
        return refused.message
    return ""


def with_kept_signings(current: Mapping[str, Destination], wanted: Configuration) -> Configuration:
    """`wanted` with what its documents leave to the station: secrets that it made stay as they are."""
    kept = {
        name: with_kept_signing(current[name], one) if name in current else one
        for name, one in wanted.destinations.items()
    }
    return replace(wanted, destinations=kept)


def subscribers(destination: str, subscriptions: Mapping[str, Subscription]) -> list[str]:
    """The names of the subscriptions that lead to a destination."""
    return sorted(one.name for one in subscriptions.values() if one.destination == destination)
