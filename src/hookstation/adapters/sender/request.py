"""What goes out, judged before anything is asked of the network."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiohttp import encode_basic_auth
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from hookstation.core.addresses import judge, literal
from hookstation.core.port_rules import judge_port
from hookstation.core.values import Secret
from hookstation.errors import AddressRefused
from hookstation.ports.sender import Dispatch

FRAMING: Final = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
     "trailer", "transfer-encoding", "upgrade")
)  # fmt: skip
"""Headers that say where a request ends and whose it is (RFC 9110, 7.6.1): they are the client's alone."""

HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?")
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNFIT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

LARGE: Final = 1 << 20
"""Bytes of a body that aiohttp takes in one piece."""


class Unsendable(ValueError):
    """A method, a header or a proxy is not one that can go out."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go, as aiohttp takes it. `named`: whoever is connected to has to be looked up.

    `shown`: what proves to the proxy who we are. aiohttp makes Proxy-Authorization of it, for tunnels and without one.
    `networks`: the private ones that it may reach.  `lines`: the first ones of a request, after its method.  `key`:
    under what aiohttp keeps its connections; without a proxy.
    """

    url: URL
    proxy: URL | None
    shown: Mapping[str, str] | None
    named: bool
    networks: frozenset[str]
    lines: str
    key: ConnectionKey


@lru_cache(maxsize=4096)
def judge_target(url: str, networks: tuple[str, ...], ports: tuple[int, ...], proxy: Secret | None) -> Target:
    """Where a dispatch with these goes. Raises `AddressRefused`; what is looked up is judged again when it is known."""
    target = read_url(url, "https", "http")
    if target.user is not None or target.password is not None:
        raise AddressRefused("The URL holds a user name or a password; put them under `credentials` instead.")
    judge_port(target.port or 0, ports)
    way, shown = _read_proxy(proxy, ports)
    called = (way or target).raw_host
    assert called is not None
    address = literal(called)
    if address is not None:
        judge(called, networks)
    return Target(
        target,
        way,
        shown,
        address is None,
        frozenset(networks),
        f" {target.raw_path_qs} HTTP/1.1\r\nHost: {target.host_port_subcomponent}\r\n",
        ConnectionKey(
            target.raw_host or "", target.port, target.scheme == "https", True, None, None, None, None
        ),
    )


def read_url(text: str, *schemes: str) -> URL:
    """The URL in the form that goes out; its host is judged in this form: other spellings are folded here.

    Raises `AddressRefused` for what is not an absolute URL with one of these schemes and one plain host.
    """
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError:
        raise AddressRefused("The URL cannot be read; correct the destination's `url`.") from None
    if url.scheme not in schemes or not host or not port:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise AddressRefused(f"The URL must begin with {wanted} and name a host, and its port must not be 0.")
    if literal(host) is None and not HOST.fullmatch(host):
        raise AddressRefused(f"“{host}” is no name of a host; write letters, digits, dots and hyphens.")
    return url


def _read_proxy(secret: Secret | None, ports: tuple[int, ...]) -> tuple[URL | None, Mapping[str, str] | None]:
    """The proxy without its credentials, and those. What is refused is told without them."""
    if secret is None:
        return None, None
    try:
        url = read_url(secret.reveal(), "http")
        if url.port not in ports:
            judge_port(url.port or 0, ())
    except AddressRefused as refused:
        raise AddressRefused(f"The proxy is refused: {refused.message}") from None
    if url.user is None:
        return url.origin(), None
    return url.origin(), {"Authorization": encode_basic_auth(url.user, url.password or "")}


def check_words(dispatch: Dispatch) -> tuple[str, ...]:
    """The names of the headers as they go out. Raises `Unsendable` where the method or a header is not one that can."""
    _check_method(dispatch.method)
    names = spelling(tuple([name for name, _ in dispatch.headers]))
    for name, value in dispatch.headers:
        if not value.isprintable() and UNFIT.search(value):
            raise Unsendable(
                f"The header {name} would hold a line break or another control character; map it away."
            )
    return names


@lru_cache(maxsize=64)
def _check_method(method: str) -> None:
    if not TOKEN.fullmatch(method) or method.upper() == "CONNECT":
        raise Unsendable(f"“{method}” is no method for a delivery; write POST, PUT or another of HTTP's.")


@lru_cache(maxsize=1_024)  # the same names go out with each delivery
def spelling(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of headers as they go out: one name has one spelling, as of two aiohttp would send the last alone.

    Raises `Unsendable`.
    """
    first: dict[str, str] = {}
    for name in names:
        _check_name(name)
        first.setdefault(name.lower(), name)
    return tuple(first[name.lower()] for name in names)


def _check_name(name: str) -> None:
    if not TOKEN.fullmatch(name):
        raise Unsendable(f"“{name}” is no name of a header; write letters, digits and hyphens.")
    if name.lower() in FRAMING:
        raise Unsendable(f"The header {name} is set by the station itself; take it out of the subscription.")


def as_payload(body: bytes) -> bytes | io.BytesIO | None:
    """The body as aiohttp takes it."""
    return io.BytesIO(body) if len(body) > LARGE else body or None
