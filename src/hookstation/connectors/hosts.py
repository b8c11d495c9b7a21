"""Systems that are reached by host and port: their common settings, and a connection to a judged address."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hookstation.connectors.outside import reachable, unreachable
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.errors import ActionFailed, Invalid, Problem, Retriable, Terminal

HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")
CONNECT_SECONDS: Final = 10.0
"""Longest wait for one address to take the connection."""

NETWORKS: Final = Setting(
    "networks",
    Kind.NETWORKS,
    default=[],
    help="Private networks that this connection may reach. Public addresses need no entry.",
    example=["10.20.0.0/16"],
)

AUTHORITIES: Final = Setting(
    "authorities",
    Kind.TEXT,
    default="",
    maximum=200_000,
    help="Certificates (PEM) of the authority that vouches for the server, where it is not a public one.",
    example="${file:/etc/ssl/own-authority.pem}",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system is. `timeout`: seconds that it may keep silent."""

    host: str
    port: int
    networks: tuple[str, ...] = ()
    timeout: float = 30.0


def host_settings(example: str, port: int | None, port_help: str) -> tuple[Setting, ...]:
    """The settings of a system that is reached by host and port. `port`: the usual one, where there is only one."""
    return (
        Setting(
            "host",
            Kind.TEXT,
            required=True,
            pattern=HOST.pattern,
            pattern_words="a name or an address, without a scheme, port or path",
            help="Name or address of the server.",
            example=example,
        ),
        Setting("port", Kind.INTEGER, default=port, minimum=1, maximum=65_535, help=port_help),
        NETWORKS,
        Setting(
            "timeout",
            Kind.DURATION,
            default="30s",
            minimum=1,
            maximum=600,
            help="Longest time that the server may keep silent.",
        ),
    )


def place_of(values: Values, port: int) -> Place:
    """The place that such settings name. `port`: where they name none."""
    chosen = values.optional_integer("port") or port
    return Place(values.text("host"), chosen, values.texts("networks"), values.seconds("timeout"))


def refused_host(values: Values) -> list[Problem]:
    """What the address guard says of a host that is an address itself."""
    refused = unreachable(values.text("host"), values.texts("networks"))
    return [Problem(("host",), refused)] if refused else []


def tls_context(authorities: str) -> ssl.SSLContext:
    """A client's TLS: the server has to prove its name, by these authorities or, without any, by public ones.

    Raises `Invalid` where the authorities cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=authorities or None)
    except (ssl.SSLError, ValueError):
        message = "cannot be read: it must be certificates as PEM text (-----BEGIN CERTIFICATE-----)."
        raise Invalid([Problem(("authorities",), message)]) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def refused_authorities(values: Values) -> list[Problem]:
    """What is wrong with the setting ``authorities``."""
    if not values.text("authorities"):
        return []
    try:
        tls_context(values.text("authorities"))
    except Invalid as invalid:
        return list(invalid.problems)
    return []


def refused_tls(error: ssl.SSLError) -> ActionFailed:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Terminal(
            f"The server's certificate is not to be trusted ({error.verify_message}). Where its authority is your own,"
            " put that one's certificate under `authorities`; else whoever runs the server has to renew it.",
            detail=str(error),
        )
    return Retriable("No secure connection could be made with the server.", detail=str(error))


@contextmanager
def with_details() -> Iterator[None]:
    """For who sets a connection up: a failure's message with what stands otherwise in the log alone."""
    try:
        yield
    except ActionFailed as failed:
        if not failed.detail:
            raise
        raise type(failed)(f"{failed.message} What was said: {failed.detail}", detail=failed.detail) from None


def wake(connected: socket.socket | None) -> None:
    """Break a connection off, so that a thread that waits for it goes on."""
    if connected is not None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


async def connect(place: Place) -> socket.socket:
    """A connected socket that does not block, to an address that was judged.

    Raises `Retriable` where nobody takes the connection, and `Terminal` where the address guard forbids it.
    """
    loop = asyncio.get_running_loop()
    why = ""
    for address in await reachable(place.host, place.port, place.networks):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS, place.timeout)):
                await loop.sock_connect(made, (address, place.port))
        except (OSError, TimeoutError) as error:
            made.close()
            why = f"{address}: {error or 'it did not answer in time'}"
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise Retriable("The server takes no connection; nothing was sent.", detail=why)
