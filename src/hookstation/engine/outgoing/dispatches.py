"""Requests to destinations: how they go out, and what is kept of them for people."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from hookstation.core.masking import MASK, is_token_like, mask_pairs, mask_query
from hookstation.core.outgoing.definitions import ApiKeyHeader, Destination
from hookstation.ports.sender import Dispatch, Tls

Headers: TypeAlias = tuple[tuple[str, str], ...]

MOST_BODY_KEPT: Final = 65_536
"""Bytes of a request's body that an attempt keeps."""

_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


def dispatch_to(
    destination: Destination, method: str, url: str, headers: Headers, body: bytes, kept: int = 16_384
) -> Dispatch:
    """A request with what the destination permits and presents; `url` is its own or that of its tokens."""
    tls = destination.tls
    return Dispatch(
        method,
        url,
        headers,
        body,
        destination.timeout,
        destination.networks,
        destination.ports,
        destination.proxy,
        Tls(tls.certificate, tls.key, tls.authorities) if tls is not None else None,
        kept,
    )


def masked_headers(headers: Headers, destination: Destination) -> Headers:
    """Headers for people: credentials masked, signatures shown, long values capped."""
    key = destination.credentials
    named = key.header.lower() if isinstance(key, ApiKeyHeader) else ""
    return mask_pairs(headers, _credentials(tuple([name for name, _ in headers]), named))


@lru_cache(maxsize=256)  # the same names go out with each delivery
def _credentials(names: tuple[str, ...], key: str) -> frozenset[str]:
    return frozenset(name for name in names if name.lower() in _CREDENTIALS or name.lower() == key)


@lru_cache(maxsize=1_024)  # destinations keep their URLs
def masked_url(url: str) -> str:
    """A URL for people: what in it is a credential is masked."""
    parts = urlsplit(url)
    if not parts.query and "@" not in parts.netloc:
        return url
    place = parts.netloc.rpartition("@")
    netloc = f"{MASK}@{place[2]}" if place[1] else parts.netloc
    return urlunsplit((parts.scheme, netloc, parts.path, mask_query(parts.query), parts.fragment))


def masked_answer(headers: Headers) -> Headers:
    """The head of an answer for people: cookies and tokens that it gives out are masked."""
    return mask_pairs(headers, _given_out(tuple([name for name, _ in headers])))


@lru_cache(maxsize=256)  # a receiver answers with the same names
def _given_out(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name in names if "cookie" in name.lower() or is_token_like(name))


def kept_body(body: bytes) -> bytes:
    """As much of a request's body as is kept, with a visible mark where it was longer."""
    if len(body) <= MOST_BODY_KEPT:
        return body
    return body[:MOST_BODY_KEPT] + f"… (+{len(body) - MOST_BODY_KEPT} bytes)".encode()
