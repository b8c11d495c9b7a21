"""What a connector is given to reach the world with, and the guard of what it may reach."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from hookstation.core.addresses import judge, literal
from hookstation.errors import AddressRefused, Retriable, Terminal
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient
from hookstation.ports.sender import Sender

LOOK_UP_SECONDS: Final = 10.0
"""Longest wait for a name server; one that keeps silent is as good as none."""

Query: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """The ways out. `folders`: what connections may use of this machine; `own`: our own data folder, never theirs."""

    http: HttpClient
    clock: Clock
    sender: Sender
    folders: tuple[Path, ...] = ()
    own: Path | None = None


async def reachable(host: str, port: int, networks: tuple[str, ...]) -> Sequence[str]:
    """The addresses of a host, every one of them judged; connect to these and look the name up no more.

    Raises `Retriable` where the name has none, and `Terminal` where one of them may not be called.
    """
    try:
        if literal(host) is not None:
            judge(host, networks)
            return (host,)
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
        for address in addresses:
            judge(address, networks)
    except AddressRefused as refused:
        raise Terminal(
            "The station may not call this target's address; see the log for what to permit.",
            detail=refused.message,
        ) from None
    except (OSError, UnicodeError) as error:
        raise Retriable("The target's name was not found; nothing was sent.", detail=str(error)) from None
    return tuple(sorted(addresses, key=lambda each: ip_address(each.partition("%")[0]).version))


def unreachable(host: str, networks: tuple[str, ...]) -> str:
    """What the guard would say of a host that is an address itself; empty for a name, which is judged when used."""
    try:
        if literal(host) is not None:
            judge(host, networks)
    except AddressRefused as refused:
        return refused.message
    return ""


def local_place(path: str, outside: Outside) -> str:
    """Why a connection may not use this file or folder of the machine; empty where it may.

    It must lie below one of the station's `folders`, links followed, and neither in nor around our own data folder.
    """
    if not Path(path).is_absolute():
        return "must be an absolute path, such as /srv/exchange/members.db."
    place = Path(path).resolve()
    own = outside.own.resolve() if outside.own else None
    if own is not None and (place.is_relative_to(own) or own.is_relative_to(place)):
        return "is where the station keeps its own data; choose another place."
    if any(place.is_relative_to(folder.resolve()) for folder in outside.folders):
        return ""
    allowed = ", ".join(str(folder) for folder in outside.folders)
    return (
        f"is not below a folder that connections may use ({allowed or 'none is set'}); whoever runs the station can"
        " add one to its setting `folders` (HOOKSTATION_FOLDERS)."
    )


def linked(base: str, path: str, query: Query, link: str) -> tuple[str, Query]:
    """A link on the page of this path and query, as path below the base, and query. Raises `Terminal` as `below`."""
    return below(base, urljoin(f"{base}/{path.lstrip('/')}?{urlencode(query)}", link))


def below(base: str, url: str) -> tuple[str, Query]:
    """A URL as path below the base, and query. Raises `Terminal` where it leads to another system or place."""
    whole, ours = urlsplit(url), urlsplit(base)
    same = (whole.scheme, whole.netloc.lower()) == (ours.scheme, ours.netloc.lower())
    root = ours.path.rstrip("/")
    if not same or not f"{unquote(whole.path)}/".startswith(f"{unquote(root)}/"):
        raise Terminal(
            "A link or path leads to another system, or out of the connection's url; our credentials do not go there.",
            detail=url,
        )
    return whole.path[len(root) :], tuple(parse_qsl(whole.query, keep_blank_values=True))
