"""What a receiver sends back of the credentials that it was shown: an attempt is kept without them.

Test services, debug pages and error pages repeat the request that they got, headers and all.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import structs

from hookstation.core.documents.destination_secrets import secrets_of
from hookstation.core.masking import MASK
from hookstation.core.outgoing.definitions import Basic, Destination
from hookstation.core.outgoing.values import DeliveryAttempt

LEAST: Final = 4
"""Characters that a secret has at least whose echo is masked; shorter ones stand in every text by chance."""


def secrets_shown(destination: Destination) -> tuple[str, ...]:
    """The secrets of a destination in the forms in which they go over the wire, long ones first."""
    found = {one.reveal() for one in secrets_of(destination).values()}
    given = destination.credentials
    if isinstance(given, Basic):
        found.add(_pair(given.username, given.password.reveal()))
    proxy = urlsplit(destination.proxy.reveal()) if destination.proxy else None
    if proxy is not None and proxy.password:
        password = unquote(proxy.password)
        found |= {password, _pair(unquote(proxy.username or ""), password)}
    return _longest_first(found)


def without_echoes(
    attempt: DeliveryAttempt, shown: Iterable[str], proof: Iterable[tuple[str, str]]
) -> DeliveryAttempt:
    """The attempt with what came back masked where it holds a secret.

    `shown`: from `secrets_shown`; `proof`: the headers by which the station proved itself, with a token perhaps.
    """
    told = [value.rpartition(" ")[2] for _, value in proof]
    secrets = _longest_first({*shown, *told}) if told else tuple(shown)
    answer, error = _masked_bytes(attempt.answer, secrets), _masked(attempt.error, secrets)
    headers = tuple([(name, _masked(value, secrets)) for name, value in attempt.answer_headers])
    if (answer, error, headers) == (attempt.answer, attempt.error, attempt.answer_headers):
        return attempt
    return structs.replace(attempt, answer=answer, answer_headers=headers, error=error)


def _pair(name: str, password: str) -> str:
    return b64encode(f"{name}:{password}".encode(errors="surrogateescape")).decode()


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    """So that what holds another one is masked as a whole."""
    return tuple(sorted((text for text in texts if len(text) >= LEAST), key=lambda text: (-len(text), text)))


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _masked_bytes(body: bytes, secrets: tuple[str, ...]) -> bytes:
    for secret in secrets:
        body = body.replace(secret.encode(errors="surrogateescape"), MASK.encode())
    return body
