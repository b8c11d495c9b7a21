"""The secrets of destinations: which there are, which stay, and which may not follow to another place."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlsplit

from hookstation.core.documents.credentials import credentials_values
from hookstation.core.documents.secrets import destination_purpose
from hookstation.core.documents.signatures import signing_values
from hookstation.core.outgoing.definitions import (
    ClientCredentials,
    Destination,
    HmacSigning,
    NoSigning,
    StandardSigning,
)
from hookstation.core.outgoing.signing import rotate
from hookstation.core.values import Secret
from hookstation.errors import Problem

Origin: TypeAlias = tuple[str, str, int | None]


def secrets_of(destination: Destination) -> dict[tuple[str, ...], Secret]:
    """Every secret of a destination by its place in the document."""
    tls = destination.tls
    given: dict[tuple[str, ...], object] = {
        ("proxy",): destination.proxy,
        ("tls", "key"): tls.key if tls else None,
        **{
            ("authentication", name): one for name, one in credentials_values(destination.credentials).items()
        },
        **{("signing", name): one for name, one in signing_values(destination.signing).items()},
    }
    return {path: one for path, one in given.items() if isinstance(one, Secret)}


def known_destination_secrets(destination: Destination) -> dict[str, Secret]:
    """Every secret of a destination by its purpose."""
    purpose = destination_purpose(destination.name)
    return {"/".join((purpose, *path)): secret for path, secret in secrets_of(destination).items()}


def lacks_secret(destination: Destination) -> bool:
    """Whether the station has to make a secret for its signatures."""
    return isinstance(destination.signing, StandardSigning) and destination.signing.secret is None


def with_secret(destination: Destination, secret: Secret) -> Destination:
    """The destination that lacked a secret with the one that was made."""
    return replace(destination, signing=rotate(destination.signing, secret, 0))


def with_kept_signing(before: Destination, after: Destination) -> Destination:
    """`after` with what its document does not speak of: the secret that the station made, and one being replaced.

    Neither follows to another place: there the station makes a new one.
    """
    old, new = before.signing, after.signing
    if isinstance(old, NoSigning) or isinstance(new, NoSigning) or _place(before) != _place(after):
        return after
    if isinstance(old, StandardSigning) and lacks_secret(after):
        return replace(after, signing=old)
    if new.secret == old.secret and new.previous is None:
        return replace(after, signing=_with_previous(new, old))
    return after


def _with_previous(
    new: StandardSigning | HmacSigning, old: StandardSigning | HmacSigning
) -> StandardSigning | HmacSigning:
    return replace(new, previous=old.previous, previous_until=old.previous_until)


def destination_carried_elsewhere(before: Destination, after: Destination) -> list[Problem]:
    """Secrets of `before` that `after` would use at another place than the one they were given for.

    A mask that is sent back leaves a secret as it is.  It must not do so where the place changed: who may edit a
    destination, but not read its secrets, could have them sent to himself, or things signed that others take for ours.
    """
    if _place(before) == _place(after):
        return []
    old = secrets_of(before)
    return [
        Problem(
            path,
            "was given for another address; send the secret itself again, or leave the address as it was.",
        )
        for path, secret in secrets_of(after).items()
        if path[0] in ("authentication", "signing") and secret is old.get(path)
    ]


def _place(destination: Destination) -> tuple[object, ...]:
    """Who gets to see what is sent: the receiver, who issues tokens for it, and a proxy that could read along.

    That can a proxy of a connection without TLS, and one where the receiver's certificate may be issued by authorities
    that were named besides.
    """
    given = destination.credentials
    token_url = given.token_url if isinstance(given, ClientCredentials) else ""
    origins = tuple(origin(url) for url in (destination.url, token_url) if url)
    authorities = destination.tls.authorities if destination.tls else ""
    read_along = authorities or any(scheme == "http" for scheme, _, _ in origins)
    proxy = destination.proxy.reveal() if destination.proxy and read_along else ""
    return origins, proxy, authorities if proxy else ""


def origin(url: str) -> Origin:
    """Who is called: scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
