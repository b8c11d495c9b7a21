"""What went wrong, in the words of `Trouble`: the one seam where foreign errors are translated.

The sentences are for people and are kept with the attempt. None holds a path, a query, a header or credentials.
"""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp
from aiohttp import http_exceptions

from hookstation.adapters.sender.progress import Progress
from hookstation.adapters.sender.request import Unsendable
from hookstation.adapters.sender.tls import TlsUnusable
from hookstation.core.outgoing.values import Trouble
from hookstation.errors import AddressRefused
from hookstation.ports.sender import NotSent

FOREIGN: Final = (
    AddressRefused,
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    OSError,
    TimeoutError,
    EOFError,
    ValueError,
    RuntimeError,
    AssertionError,
)
"""Everything that a request may end in: the guard, aiohttp's own tree, its parser's, the socket's and TLS's, time-outs,
values that aiohttp refuses to send, and what it says of a session or a connection that is closed at that moment."""

ON_THE_WAY: Final = frozenset((Trouble.NAME, Trouble.CONNECT, Trouble.BROKEN_OFF, Trouble.PROTOCOL))
"""Troubles that are the proxy's own while the way through it is not open yet, and TLS's while that is agreed on."""

WORDS: Final = 160
"""Letters of a foreign sentence that are passed on."""


class UnfitAnswer(Exception):
    """The answer is HTTP, but not an answer to what was asked."""


def translate(error: BaseException, progress: Progress) -> NotSent:
    """The error as an attempt tells it."""
    trouble, message = _describe(error, progress)
    if progress.at_proxy and trouble in ON_THE_WAY:
        trouble, message = Trouble.PROXY, f"The proxy is in the way: {message}"
    elif progress.in_tls and trouble in ON_THE_WAY:
        trouble, message = Trouble.TLS, "No secure connection could be made; the receiver hung up instead."
    return NotSent(trouble, message, progress.timing(), sent=progress.sent > 0)


def _describe(error: BaseException, progress: Progress) -> tuple[Trouble, str]:
    match error:
        case AddressRefused():
            return Trouble.ADDRESS, error.message
        case Unsendable():
            return Trouble.MAPPING, str(error)
        case TlsUnusable():
            return Trouble.TLS, str(error)
        case UnfitAnswer():
            return Trouble.PROTOCOL, str(error)
        case TimeoutError():
            return Trouble.TIMEOUT, f"Nothing came in time; it waited for {progress.waits_for}."
        case aiohttp.ClientHttpProxyError():
            return Trouble.PROXY, f"The proxy refused the connection with status {error.status}."
        case aiohttp.InvalidURL():
            return Trouble.ADDRESS, "The URL cannot be read; correct the destination's `url`."
        case aiohttp.ClientConnectorError() | aiohttp.ClientSSLError():
            return _not_connected(error)
    return _broken(error, progress)


def _not_connected(error: aiohttp.ClientConnectorError | aiohttp.ClientSSLError) -> tuple[Trouble, str]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Trouble.NAME, "The name was not found."
        case aiohttp.ClientProxyConnectionError():
            return Trouble.PROXY, f"The proxy took no connection ({_plain(error.os_error)})."
        case aiohttp.ClientConnectorCertificateError():
            return (
                Trouble.TLS,
                f"The receiver's certificate is not accepted: {_verdict(error.certificate_error)}.",
            )
        case aiohttp.ClientSSLError():
            return Trouble.TLS, f"No secure connection could be made ({_plain(error)})."
    return Trouble.CONNECT, f"No connection was taken ({_plain(error.os_error)})."


def _broken(error: BaseException, progress: Progress) -> tuple[Trouble, str]:
    """What happens on a connection that stands."""
    cause = error.__cause__ if isinstance(error, aiohttp.ClientError) else None
    match error, cause:
        case (ssl.SSLError(), _) | (_, ssl.SSLError()):
            refused = cause if isinstance(cause, ssl.SSLError) else error
            return Trouble.TLS, f"The secure connection was given up ({_plain(refused)})."
        case (
            aiohttp.ClientPayloadError(),
            http_exceptions.ContentLengthError() | http_exceptions.TransferEncodingError(),
        ):
            return Trouble.BROKEN_OFF, "The answer broke off: it is shorter than it said it would be."
        case (aiohttp.ClientResponseError() | http_exceptions.HttpProcessingError(), _):
            return Trouble.PROTOCOL, f"The answer is not HTTP that can be read ({_first_line(error)})."
        case (aiohttp.ClientPayloadError(), http_exceptions.HttpProcessingError()):
            return Trouble.PROTOCOL, f"The answer is not HTTP that can be read ({_first_line(cause)})."
        case (aiohttp.ClientPayloadError(), _):
            return Trouble.BROKEN_OFF, "The answer broke off."
        case (aiohttp.ServerDisconnectedError(), _):
            return Trouble.BROKEN_OFF, "The connection was closed without an answer."
        case (aiohttp.ClientOSError() | OSError() | EOFError() | aiohttp.ClientConnectionError(), _):
            return Trouble.BROKEN_OFF, f"The connection broke ({_plain(error)})."
    if progress.sent:
        return Trouble.BROKEN_OFF, f"The exchange broke off ({type(error).__name__})."
    return Trouble.MAPPING, f"The request could not be made ({type(error).__name__})."


def _plain(error: BaseException) -> str:
    """A socket's or TLS's error in its own few words, without the addresses that aiohttp adds."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _plain(error.os_error)
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return type(error).__name__


def _verdict(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return "it does not name this host"


def _first_line(error: BaseException | None) -> str:
    said = getattr(error, "message", "") or type(error).__name__
    return str(said).partition("\n")[0].rstrip(":")[:WORDS]
