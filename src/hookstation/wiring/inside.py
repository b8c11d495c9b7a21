"""The station opened for one command, where no server runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from hookstation.adapters.log import JsonLog, set_up_logging
from hookstation.cli.backend import Control
from hookstation.config.settings import StationSettings
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON
from hookstation.wiring.channel import MOST_MEMBERS, read_answer, target
from hookstation.wiring.station import DRAIN_SECONDS, address, open_station


@asynccontextmanager
async def open_here(settings: StationSettings) -> AsyncIterator[Control]:
    """The data folder itself. Raises as `open_station`."""
    log = JsonLog()
    set_up_logging(log, settings.log_level)
    base_url = settings.public_url or address(settings, settings.port)
    async with open_station(settings, log, base_url, control_key="in process") as station:
        async with station.replaying():
            yield _InProcess(station.app, station.going_on, alone=not settings.database.is_postgres)
        await station.executor.drain(DRAIN_SECONDS)


class _InProcess:
    """The API of a station that was opened for this command."""

    def __init__(
        self, app: ASGIApp, working: Callable[[], AbstractAsyncContextManager[None]], *, alone: bool
    ) -> None:
        self._app, self.working, self.alone = app, working, alone

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """One request without a network."""
        sent = b"" if body is None else dump_json(body).encode()
        status = 500
        chunks: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                chunks.append(message.get("body", b""))

        await self._app(_scope(method, target(path, query), len(sent)), receive, send)
        return read_answer(status, b"".join(chunks))

    async def stream(self, path: str, query: Mapping[str, str] | None = None) -> AsyncGenerator[JSON, None]:
        """Line by line, without a network."""
        came: asyncio.Queue[Message] = asyncio.Queue()

        async def answer() -> None:
            try:
                await self._app(_scope("GET", target(path, query), 0), _wait_forever, came.put)
            finally:
                came.put_nowait({"type": "http.response.body", "body": b""})

        answering = asyncio.ensure_future(answer())
        try:
            status = (await came.get())["status"]
            while body := (await came.get()).get("body", b""):
                if status >= 400:
                    read_answer(status, body)
                yield parse_json(body, members=MOST_MEMBERS).value if body.strip() else None
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


async def _wait_forever() -> Message:
    return await asyncio.Future()


def _scope(method: str, path: str, size: int) -> Scope:
    asked, _, query_string = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": unquote(asked),
        "raw_path": asked.encode(),
        "query_string": query_string.encode(),
        "root_path": "",
        "scheme": "http",
        "headers": [(b"authorization", b"Bearer in process"), (b"content-length", str(size).encode())],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
