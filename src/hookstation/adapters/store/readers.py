"""The two connections that read: one on the event loop, for a row or two, one in a thread for what may take longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from hookstation.adapters.store.connections import translated
from hookstation.errors import StoreUnavailable

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class Readers:
    """Reads what is committed. The connections stay open for their owner to close."""

    def __init__(self, near: apsw.Connection, far: apsw.Connection) -> None:
        self._near, self._far = near, far
        self._thread = ThreadPoolExecutor(1, "hookstation-reader")
        self._closed = False

    def look_up(
        self,
        read: Callable[Concatenate[apsw.Connection, Asked], Result],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Result:
        """Read a row or two here and now: handing it to a thread would take longer."""
        with translated():
            return read(self._near, *asked, **named)

    async def read(
        self,
        read: Callable[Concatenate[apsw.Connection, Asked], Result],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Result:
        """Read in the thread, so that the lane goes on."""
        if self._closed:
            raise StoreUnavailable("The database is closed.")
        work = partial(read, self._far, *asked, **named)
        with translated():
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Read nothing more in the thread; returns when what was begun is read."""
        self._closed = True
        self._thread.shutdown()
