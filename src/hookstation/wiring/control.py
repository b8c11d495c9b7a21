"""The control channel: how commands reach a running station, or the data folder where none runs.

A running server writes ``control.json`` beside its database (mode 0600): the address of a loopback listener and a
key of this process.  Who can read the folder can steer the station; nobody else learns the key.  The file may be
left over or copied, and its port another's by now: before the key or anything else is sent there, the station has to
prove that it knows the key and holds this very folder.  On PostgreSQL the file lies in the data folder, which may be
that of several nodes: the last one that started is reached, and where there is none a command opens the database
itself beside the nodes.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlencode

import aiohttp
from starlette.types import ASGIApp, Message

from hookstation.adapters.log import JsonLog, set_up_logging
from hookstation.cli.backend import Control, Refused
from hookstation.config.settings import StationSettings
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON
from hookstation.errors import FolderInUse, StoreError, StoreUnavailable
from hookstation.web.api import access
from hookstation.web.api.build import PROOF
from hookstation.wiring.opening import channel_database, channel_file, place_of
from hookstation.wiring.station import DRAIN_SECONDS, address, open_station

ROOT: Final = "/api/v1"
TRIES: Final = 50
PAUSE: Final = 0.1
ALIVE_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 300.0
MOST_MEMBERS: Final = 10_000_000


def announce(settings: StationSettings, url: str, key: str) -> Path:
    """Write the channel's address for commands to find; only its owner can read it. Raises `StoreUnavailable`."""
    path = channel_file(settings)
    part = path.with_suffix(f".{os.getpid()}")
    told = {"url": url, "key": key, "pid": os.getpid(), "database": channel_database(settings)}
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(told, file)
        part.replace(path)
    except OSError as failure:
        raise StoreUnavailable(
            f"{path} cannot be written: see to the right to write and to the space there. ({failure.strerror})"
        ) from failure
    return path


def withdraw(path: Path, key: str) -> None:
    """Remove the channel's file, unless another node of the same folder has written its own there."""
    if (_told(path) or {}).get("key") == key:
        path.unlink(missing_ok=True)


@asynccontextmanager
async def reach(settings: StationSettings) -> AsyncIterator[Control]:
    """The running server, else the data folder itself. Raises `FolderInUse` where its holder cannot be reached."""
    for attempt in range(TRIES):
        async with _running(settings) as server:
            if server is not None:
                yield server
                return
        opened = _in_process(settings)
        try:
            here = await opened.__aenter__()
        except FolderInUse:
            if attempt + 1 == TRIES:
                raise
            await asyncio.sleep(PAUSE)
            continue
        try:
            yield here
        finally:
            await opened.__aexit__(*sys.exc_info())
        return


@asynccontextmanager
async def _running(settings: StationSettings) -> AsyncIterator[Control | None]:
    """The server that holds the database; none where it left its file behind, or another has its port now."""
    match _told(channel_file(settings)):
        case {"url": str(url), "key": str(key), "database": name} if name == channel_database(settings):
            timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            connector = aiohttp.TCPConnector(ssl=False)
            async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
                proven = await _is_holder(session, url, key, place_of(settings))
                yield _Channel(session, url, key) if proven else None
        case _:
            yield None


async def _is_holder(session: aiohttp.ClientSession, url: str, key: str, place: str) -> bool:
    """Whether the station that wrote the key, and holds the folder `place`, answers there."""
    nonce = secrets.token_hex(32)
    wanted = dump_json({"proof": access.proof(key, place, nonce)}).encode()
    quickly = aiohttp.ClientTimeout(total=ALIVE_SECONDS)
    try:
        async with session.get(
            f"{url}{PROOF}?nonce={nonce}", timeout=quickly, allow_redirects=False
        ) as answer:
            said = await answer.content.readexactly(len(wanted))
    except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return hmac.compare_digest(wanted, said)


def _told(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except PermissionError as failure:
        raise StoreError(
            f"{path} may be read by the station's user only; run the command as that user."
        ) from failure
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@asynccontextmanager
async def _in_process(settings: StationSettings) -> AsyncIterator[Control]:
    log = JsonLog()
    set_up_logging(log, settings.log_level)
    base_url = settings.public_url or address(settings, settings.port)
    async with open_station(settings, log, base_url, control_key="in process") as station:
        async with station.replaying():
            yield _InProcess(station.app)
        await station.executor.drain(DRAIN_SECONDS)


class _Channel:
    """The API of a running server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session, self._url = session, url
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """One request over HTTP."""
        sent = None if body is None else dump_json(body).encode()
        url = self._url + _target(path, query)
        try:
            async with self._session.request(
                method, url, data=sent, headers=self._headers, allow_redirects=False
            ) as answer:
                return _read(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as failure:
            raise StoreError(
                f"The running station does not answer: see its log, and whether the command was done. ({failure!r})"
            ) from failure


class _InProcess:
    """The API of a station that was opened for this command."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, str] | None = None
    ) -> JSON:
        """One request without a network."""
        target, _, query_string = _target(path, query).partition("?")
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
            "path": unquote(target),
            "raw_path": target.encode(),
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
        return _read(status, b"".join(chunks))


def _target(path: str, query: Mapping[str, str] | None) -> str:
    asked = {name: value for name, value in (query or {}).items() if value}
    return ROOT + quote(path) + ("?" + urlencode(asked) if asked else "")


def _read(status: int, body: bytes) -> JSON:
    document = parse_json(body, members=MOST_MEMBERS).value if body else None
    if status >= 400:
        raise Refused(document if isinstance(document, dict) else {})
    return document
