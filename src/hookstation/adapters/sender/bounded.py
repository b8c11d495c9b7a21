"""aiohttp's connections, with a bound that aiohttp does not have: how many interim answers (1xx) a server may send.

aiohttp reads a server's whole flood of them before it looks at the clock, and holds them all meanwhile. There is no
public place for a bound; `tests/adapters/test_sender_hostile.py` fails where aiohttp moves the one that is used here.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import aiohttp
from aiohttp import http_exceptions
from aiohttp.client_proto import ResponseHandler

MOST_INTERIM: Final = 16
"""Interim answers to one request. RFC 9110, 15.2 allows any number; a server has use for one or two."""

STEP: Final = 8_192
"""Bytes that are read at one go, before it is looked whether there were too many."""


class BoundedHandler(ResponseHandler):
    """One connection."""

    _interim = 0

    def set_response_params(self, **given: Any) -> None:
        """A new request begins."""
        self._interim = 0
        super().set_response_params(**given)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take one head; an interim one is counted."""
        code = data[0].code
        self._interim += 100 <= code < 200 and code != 101
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Read on, until there are too many interim answers."""
        for start in range(0, len(data), STEP):
            super().data_received(data[start : start + STEP])
            if self._interim > MOST_INTERIM:
                self.set_exception(
                    http_exceptions.HttpProcessingError(message="too many interim answers (1xx)")
                )
                if self.transport is not None:
                    self.transport.abort()
                return


class BoundedConnector(aiohttp.TCPConnector):
    """aiohttp's pool, with connections of ours."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._factory = functools.partial(BoundedHandler, loop=self._loop)  # type: ignore[assignment]  # a narrower one
