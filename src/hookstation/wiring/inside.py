"""The station opened for one command, where no server runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote

from starlette.types import ASGIApp, Message

from hookstation.adapters.log import JsonLog, set_up_logging
from hookstation.cli.backend import Control
from hookstation.config.settings import StationSettings
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.wiring.channel import read_answer, target
from hookstation.wiring.station import DRAIN_SECONDS, address, open_station


@asynccontextmanager
async def open_here(settings: StationSettings) -> AsyncIterator[Control]:
    """The data folder itself. Raises as `open_station`."""
    log = JsonLog()
    set_up_logging(log, settings.log_level)
    base_url = settings.public_url or address(settings, settings.port)
    async with open_station(settings, log, base_url, control_key="in process") as station:
        async with station.replaying():
            yield _InProcess(station.app)
        await station.executor.drain(DRAIN_SECONDS)


class _InProcess:
    """The API of a station that was opened for this command."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """One request without a network."""
        asked, _, query_string = target(path, query).partition("?")
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

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": unquote(asked),
            "raw_path": asked.encode(),
            "query_string": query_string.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": [
                (b"authorization", b"Bearer in process"),
                (b"content-length", str(len(sent)).encode()),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        await self._app(scope, receive, send)
        return read_answer(status, b"".join(chunks))
