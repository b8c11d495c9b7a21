"""Processes that run until a signal: the server, and the iMIS stand-in."""

from __future__ import annotations

import asyncio
import gc
import secrets
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

from hookstation.adapters.log import JsonLog, set_up_logging
from hookstation.config.settings import StationSettings
from hookstation.testing.sandbox import serve_sandbox
from hookstation.web.server import Listening, listen
from hookstation.web.server import serve as serve_http
from hookstation.wiring import control
from hookstation.wiring.station import Station, open_station

YOUNG_OBJECTS: Final = 20_000
"""New containers between two looks for cycles."""


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run on the fastest loop that this platform has."""
    if sys.platform == "win32":
        asyncio.run(work)
        return
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def serve(settings: StationSettings) -> None:
    """The command ``serve``."""
    run_loop(serve_station(settings, announce_ready))


def sandbox(port: int) -> None:
    """The command ``sandbox``."""

    def ready(url: str) -> None:
        print(f"Sandbox ready at {url}", flush=True)

    asyncio.run(serve_sandbox("127.0.0.1", port, ready))


def calm_collector() -> None:
    """Look for cycles seldom: calls leave hardly any, and a look in the middle of load costs every call behind it.

    What is there at the start stays, so it is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


async def announce_ready(_station: Station, url: str) -> None:
    """The one line on stdout that says the server can be called."""
    print(f"Hookstation ready at {url}", flush=True)


async def serve_station(
    settings: StationSettings, on_ready: Callable[[Station, str], Coroutine[Any, Any, None]]
) -> None:
    """Serve until a signal. `on_ready` gets the station and its address once calls can be taken."""
    log = JsonLog()
    set_up_logging(log, settings.log_level)
    public, private = listen(settings.host, settings.port), listen("127.0.0.1", 0)
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"{scheme}://{host}:{public.getsockname()[1]}"
    key = secrets.token_urlsafe(32)
    listening = Listening(
        settings.host, settings.port, settings.tls_cert, settings.tls_key, settings.trusted_proxies
    )
    async with open_station(settings, log, settings.public_url or url, key) as station:
        await station.start()
        calm_collector()
        channel = control.announce(settings.data, f"{scheme}://127.0.0.1:{private.getsockname()[1]}", key)
        started: list[asyncio.Task[None]] = []

        def ready() -> None:
            started.append(asyncio.get_running_loop().create_task(on_ready(station, url)))

        try:
            await serve_http(
                station.app, station.lane, listening, [public, private], ready, station.stop_accepting
            )
        finally:
            channel.unlink(missing_ok=True)
            for task in started:
                task.cancel()
            await asyncio.gather(*started, return_exceptions=True)
            await station.stop()
            log.flush()
