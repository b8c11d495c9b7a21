"""The only way out: aiohttp behind the address guard.

Every foreign error is translated in one place, `GuardedHttpClient.send`.  What decides between `Retriable`
and `UnknownOutcome` is whether the request's head had been handed to a connection when the call broke off.
"""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp import http_exceptions
from aiohttp.abc import AbstractResolver
from yarl import URL

from hookstation.adapters.guard import GuardedResolver, SystemNames
from hookstation.core.addresses import judge, literal
from hookstation.errors import ActionFailed, HookstationError, Retriable, Terminal, UnknownOutcome
from hookstation.ports.http import HttpAnswer, HttpRequest

CONNECT_SECONDS: Final = 10.0
"""Longest wait for one address to take the connection."""

KEEP_SECONDS: Final = 15.0
"""How long an idle connection is kept. IIS closes at 120 s and proxies at 30 to 60 s: ours must be gone
before, because a request sent into a closing connection has an unknown outcome."""

LARGE: Final = 1 << 20
"""Bytes from which aiohttp warns of a body that is sent at once."""

CONNECTIONS: Final = 100
CONNECTIONS_TO_ONE_HOST: Final = 32

FOREIGN: Final = (
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    OSError,
    TimeoutError,
    EOFError,
    ValueError,
    RuntimeError,
)
"""Everything that aiohttp lets out of a request: its own tree, its parser's, the socket's and TLS's,
time-outs, values that it refuses to send, and the use of a session that is being closed."""


@dataclass(slots=True)
class _Progress:
    """How far one request has come. `began`: by the event loop's clock, which some loops set once a turn."""

    began: float
    timeout: float
    sent: bool = False

    def check(self) -> None:
        """Raise `TimeoutError` where the time is over and the time-out has not come yet.

        A process that stood still hears of its time-outs late. Whoever gave it up may have sent the same meanwhile.
        """
        if time.monotonic() - self.began > self.timeout:
            raise TimeoutError("the process stood still")


class _TooLarge(Exception):
    """The answer is larger than the caller takes."""


class GuardedHttpClient:
    """`ports.http.HttpClient` on aiohttp.

    One pool for each set of permitted networks: a connection that was opened under wider permissions is never
    reused under narrower ones.  `names` answers look-ups; by default the operating system does.
    """

    def __init__(self, names: AbstractResolver | None = None) -> None:
        self._names = names
        self._sessions: dict[frozenset[str], aiohttp.ClientSession] = {}
        self._closed = False

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Send and read the whole answer; see the port for what is raised."""
        url = _read_url(request.url)
        assert url.raw_host is not None
        if literal(url.raw_host) is not None:
            judge(url.raw_host, request.networks)
        if self._closed:
            raise Retriable("The station is stopping; nothing was sent.")
        progress = _Progress(asyncio.get_running_loop().time(), request.timeout)
        try:
            return await self._exchange(request, url, progress)
        except HookstationError:
            raise
        except (*FOREIGN, _TooLarge) as error:
            raise translate(error, request, sent=progress.sent) from None

    async def close(self) -> None:
        """Close the pools. Safe to call twice."""
        self._closed = True
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()
        if self._names is not None:
            await self._names.close()

    async def _exchange(self, request: HttpRequest, url: URL, progress: _Progress) -> HttpAnswer:
        async with self._session(request.networks).request(
            request.method,
            url,
            headers={"Accept-Encoding": "identity", **request.headers},
            data=_payload(request.body),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=request.timeout, sock_connect=min(CONNECT_SECONDS, request.timeout)
            ),
            trace_request_ctx=progress,
        ) as response:
            body = await _read_body(response, request.largest_answer)
            return HttpAnswer(response.status, _lower(response), body)

    def _session(self, networks: tuple[str, ...]) -> aiohttp.ClientSession:
        permitted = frozenset(networks)
        session = self._sessions.get(permitted)
        if session is None:
            session = self._sessions[permitted] = self._open(networks)
        return session

    def _open(self, networks: tuple[str, ...]) -> aiohttp.ClientSession:
        if self._names is None:
            self._names = SystemNames()
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._names, networks),
            use_dns_cache=False,
            keepalive_timeout=KEEP_SECONDS,
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_TO_ONE_HOST,
        )
        watch = aiohttp.TraceConfig()
        watch.on_request_headers_sent.append(_note_sent)
        watch.on_request_chunk_sent.append(_note_more)
        return aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            raise_for_status=False,
            trace_configs=[watch],
        )


async def _note_sent(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.check()
    context.trace_request_ctx.sent = True


async def _note_more(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestChunkSentParams
) -> None:
    context.trace_request_ctx.check()


def _read_url(text: str) -> URL:
    """The URL, in the form that goes out. Its host is judged in this form: other spellings are folded
    here."""
    try:
        url = URL(text)
    except ValueError:
        raise Terminal(
            "The target's address cannot be read; correct it in the connection.", detail=text
        ) from None
    if url.scheme not in ("http", "https") or not url.raw_host or url.user is not None:
        raise Terminal(
            "The target's address must begin with http:// or https://, name a host and hold no user name.",
            detail=f"{url.scheme}://{url.raw_host}",
        )
    return url


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """The body as aiohttp wants it: a large one is sent in pieces, so that others have their turn in between."""
    return io.BytesIO(body) if len(body) > LARGE else body or None


async def _read_body(response: aiohttp.ClientResponse, largest: int) -> bytes:
    declared = response.content_length
    if declared is not None and declared > largest:
        raise _TooLarge(f"{declared} bytes were announced, {largest} are taken")
    parts: list[bytes] = []
    room = largest
    async for part in response.content.iter_any():
        room -= len(part)
        if room < 0:
            raise _TooLarge(f"more than {largest} bytes came")
        parts.append(part)
    return b"".join(parts)


def _lower(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


def translate(error: Exception, request: HttpRequest, *, sent: bool) -> ActionFailed:
    """What a foreign error means. The message holds no address, because senders see it; the detail does."""
    detail = f"{request.method} {request.url.partition('?')[0]}: {type(error).__name__}: {error}"
    why = _reason(error)
    if sent:
        return UnknownOutcome(
            f"The target was called, but {why}; whether it did the work is not known.", detail=detail
        )
    return Retriable(f"The target cannot be reached ({why}); nothing was sent.", detail=detail)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name was not found"
        case aiohttp.ClientSSLError():
            return "no secure connection could be made"
        case TimeoutError():
            return "it did not answer in time"
        case _TooLarge():
            return "its answer is too large"
        case aiohttp.ClientConnectorError():
            return "it took no connection"
        case aiohttp.ClientResponseError() | http_exceptions.HttpProcessingError():
            return "its answer is not HTTP"
        case aiohttp.ClientPayloadError() | EOFError():
            return "its answer broke off"
        case ValueError() | RuntimeError():
            return "the request could not be made"
        case _:
            return "the connection broke"
