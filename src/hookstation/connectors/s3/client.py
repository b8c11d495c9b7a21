"""Calls of one bucket: signed, sent over the station's own way out, and judged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hookstation.connectors.filetree.paths import below
from hookstation.connectors.s3.answers import believe
from hookstation.connectors.s3.signing import Call, Keys, encoded_path, encoded_query, sign
from hookstation.errors import AddressRefused, Retriable, Terminal, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpAnswer, HttpClient, HttpRequest

EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()
ANSWER: Final = 16 << 20
WHOLE_FILE: Final = 1 << 50
"""A file's length stands in the answer to HEAD too, which has no body."""
IN_PLACE: Final = 1 << 16
"""Bodies up to this size are hashed where they are; larger ones in a thread, which does not hold up the loop."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is. `in_path`: its name stands in the path, else in front of the host."""

    endpoint: str
    name: str
    in_path: bool
    folder: str = ""
    networks: tuple[str, ...] = ()
    timeout: float = 30.0
    part_size: int = 8 << 20

    @property
    def host(self) -> str:
        """The host that is called, with its port where that is not the usual one."""
        parts = urlsplit(self.endpoint)
        usual = {"http": 80, "https": 443}[parts.scheme]
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port and parts.port != usual else ""
        return f"{'' if self.in_path else self.name + '.'}{name}{port}"

    def key(self, path: str) -> str:
        """The key of a plain path."""
        return below(self.folder, path) if path else f"{self.folder}/" if self.folder else ""

    def path(self, key: str) -> str:
        """The plain path of a key."""
        return key.removeprefix(f"{self.folder}/") if self.folder else key


class BucketClient:
    """One bucket's interface."""

    def __init__(self, bucket: Bucket, keys: Keys, http: HttpClient, clock: Clock) -> None:
        self.bucket = bucket
        self._keys, self._http, self._clock = keys, http, clock

    async def call(
        self,
        method: str,
        path: str | None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        repeatable: bool = True,
    ) -> HttpAnswer:
        """The answer to a call about a file, or about the bucket where `path` is ``None``, if it says: done.

        Raises `ActionFailed` of the kind that the answer means, and `NotFound`; a lost answer is `Retriable` where
        doing the call again does no harm, else `UnknownOutcome`.
        """
        bucket = self.bucket
        key = "" if path is None else bucket.key(path)
        place = f"/{bucket.name}/{key}" if bucket.in_path else f"/{key}"
        call = Call(method, bucket.host, place, query or {}, headers or {}, await _hash(body))
        scheme = urlsplit(bucket.endpoint).scheme
        asked = f"?{encoded_query(call.query)}" if call.query else ""
        request = HttpRequest(
            method,
            f"{scheme}://{bucket.host}{encoded_path(place)}{asked}",
            sign(call, self._keys, self._clock.now()),
            body,
            bucket.timeout,
            bucket.networks,
            WHOLE_FILE if method == "HEAD" else ANSWER,
        )
        return believe(await self._send(request, repeatable), path or "")

    async def _send(self, request: HttpRequest, repeatable: bool) -> HttpAnswer:
        try:
            return await self._http.send(request)
        except AddressRefused as refused:
            raise Terminal(
                "The station may not call this store's address; see the log for what to permit.",
                detail=refused.message,
            ) from None
        except UnknownOutcome as unknown:
            if not repeatable:
                raise
            raise Retriable("The store did not answer.", detail=unknown.detail) from None


async def _hash(body: bytes) -> str:
    if not body:
        return EMPTY_HASH
    if len(body) <= IN_PLACE:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()
