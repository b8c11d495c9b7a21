"""A station whose database can be made full: SIGUSR1 sets its page limit to what it holds, SIGUSR2 lifts it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import apsw

from hookstation.adapters.store.sqlite import SqliteStore
from hookstation.config.settings import resolve
from hookstation.wiring.running import announce_ready, run_loop, serve_station
from hookstation.wiring.station import Station

NO_LIMIT: Final = 1_000_000_000


async def ready(station: Station, url: str) -> bool:
    """Listen for the two signals, then say that it is ready."""
    store, loop = station.store, asyncio.get_running_loop()
    assert isinstance(store, SqliteStore)
    at_work: set[asyncio.Task[object]] = set()

    def limit(pages: int) -> None:
        def work(connection: apsw.Connection) -> object:
            return connection.pragma("max_page_count", pages)

        task = loop.create_task(store._commits.run(work))
        at_work.add(task)
        task.add_done_callback(at_work.discard)

    loop.add_signal_handler(signal.SIGUSR1, limit, 1)  # SQLite takes no less than what is there
    loop.add_signal_handler(signal.SIGUSR2, limit, NO_LIMIT)
    return await announce_ready(station, url)


if __name__ == "__main__":
    options = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    run_loop(serve_station(resolve({"data": str(Path(options["--data"])), "port": "0"}, {}), ready))
