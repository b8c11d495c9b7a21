"""Passing an inbound call on to a program on the developer's own machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import click

from hookstation.core.masking import DROPPED, MASK
from hookstation.core.values import JSON

PATIENCE: Final = 30.0
MOST_SHOWN: Final = 200
"""Characters of an answer that are shown."""

MOST_READ: Final = 64 * 1024
OF_THE_WAY: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers of the connection on which the call came, and not of the call (RFC 9110, 7.6.1)."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the local program said. `status` 0: nothing, and `error` says why."""

    status: int = 0
    microseconds: int = 0
    body: str = ""
    error: str = ""

    def as_json(self) -> JSON:
        """For a program."""
        return {
            "status": self.status or None,
            "microseconds": self.microseconds,
            "body": self.body,
            "error": self.error,
        }


class Forward:
    """Passes calls on to `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._path, self._query = parts.path or "/", parts.query

    async def send(self, headers: Mapping[str, str], query: str, body: bytes) -> Forwarded:
        """Pass one call on: its headers but for those that the station masks, its raw body, its query."""
        way = HTTPSConnection if self._secure else HTTPConnection
        connection = way(self._host, self._port, timeout=PATIENCE)
        try:
            return await asyncio.to_thread(self._send, connection, headers, query, body)
        finally:
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)  # else Ctrl-C would wait for the answer
            connection.close()

    def _send(
        self, connection: HTTPConnection, headers: Mapping[str, str], query: str, body: bytes
    ) -> Forwarded:
        asked = "&".join(part for part in (self._query, query) if part)
        began = time.perf_counter()
        try:
            connection.request("POST", self._path + ("?" + asked if asked else ""), body, passed_on(headers))
            answer = connection.getresponse()
            said = answer.read(MOST_READ).decode(errors="replace")
        except (HTTPException, OSError) as failure:
            return Forwarded(error=f"{self.url} did not answer: {failure or type(failure).__name__}")
        return Forwarded(answer.status, int((time.perf_counter() - began) * 1_000_000), said)


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a call that can be passed on: neither those of its way nor those that are masked."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in OF_THE_WAY and value != MASK and name != DROPPED
    }


def forward_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """Where calls are passed on to: a URL, or a port of this machine. Raises `BadParameter`."""
    if not value:
        return ""
    url = f"http://127.0.0.1:{value}/" if value.isdecimal() else value
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise click.BadParameter(f"“{value}” is no URL; write one like http://127.0.0.1:3000/hook.")
    return url
