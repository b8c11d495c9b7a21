"""HTTP/1.1 by hand, over one socket: for requests that no client would send, and answers as they came."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds after which a socket that says nothing fails the test."""


@dataclass(frozen=True)
class Heard:
    """One answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def event_id(self) -> str:
        """The journal's name of the call."""
        return self.headers["hookstation-event-id"]


class Wire:
    """One connection to a server."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        assert place.hostname is not None
        self.host = place.netloc
        self._socket = socket.create_connection((place.hostname, place.port or 80), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def reset(self) -> None:
        """Hang up as a machine does that lost its network: RST instead of FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.close()

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def send(self, sent: bytes) -> Wire:
        """Bytes as they are."""
        self._socket.sendall(sent)
        return self

    def hear(self, *, bodiless: bool = False) -> Heard:
        """The next answer."""
        line = self._file.readline()
        assert line, "the server hung up without an answer"
        status = int(line.split(b" ")[1])
        headers: dict[str, str] = {}
        while (one := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = one.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        size = 0 if bodiless or status < 200 else int(headers.get("content-length", "0"))
        return Heard(status, headers, self._file.read(size))

    def is_over(self) -> bool:
        """Whether the server says no more: waits for its hanging up, false where it sends something."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def head(method: str, path: str, host: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A request's head."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def request(
    method: str, path: str, host: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """A whole request with its declared length."""
    return head(method, path, host, {"Content-Length": str(len(body)), **(headers or {})}) + body


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def ask(
    url: str, body: bytes | str = b"", method: str = "POST", headers: Mapping[str, str] | None = None
) -> Heard:
    """One call over a connection of its own."""
    place = urlsplit(url)
    path = place.path + (f"?{place.query}" if place.query else "")
    sent = body.encode() if isinstance(body, str) else body
    with Wire(url) as wire:
        wire.send(request(method, path, place.netloc, sent, {"Connection": "close", **(headers or {})}))
        return wire.hear(bodiless=method == "HEAD")


def post(url: str, payload: object, **headers: str) -> Heard:
    """A POST of JSON; underscores of header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(url, json.dumps(payload), headers={"Content-Type": "application/json", **named})
