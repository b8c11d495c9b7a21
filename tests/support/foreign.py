"""Errors of libraries, all of them, for the tests of the seams where they are translated."""

from __future__ import annotations

from typing import Final

import aiohttp
from aiohttp import http_exceptions

UNUSED: Final = frozenset(
    (
        "BadContentDispositionHeader",
        "BadContentDispositionParam",
        "EofStream",
        "WSMessageTypeError",
        "WebSocketError",
    )
)
"""Of parts that are not used: multipart bodies, WebSockets, and the mark that ends an iteration."""


def every_error_of_aiohttp() -> list[type[BaseException]]:
    """All error classes below aiohttp's roots and in its public names, by name."""
    public = [
        each for each in vars(aiohttp).values() if isinstance(each, type) and issubclass(each, Exception)
    ]
    found = {*_below(aiohttp.ClientError), *_below(http_exceptions.HttpProcessingError), *public}
    theirs = [each for each in found if each.__module__.startswith("aiohttp") and each.__name__ not in UNUSED]
    return sorted(theirs, key=lambda each: each.__name__)


def _below(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(found for child in root.__subclasses__() for found in _below(child))]
